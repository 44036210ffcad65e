"""Pictures of documents in words: found, cited with their place, kept from the cloud where they must be, paid once."""

import base64
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.documents.make import make, zipped
from tests.ollama import Account, Asked, FakeOllama, Model
from tests.ollama.threaded import Threaded, serving
from tests.shared.parsing import drawn
from tests.suite.running import Caller, Running

LOCAL, CLOUD = "llava:7b", "gemma4:31b"
PRICED = "prices: {'gemma4:31b': {input: 0.14, output: 0.40, image_tokens: 2000}}\n"
SCENES = {"red": "A scarlet paddle steamer", "green": "An emerald windmill", "blue": "A cobalt lighthouse"}
_SIDES = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 210)}


def colour_of(picture: str) -> str:
    pixel = Image.open(BytesIO(base64.b64decode(picture))).convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return max(zip(pixel, ("red", "green", "blue"), strict=True))[1]


def describing(asked: Asked) -> str:
    assert len(asked.pictures) == 1
    return f"{SCENES[colour_of(asked.pictures[0])]} stands beside the mole of Ystad."


def image(colour: str) -> Image.Image:
    return Image.new("RGB", (300, 200), _SIDES[colour])


def page_with(colour: str) -> Callable[[Canvas], None]:
    """A page of text with a picture below it, in the middle of the lower half."""

    def draw(canvas: Canvas) -> None:
        drawn.text_page()(canvas)
        canvas.drawImage(ImageReader(image(colour)), 200, 200, 120, 80)

    return draw


def slide_with(colour: str) -> bytes:
    """A presentation whose slide shows a picture in its lower right quarter."""
    with zipfile.ZipFile(BytesIO(make("pptx"))) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name).decode() for name in archive.namelist()}
    parts["ppt/media/one.png"] = drawn.encoded(image(colour), "PNG")
    picture = (
        '<p:pic><p:nvPicPr><p:cNvPr id="9" name="p"/><p:cNvPicPr/><p:nvPr/></p:nvPicPr><p:blipFill>'
        '<a:blip r:embed="rId9"/></p:blipFill><p:spPr><a:xfrm><a:off x="4572000" y="3429000"/><a:ext cx="4572000" '
        'cy="3429000"/></a:xfrm><a:prstGeom prst="rect"/></p:spPr></p:pic></p:spTree>'
    )
    link = (
        '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" '
        'Target="../media/one.png"/></Relationships>'
    )
    for name, before, after in (
        ("ppt/slides/s.xml", "</p:spTree>", picture),
        ("ppt/slides/_rels/s.xml.rels", "</Relationships>", link),
        ("[Content_Types].xml", "<Override", '<Default Extension="png" ContentType="image/png"/><Override'),
    ):
        parts[name] = str(parts[name]).replace(before, after, 1)
    return zipped(parts)


class House(NamedTuple):
    server: Running
    local: Threaded
    cloud: Threaded

    def colours(self, where: str = "local") -> list[str]:
        """The colours of the pictures that a model received, in order."""
        fake = (self.local if where == "local" else self.cloud).fake
        return [colour_of(picture) for body in fake.asked() for one in body["messages"] for picture in one["images"]]


@contextmanager
def house(folder: Path, file: str, *, keyed: bool = True) -> Iterator[House]:
    local = FakeOllama(Model(LOCAL, answer=describing, capabilities=("completion", "vision")), parallel=4)
    cloud = FakeOllama(
        Model(CLOUD, answer=describing, capabilities=("completion", "vision")), account=Account(), parallel=10
    )
    (folder / "proxy.yaml").write_text(PRICED + file)
    with serving(local, cloud) as (here, there):
        environ = {"AEGIS_OLLAMA_URL": here.url, "AEGIS_OLLAMA_CLOUD_URL": there.url}
        environ |= {"OLLAMA_CLOUD_API_KEY": "cloud-key"} if keyed else {}
        server = Running(folder / "data", AEGIS_PROXY_CONFIG=str(folder / "proxy.yaml"), **environ).start()
        yield House(server, here, there)
        server.stop()


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Pictures are described, by the cloud's model where nothing forbids it."""
    file = "vision: {describe_pictures: true}\nollama_cloud: {decision_strategy: quality_optimized}\n"
    with house(tmp_path_factory.mktemp("seeing"), file) as made:
        yield made


@pytest.fixture
def caller(seeing: House) -> Iterator[Caller]:
    with seeing.server.caller(seeing.server.api_key) as caller:
        yield caller


def cited(caller: Caller, question: str, document_id: str) -> dict[str, Any]:
    answer = caller.post("/ask", json={"question": question, "document_ids": [document_id]}).raise_for_status().json()
    assert answer["answered"], answer
    citation: dict[str, Any] = answer["citations"][0]
    return citation


