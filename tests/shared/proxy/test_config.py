"""The proxy's file is read to the letter, or refused with its line and what is allowed."""

import sys
from datetime import date
from pathlib import Path
from subprocess import run

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.proxy.config.file import ConfigError
from shared.proxy.config.proxy_config import PRICES, ProxyConfig
from shared.proxy.config.values import dollars, in_dollars
from shared.proxy.config.view import as_yaml, reference
from shared.types.errors import SettingError

EXAMPLE = """
ollama_cloud:
  enabled: true
  api_key: ${OLLAMA_CLOUD_API_KEY}
  base_url: https://ollama.com
  models: {extraction_cloud: gpt-oss:20b, generation_cloud: gpt-oss:120b, vision_cloud: gemma4:31b}
  cost_limits: {daily_budget_usd: 5.0, monthly_budget_usd: 100.0, alert_thresholds_pct: [80, 90, 100]}
  decision_strategy: hybrid             # cost_optimized | quality_optimized | latency_optimized | hybrid
  fallback: {on_budget_exceeded: local, on_cloud_unavailable: local, on_rate_limit: queue}
ollama:
  base_url: http://127.0.0.1:11434
  models: {extraction: gemma3:4b, generation: llama3.2:3b, vision: llava:7b, embedding: bge-m3}
prices:
  gpt-oss:120b: {input: 0.15, cached_input: 0.014, output: 0.60, as_of: 2026-09-15}
  deepseek-v4-flash: {input: 0.22, cached_input: 0.007, output: 0.66, as_of: 2026-09-15,
    peak: {days: [mon, tue, wed, thu, fri], hours_utc: [12, 18], factor: 2}}
tiers: {free: {daily_usd: 0, monthly_usd: 0}, pro: {monthly_usd: 20}, enterprise: {}}
units: {page_parsed: 0, gpu_second: 0, embedded_1k_tokens: 0, gib_day: 0, function_second: 0}
"""


def load(folder: Path, text: str, **environ: str) -> ProxyConfig:
    path = folder / "proxy.yaml"
    path.write_text(text)
    return ProxyConfig.load(path, environ)


def test_the_example_of_the_documentation_says_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, EXAMPLE) == ProxyConfig.load(None, {}) == ProxyConfig()


def test_an_empty_file_says_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == load(tmp_path, "# nothing\n") == load(tmp_path, "tiers:\nprices:\n") == ProxyConfig()


def test_the_printed_defaults_load_again(tmp_path: Path) -> None:
    assert load(tmp_path, as_yaml(ProxyConfig())) == ProxyConfig()


def test_printed_settings_load_again_and_hold_no_key(tmp_path: Path) -> None:
    text = """
    ollama_cloud: {api_key: "sk-very-secret", cost_limits: {daily_budget_usd: null, alert_thresholds_pct: []}}
    openai: {here: {base_url: "http://10.0.0.7:8080/v1", location: local, models: ["a model: odd", b]}}
    prices: {"x y": {input: 0.000001, output: 1000, image_tokens: 1120}}
    tiers: {pro: {monthly_usd: null}}
    """
    config = load(tmp_path, text)
    assert "secret" not in as_yaml(config) + repr(config)
    assert load(tmp_path, as_yaml(config), OLLAMA_CLOUD_API_KEY="sk-very-secret") == config


def test_money_is_exact(tmp_path: Path) -> None:
    config = load(tmp_path, "ollama_cloud: {cost_limits: {daily_budget_usd: 0.1, monthly_budget_usd: 4503.599627}}")
    assert (config.platform_caps.daily_microusd, config.platform_caps.monthly_microusd) == (100_000, 4_503_599_627)


@given(st.integers(0, 10**15))
def test_an_amount_written_and_read_is_the_same(amount: int) -> None:
    assert dollars(in_dollars(amount)) == amount


def test_a_row_of_prices_stands_alone_and_other_rows_stay(tmp_path: Path) -> None:
    config = load(tmp_path, "prices: {gpt-oss:120b: {input: 0.2, output: 1}}")
    assert config.prices["gpt-oss:120b"].cached == 200_000
    assert config.prices["gpt-oss:120b"].as_of is None
    assert config.prices["kimi-k3"] == PRICES["kimi-k3"]
    assert PRICES["gpt-oss:120b"].as_of == date(2026, 9, 15)


def test_a_tier_keeps_what_the_file_does_not_say(tmp_path: Path) -> None:
    config = load(tmp_path, "tiers: {pro: {daily_usd: 2}, enterprise: {monthly_usd: 900}}")
    assert (config.tier_caps("pro").daily_microusd, config.tier_caps("pro").monthly_microusd) == (2_000_000, 20_000_000)
    assert config.tier_caps("enterprise").monthly_microusd == 900_000_000
    assert config.tier_caps("free").daily_microusd == 0


