"""A model's name stands for one server: the file says which, or it is refused."""

from pathlib import Path

import pytest

from shared.proxy.config.file import ConfigError
from shared.proxy.config.owners import declared_servers
from shared.proxy.config.proxy_config import ProxyConfig

THIRD = 'openai:\n  third:\n    base_url: https://third.example/v1\n    api_key: k\n    models: ["l:1b"]\n'
LOCAL = "ollama:\n  models: {generation: l:1b}\n"
CLOUD = "ollama_cloud:\n  api_key: k\n  models: {generation_cloud: l:1b}\n"
FOURTH = '  fourth:\n    location: local\n    models: [other, "l:1b"]\n'


def load(folder: Path, text: str) -> ProxyConfig:
    path = folder / "proxy.yaml"
    path.write_text(text)
    return ProxyConfig.load(path, {})


REFUSED = [
    (THIRD + LOCAL, 7, "`ollama.models.generation`"),
    (LOCAL + THIRD, 7, "`openai.third.models`"),
    (THIRD + FOURTH, 8, "`openai.fourth.models`"),
    (CLOUD + LOCAL, 5, "`ollama_cloud.models.generation_cloud`"),
    (THIRD + CLOUD, 8, "preferred: true"),
    (THIRD + "    preferred: true\n" + FOURTH + "    preferred: true\n", 9, "more than one"),
    (THIRD.replace("l:1b", "small") + LOCAL.replace("l:1b", "small:latest"), 7, "'small'"),
    (THIRD.replace("third:", "ollama_cloud:"), 2, "a name of ours"),
    (THIRD.replace("third:", "aegis:"), 2, "a name of ours"),
]


@pytest.mark.parametrize(("text", "line", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_a_name_at_two_servers_refuses_the_start(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'proxy.yaml'}:{line}: ")
    assert reason in str(refused.value)


OWNED = [
    (THIRD, "third"),
    (LOCAL, "ollama"),
    (THIRD + "    preferred: true\n" + LOCAL, "third"),
    (THIRD + LOCAL + "  preferred: true\n", "ollama"),
    (THIRD + CLOUD + "  preferred: true\n", "ollama_cloud"),
    (THIRD + FOURTH + "    preferred: true\n", "fourth"),
    (THIRD.replace("    api_key: k\n", "") + LOCAL, "ollama"),
    (CLOUD.replace("  api_key: k\n", "") + LOCAL, "ollama"),
]


@pytest.mark.parametrize(("text", "owner"), OWNED, ids=range(len(OWNED)))
def test_the_file_says_whose_a_name_is(tmp_path: Path, text: str, owner: str) -> None:
    assert declared_servers(load(tmp_path, text))["l:1b"] == owner