def test_a_described_picture_is_found_and_cited_with_its_page_and_place(caller: Caller, seeing: House) -> None:
    content = drawn.pdf(drawn.text_page(1), page_with("red"))
    document = caller.ingest(content, "steamer.pdf", classification="internal")
    assert document["status"] == "ready"
    found = caller.search("scarlet paddle steamer", document_ids=[document["document_id"]])[0]
    assert "Picture: A scarlet paddle steamer" in found["text"] and found["page"] == 2
    left, top, right, bottom = found["box"]
    assert left <= 200 / drawn.WIDTH < 320 / drawn.WIDTH <= right + 0.001
    assert top < 0.7 and bottom >= 1 - 200 / drawn.HEIGHT - 0.001
    citation = cited(caller, "What stands beside the mole of Ystad?", document["document_id"])
    assert citation["page"] == 2 and citation["box"] and "scarlet" in citation["quote"]


def test_what_the_cloud_was_paid_for_a_picture_is_part_of_the_document(caller: Caller, seeing: House) -> None:
    document = caller.ingest(drawn.pdf(page_with("green")), "windmill.pdf", classification="public")
    assert seeing.colours("cloud")[-1] == "green" and document["cost_usd"] > 0
    items = caller.get("/usage/ledger", params={"limit": 100}).json()["items"]
    lines = [one for one in items if one["document_id"] == document["document_id"] and one["location"] == "cloud"]
    assert sum(one["cost_usd"] for one in lines) == pytest.approx(document["cost_usd"])


def test_a_confidential_picture_never_reaches_the_cloud(caller: Caller, seeing: House) -> None:
    before = len(seeing.cloud.fake.asked())
    document = caller.ingest(drawn.pdf(page_with("blue")), "lighthouse.pdf", classification="confidential")
    assert document["status"] == "ready" and "blue" in seeing.colours("local")
    assert len(seeing.cloud.fake.asked()) == before and "blue" not in seeing.colours("cloud")
    assert "cobalt" in caller.search("cobalt lighthouse", document_ids=[document["document_id"]])[0]["text"]


def test_a_document_that_may_cost_nothing_is_read_and_its_pictures_stay_local(caller: Caller, seeing: House) -> None:
    before = len(seeing.cloud.fake.asked())
    content = drawn.pdf(page_with("red"), drawn.text_page(7))
    document = caller.ingest(content, "bounded.pdf", max_cost_usd="0")
    assert (document["status"], document["cost_usd"]) == ("ready", 0)
    assert len(seeing.cloud.fake.asked()) == before


def test_pictures_of_slides_are_described_too(caller: Caller) -> None:
    document = caller.ingest(slide_with("blue"), "slides.pptx", classification="confidential")
    found = caller.search("cobalt lighthouse", document_ids=[document["document_id"]])[0]
    assert "Picture: A cobalt lighthouse" in found["text"] and found["page"] == 1


def test_by_itself_nothing_is_described(tmp_path: Path) -> None:
    with house(tmp_path, "", keyed=False) as plain, plain.server.caller(plain.server.api_key) as caller:
        document = caller.ingest(drawn.pdf(page_with("red")), "steamer.pdf")
        assert document["status"] == "ready" and plain.local.fake.asked() == []
        assert "scarlet" not in str(caller.search("scarlet paddle steamer"))


def test_a_crash_half_way_pays_for_no_description_twice(tmp_path: Path) -> None:
    with house(tmp_path, "vision: {describe_pictures: true}\n", keyed=False) as made:
        fake = made.local.fake

        def hanging_after_green(asked: Asked) -> str:
            if colour_of(asked.pictures[0]) == "green":
                fake.always("hang", path="/api/chat")
            return describing(asked)

        fake.models[LOCAL] = replace(fake.models[LOCAL], answer=hanging_after_green)
        content = drawn.pdf(page_with("red"), page_with("green"), page_with("blue"))
        with made.server.caller(made.server.api_key) as caller:
            document_id = caller.upload(content, "three.pdf").json()["document_id"]
            made.local.until(lambda fake: len(fake.asked()) == 3)
        made.server.kill()
        fake.models[LOCAL] = replace(fake.models[LOCAL], answer=describing)
        fake.always(None, path="/api/chat")
        made.server.start()
        with made.server.caller(made.server.api_key) as caller:
            assert caller.final(document_id)["status"] == "ready"
            assert "cobalt" in caller.search("cobalt lighthouse")[0]["text"]
        colours = made.colours()
        assert (colours.count("red"), colours.count("green"), colours.count("blue")) == (1, 1, 2)


def test_an_estimate_tells_what_its_pictures_may_cost_and_where(caller: Caller) -> None:
    content = drawn.pdf(page_with("green"), page_with("blue"), drawn.text_page(3))
    estimates = {}
    for classification in ("public", "confidential"):
        files, form = {"file": ("two.pdf", content)}, {"classification": classification}
        estimates[classification] = caller.post("/estimate", files=files, data=form).raise_for_status().json()
    assert estimates["confidential"]["cost_usd"] == {"low": 0, "high": 0}
    assert {stage["location"] for stage in estimates["confidential"]["stages"]} == {"local"}
    stages = {stage["stage"]: stage["location"] for stage in estimates["public"]["stages"]}
    assert stages == {
        "parse": "cloud",
        **dict.fromkeys(("chunk", "embed", "extract", "link", "finish"), "local"),
    }
    low, high = estimates["public"]["cost_usd"]["low"], estimates["public"]["cost_usd"]["high"]
    cost = caller.ingest(content, "two.pdf", classification="public")["cost_usd"]
    assert 0 < low <= high <= 3 * low and cost <= high