@pytest.mark.parametrize(
    "written", ["alert_threshold_pct: 75", "alert_thresholds_pct: 75", "alert_thresholds_pct: [75]"]
)
def test_a_single_threshold_may_be_a_scalar(tmp_path: Path, written: str) -> None:
    config = load(tmp_path, f"ollama_cloud: {{cost_limits: {{{written}}}}}")
    assert config.ollama_cloud.cost_limits.alert_thresholds_pct == (75,)


# Variables


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    text = "ollama_cloud: {base_url: 'https://a.example', api_key: k1}\nollama: {base_url: 'http://b.example:1'}"
    set_there = {
        "AEGIS_OLLAMA_URL": "http://c.example:2/",
        "AEGIS_OLLAMA_CLOUD_URL": "http://127.0.0.1:9",
        "OLLAMA_API_KEY": "k2",
    }
    config = load(tmp_path, text, **set_there)
    assert (config.ollama.base_url, config.ollama_cloud.base_url) == ("http://c.example:2", "http://127.0.0.1:9")
    assert str(config.ollama_cloud.api_key) == "k2"
    assert str(load(tmp_path, text, OLLAMA_API_KEY="k2", OLLAMA_CLOUD_API_KEY="k3").ollama_cloud.api_key) == "k3"


def test_the_cloud_is_used_only_when_enabled_and_with_a_key(tmp_path: Path) -> None:
    assert not ProxyConfig.load(None, {}).ollama_cloud.is_usable
    assert not load(tmp_path, EXAMPLE).ollama_cloud.is_usable
    assert load(tmp_path, EXAMPLE, OLLAMA_CLOUD_API_KEY="k").ollama_cloud.is_usable
    assert not load(tmp_path, "ollama_cloud: {enabled: false}", OLLAMA_CLOUD_API_KEY="k").ollama_cloud.is_usable


def test_a_variable_is_put_in_anywhere_and_never_read_as_yaml(tmp_path: Path) -> None:
    text = "ollama: {base_url: 'http://${HOST_OF_MODELS}:11434', models: {generation: '${MODEL}'}}"
    config = load(tmp_path, text, HOST_OF_MODELS="models.internal", MODEL="a: {b}, #c")
    assert config.ollama.base_url == "http://models.internal:11434"
    assert config.ollama.models.generation == "a: {b}, #c"


def test_a_key_is_encoded_nowhere_and_all_else_is_plain(tmp_path: Path) -> None:
    config = load(tmp_path, EXAMPLE, OLLAMA_CLOUD_API_KEY="sk-very-secret")
    with pytest.raises(TypeError, match="Secret"):
        msgspec.json.encode(config)
    for part in (config.ollama, config.prices, config.tiers, config.units, config.platform_caps):
        assert msgspec.json.encode(part)


def test_an_error_shows_the_variable_and_not_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, "ollama: {base_url: '${OLLAMA_CLOUD_API_KEY}'}", OLLAMA_CLOUD_API_KEY="sk-very-secret")
    assert "secret" not in str(refused.value)
    assert "${OLLAMA_CLOUD_API_KEY}" in str(refused.value)


@pytest.mark.parametrize("variable", ["AEGIS_OLLAMA_URL", "AEGIS_OLLAMA_CLOUD_URL"])
@pytest.mark.parametrize("value", ["ftp://x", "nowhere", "http://", "http://x:port", "http://a@b"])
def test_an_address_in_the_environment_is_checked(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable}: "):
        ProxyConfig.load(None, {variable: value})


def test_a_key_never_goes_over_an_open_line() -> None:
    with pytest.raises(ConfigError, match="https"):
        ProxyConfig.load(None, {"AEGIS_OLLAMA_CLOUD_URL": "http://ollama.example"})


# What is refused, with its line and what is allowed


