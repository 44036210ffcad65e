"""The image that every light function runs in: built from the locks, confined as on a cluster."""

from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.images import Images

pytestmark = pytest.mark.xdist_group("image")

IMPORT_EVERYTHING = """
import shared.blobs.s3, shared.redis.connection, shared.bus.broker, shared.vectors.qdrant
from shared.table.table import load
for function in load().functions:
    for operation in function.operations:
        function.handler(operation)
print(len(load().functions))
"""
EMBED = """
from shared.embedding.minilm import MiniLM
import asyncio
print(len(asyncio.run(MiniLM().embed(["a crane in the harbour"])).vectors[0]))
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    return Images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def light(images: Images) -> Iterator[str]:
    image = images.build("light")
    yield image
    images.run("podman", "image", "rm", "--force", image)


def test_a_light_function_runs_read_only_as_an_ordinary_user(images: Images, light: str) -> None:
    with images.running(light, "formats") as container:
        assert container.ready().json() == {"status": "ready", "stores": {}, "backends": {}}
        formats = httpx.get(f"{container.url}/formats")
        assert formats.status_code == 200
        assert "md" in {one["extension"] for one in formats.json()["items"]}
        assert container.execute("touch", "/opt/aegis/written")[0] != 0
        assert container.execute("sh", "-c", "test $(id -u) = 65532")[0] == 0
        assert container.execute("touch", "/tmp/written")[0] == 0


def test_a_light_function_ends_within_seconds_of_being_told_to(images: Images, light: str) -> None:
    with images.running(light, "front") as container:
        container.ready()
        assert container.terminate(within_s=5) == 0


def test_a_function_without_its_stores_says_which_variable_is_missing(images: Images, light: str) -> None:
    code, output = images.code("podman", "run", "--rm", "--read-only", light, "ask")
    assert code == 2
    assert "AEGIS_REDIS_URL is not set" in output or "AEGIS_S3_BUCKET is not set" in output


def test_the_image_names_its_user_by_number_and_listens_for_everyone(images: Images, light: str) -> None:
    configuration = images.configuration(light)
    assert configuration["User"] == "65532:65532"
    assert configuration["Entrypoint"] == ["aegis", "function"]
    assert "HOST=0.0.0.0" in configuration["Env"]


def test_no_library_in_the_image_sends_telemetry(images: Images, light: str) -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in images.configuration(light)["Env"]
    left = "import pathlib; print(sorted(str(one) for one in pathlib.Path('/tmp').rglob('*')))"
    assert images.inside(light, "env", "HOME=/tmp", "python3", "-c", EMBED + left).endswith("[]")


def test_the_image_holds_what_every_function_imports(images: Images, light: str) -> None:
    assert int(images.inside(light, "python3", "-c", IMPORT_EVERYTHING)) > 10


def test_the_built_in_embedding_works_in_the_image(images: Images, light: str) -> None:
    assert images.inside(light, "python3", "-c", EMBED) == "384"


def test_nothing_builds_and_nothing_starts_by_itself_in_the_image(images: Images, light: str) -> None:
    left = "find /opt/aegis -name '*.pth' -o -name 'sitecustomize*' -o -name pip -o -name hatchling -o -name setuptools"
    assert images.inside(light, "sh", "-c", left) == ""
    assert images.inside(light, "sh", "-c", "command -v cc gcc make hatchling || true") == ""
    assert images.inside(light, "sh", "-c", "find /opt/aegis ! -user 0 -o -perm /o+w ! -type l") == ""
