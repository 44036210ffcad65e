"""Which models read pages, what they need, and where they compute: known at the start."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import onnxruntime
import pytest

from shared.parsing import engine as engines
from shared.parsing.engine import OCR_WEIGHTS, PACKAGES, WEIGHTS, EngineFailed, PdfEngine
from shared.parsing.paged import layout, ocr
from shared.parsing.paged.onnx_sessions import CPU, CUDA, configured
from shared.runtime.wiring.engine import check_engine, reads_pages
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.terminal.checks import _pdf_engine
from shared.types.errors import SettingError

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with or without a card, CUDA in each runtime, and packages."""

    def make(*, card: bool = False, runtime: bool = False, torch: bool = False, packages: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr(engines, "has_card", lambda: card)
        monkeypatch.setattr(engines, "has_cuda_runtime", lambda: runtime)
        monkeypatch.setattr(engines, "has_cuda_torch", lambda: torch)
        monkeypatch.setattr(engines, "find_spec", lambda name: name in packages or None)

    return make


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    for path in WEIGHTS.values():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("environ", "parts", "description"),
    [
        ({}, {}, "built-in models read pages on the processor: there is no graphics card"),
        ({}, {"card": True}, "on the processor: there is a graphics card, but ONNX Runtime has no CUDA provider"),
        ({}, {"card": True, "runtime": True}, "the built-in models read pages on the graphics card"),
        ({"AEGIS_PDF_ENGINE": "builtin"}, {"runtime": True}, "there is no graphics card"),
        ({"AEGIS_PDF_ENGINE": "docling"}, {"torch": True}, "Docling's models read pages on the processor"),
        ({"AEGIS_PDF_ENGINE": "docling"}, {"card": True}, "this torch is built without CUDA"),
        ({"AEGIS_PDF_ENGINE": "docling"}, {"card": True, "torch": True}, "Docling's models read pages on the graphics"),
    ],
)
def test_the_card_is_used_where_there_is_one_and_its_runtime(
    machine: Machine, environ: dict[str, str], parts: dict[str, bool], description: str
) -> None:
    machine(**parts)
    engine = Settings.from_environ(environ).pdf_engine
    assert description in engine.description() and engine.description().endswith(("card", ")", "CUDA"))
    assert (engine.device == "cuda") == engine.description().endswith("on the graphics card")


@pytest.mark.parametrize("value", ["Docling", "gpu", "builtin,docling"])
def test_another_engine_is_refused_with_the_name_of_the_variable(value: str) -> None:
    with pytest.raises(SettingError, match="it takes builtin and docling"):
        Settings.from_environ({"AEGIS_PDF_ENGINE": value})


def test_what_is_missing_is_named_at_the_start_with_how_to_get_it(machine: Machine, weights: Path) -> None:
    def refusal(**environ: str) -> str:
        with pytest.raises(SettingError) as error:
            check_engine(load().functions, PdfEngine.from_environ({"AEGIS_PDF_ENGINE": "docling", **environ}))
        return str(error.value)

    machine(packages=PACKAGES[1:])
    assert "torch is not installed: pip install 'aegisrag[docling]'" in refusal()
    machine(packages=PACKAGES)
    assert "DOCLING_ARTIFACTS_PATH is not set" in refusal()
    assert "docling-tools models download layout tableformer" in refusal(DOCLING_ARTIFACTS_PATH="/nowhere")
    (weights / WEIGHTS["tableformer"]).unlink()
    missing = refusal(DOCLING_ARTIFACTS_PATH=str(weights))
    assert f"{weights}, which lacks the model tableformer ({WEIGHTS['tableformer']})" in missing


def test_only_stages_that_read_documents_need_the_models(machine: Machine) -> None:
    machine()
    assert [function.name for function in load().functions if reads_pages(function)] == ["parse", "parse_gpu"]
    others = [function for function in load().functions if not reads_pages(function)]
    check_engine(others, PdfEngine.from_environ({"AEGIS_PDF_ENGINE": "docling"}))


def test_what_is_there_is_used_and_doctor_says_so(
    machine: Machine, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(card=True, torch=True, packages=PACKAGES)
    environ = {"AEGIS_PDF_ENGINE": "docling", "DOCLING_ARTIFACTS_PATH": str(weights)}
    engine = PdfEngine.from_environ(environ)
    check_engine(load().functions, engine)
    assert (engine.ocr, engine.batch_pages, engine.model_bytes is None) == ("aegis-ocr", 20, False)
    (weights / OCR_WEIGHTS).mkdir()
    assert PdfEngine.from_environ(environ).ocr == "rapidocr"
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert (_pdf_engine().status, _pdf_engine().detail) == ("ok", engine.description())
    machine(packages=PACKAGES)
    assert (_pdf_engine().status, _pdf_engine().detail) == ("note", PdfEngine.from_environ(environ).description())
    machine()
    assert _pdf_engine().status == "failed" and "torch" in _pdf_engine().detail


class Session:
    """A session of ONNX Runtime on a machine whose card cannot be used where `providers` lacks it."""

    usable: ClassVar[list[str]] = [CUDA, CPU]

    def __init__(self, path: str, sess_options: Any, providers: list[str]) -> None:
        self.given = providers

    def get_providers(self) -> list[str]:
        return [provider for provider in self.given if provider in self.usable]


@pytest.mark.parametrize(
    ("device", "usable", "given", "used"),
    [
        ("cpu", [CUDA, CPU], [CPU], CPU),
        ("cuda", [CUDA, CPU], [CUDA, CPU], CUDA),
        ("cuda", [CPU], [CUDA, CPU], CPU),
    ],
    ids=["no card", "a card", "a card that fails"],
)
def test_a_session_runs_on_the_card_and_says_where_it_does(
    monkeypatch: pytest.MonkeyPatch, device: Any, usable: list[str], given: list[str], used: str
) -> None:
    module = ModuleType("library.inference_engine.onnxruntime.main")
    module.InferenceSession, module.SessionOptions = Session, None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for parent in ("library", "library.inference_engine", "library.inference_engine.onnxruntime"):
        monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    monkeypatch.setattr(Session, "usable", usable)
    opened: list[str] = []
    with configured("library", device, opened):
        session = module.InferenceSession("model.onnx", sess_options=None, providers=["another"])
    assert (session.given, opened) == (given, [used])
    assert module.InferenceSession is Session


@pytest.mark.parametrize(
    ("message", "ocr", "refusal"),
    [
        ("CUDA error: device-side assert triggered", False, "the graphics card fails"),
        ("CUDA out of memory.", True, "the graphics card fails"),
        ("Stage ocr failed for run 1", True, "OCR fails"),
        ("Page 3 could not be laid out", False, ""),
    ],
)
def test_what_fails_is_no_fault_of_the_document_and_no_scan_is_lost(
    monkeypatch: pytest.MonkeyPatch, message: str, ocr: bool, refusal: str
) -> None:
    result = SimpleNamespace(errors=[SimpleNamespace(error_message=message)])
    converter = SimpleNamespace(convert=lambda stream: result)
    monkeypatch.setattr(layout, "_converter", lambda *, ocr: converter)
    if not refusal:
        assert layout._converted("page.pdf", b"", ocr=ocr) is result, "its words are put back from the text layer"
        return
    with pytest.raises(EngineFailed, match=refusal):
        layout._converted("page.pdf", b"", ocr=ocr)


def test_the_models_of_ocr_are_loaded_with_their_engine_and_not_with_the_first_page() -> None:
    ocr.ocr_engine()
    assert ocr.providers == [CPU] * 2, "lines are found by one and read by the other"