REFUSED = [
    ("nonsense: 1", 1, "known here: ollama_cloud, ollama, openai, prices, tiers, units"),
    ("ollama_cloud:\n  enabeld: true", 2, "known here: enabled, api_key"),
    ("ollama_cloud:\n  enabled: yes please", 2, "true or false"),
    ("ollama_cloud:\n  base_url: http://ollama.com", 2, "https://"),
    ("ollama_cloud:\n  api_key: ${A-B}", 2, "${NAME}"),
    ("ollama_cloud:\n  models:\n    generation: x", 3, "generation_cloud"),
    ("ollama_cloud:\n  decision_strategy: cheapest", 2, "cost_optimized"),
    ("ollama_cloud:\n  fallback:\n    on_rate_limit: retry", 3, "local or queue"),
    ("ollama_cloud:\n  fallback: {on_budget_exceeded: cloud}", 2, "local"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd: five", 3, "USD"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd: -1", 3, "USD"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd: .inf", 3, "USD"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd: 1e99", 3, "USD"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd: 0.0000001", 3, "6 decimals"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd:", 3, "USD"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd: 1000000000.000001", 3, "USD"),
    ("ollama_cloud:\n  cost_limits:\n    daily_budget_usd: ${SECRET_URL}", 3, "not set"),
    ("ollama_cloud:\n  cost_limits:\n    monthly_budget_usd: [5]", 3, "USD"),
    ("ollama_cloud:\n  cost_limits:\n    alert_thresholds_pct: [80,\n      101]", 4, "from 1 to 100"),
    ("ollama_cloud:\n  cost_limits:\n    alert_threshold_pct: 0", 3, "from 1 to 100"),
    ("ollama_cloud:\n  cost_limits:\n    alert_thresholds_pct: [1]\n    alert_threshold_pct: 80", 4, "alone"),
    ("ollama_cloud:\n  concurrency: 0", 2, "from 1 to 1000"),
    ("ollama_cloud: on", 1, "a mapping"),
    ("ollama:\n  base_url: ${NOT_SET}", 2, "NOT_SET is not set"),
    ("ollama:\n  base_url: localhost:11434", 2, "http://"),
    ("ollama:\n  models: {generation: [a]}", 2, "text"),
    ("ollama:\n  context_steps: []", 2, "a list"),
    ("openai:\n  far:\n    base_url: http://far.example/v1", 2, "https://"),
    ("openai:\n  far:\n    where: cloud", 3, "location"),
    ("prices:\n  m:\n    input: 0.1\n    out: 1", 4, "cached_input, output"),
    ("prices:\n  m: {input: 0.1, output: 1, as_of: today}", 2, "a date like"),
    ("prices:\n  m: {input: 0.1, output: 1, as_of: 2026-02-30}", 2, "a date like"),
    ("prices:\n  m: {image_tokens: 0}", 2, "from 1 to"),
    ("prices:\n  m:\n    peak:\n      days: [monday]", 4, "fri"),
    ("prices:\n  m:\n    peak:\n      hours_utc: [12]", 4, "a list of 2"),
    ("prices:\n  m:\n    peak:\n      hours_utc: [12, 25]", 4, "from 0 to 24"),
    ("prices:\n  m:\n    peak:\n      hours_utc: [12, 12]", 3, "two different hours"),
    ("prices:\n  m:\n    peak: {factor: 0.5}", 3, "from 1 to 100"),
    ("prices: [a]", 1, "a mapping"),
    ("tiers:\n  gold: {}", 2, "free, pro, enterprise"),
    ("tiers:\n  pro: {weekly_usd: 1}", 2, "daily_usd, monthly_usd"),
    ("units:\n  page: 1", 2, "page_parsed"),
    ("units:\n  page_parsed: free", 2, "USD"),
    ("tiers: {}\nunits: {}\ntiers: {}", 3, "twice"),
    ("ollama_cloud: &a {}\nollama: *a", 1, "anchors"),
    ("ollama:\n  <<: {base_url: x}", 2, "known here"),
    ("ollama:\n  base_url: !!python/object/apply:os.system [id]", 2, "tags"),
    ("? [a]\n: 1", 1, "a plain name"),
    ("- a", 1, "keys with values"),
    ("just text", 1, "keys with values"),
    ("a: b: c", 1, "not YAML"),
    ("ollama: {\n\n", 3, "not YAML"),
    ("tiers: {}\n---\nunits: {}", 2, "second document"),
    ("tiers: " + "[" * 5000, 1, "too deeply"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "reason"), REFUSED, ids=[text[:40] for text, _, _ in REFUSED])
def test_a_mistake_is_told_with_file_line_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'proxy.yaml'}:{line}: ")
    assert reason in str(refused.value)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        ProxyConfig.load(tmp_path / "absent.yaml", {})
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        ProxyConfig.load(tmp_path / "bytes.yaml", {})


def test_a_start_that_knows_settings_errors_knows_this_one() -> None:
    assert issubclass(ConfigError, SettingError)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode(errors="replace"))
    try:
        ProxyConfig.load(path, {})
    except ConfigError:
        return


def test_yaml_is_only_imported_for_a_file() -> None:
    config = "from shared.proxy.config.proxy_config import ProxyConfig"
    program = f"import sys; {config}; ProxyConfig.load(None, {{}}); print([*sys.modules])"
    assert "'yaml'" not in run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_every_key_stands_in_the_reference() -> None:
    names = [name for name, *_ in reference()]
    assert {"ollama_cloud.enabled", "prices.NAME.peak.factor", "openai.NAME.location", "units.gib_day"} <= {*names}
    assert len(names) == len({*names})


def test_who_verifies_statements_is_one_of_two_words(tmp_path: Path) -> None:
    assert ProxyConfig().verify == "rules"
    (tmp_path / "proxy.yaml").write_text("verify: model\n")
    assert ProxyConfig.load(tmp_path / "proxy.yaml", {}).verify == "model"
    (tmp_path / "proxy.yaml").write_text("verify: always\n")
    with pytest.raises(ConfigError, match=r"proxy.yaml:1: `verify` is 'always'; it takes model or rules"):
        ProxyConfig.load(tmp_path / "proxy.yaml", {})
