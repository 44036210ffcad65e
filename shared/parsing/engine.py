"""Chooses the models that read pages: those that come in wheels, or Docling's own, and where they compute."""

import os
import re
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from shared.parsing.limits import GIB, SLICE_PAGES
from shared.types.errors import AegisError, SettingError

EngineName = Literal["builtin", "docling"]
Device = Literal["cpu", "cuda"]

PACKAGES = ("torch", "torchvision", "transformers", "docling_ibm_models", "docling_parse")
"""What Docling's own models need beside the package that the lock has."""

_TABLEFORMER = "docling-project--docling-models/model_artifacts/tableformer/accurate"
WEIGHTS = {
    "layout": "docling-project--docling-layout-heron/model.safetensors",
    "tableformer": f"{_TABLEFORMER}/tableformer_accurate.safetensors",
}
"""The weights of each model, by the name under which `docling-tools` downloads it."""

OCR_WEIGHTS = "RapidOcr"
"""The folder of Docling's models of OCR. Where it is missing, the ones of the wheel read scanned pages."""

_CUDA_BUILD = re.compile(r"^cuda\b.*=\s*['\"]", re.MULTILINE)


class EngineFailed(AegisError):
    """The models or their graphics card fail. The document is not at fault."""


class PdfEngine(Struct, frozen=True):
    """`artifacts` is the folder with Docling's weights. `layout`, `tables` and `ocr` are the kinds of Docling's
    plug-ins; with `has_plugins` those that other packages bring may be among them."""

    name: EngineName = "builtin"
    artifacts: str = ""
    device: Device = "cpu"
    layout: str = "aegis-layout"
    tables: str = "aegis-grid"
    ocr: str = "aegis-ocr"
    has_plugins: bool = False

    @property
    def is_docling(self) -> bool:
        return self.name == "docling"

    @property
    def batch_pages(self) -> int:
        """Pages that the models read at a time."""
        if not self.is_docling:
            return 1
        return SLICE_PAGES if self.device == "cuda" else 4

    @property
    def model_bytes(self) -> int | None:
        """What the models may have resident beside a document; None where the address space of their process is bounded
        instead. A graphics card's driver reserves more of that than a machine has memory, and torch maps gigabytes."""
        return 4 * GIB if self.is_docling or self.device == "cuda" else None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "PdfEngine":
        """Reads AEGIS_PDF_ENGINE and DOCLING_ARTIFACTS_PATH; what they name is checked by `require`. Raises
        `SettingError`."""
        name = (environ.get("AEGIS_PDF_ENGINE") or "builtin").strip()
        artifacts = (environ.get("DOCLING_ARTIFACTS_PATH") or "").strip()
        if name == "builtin":
            return cls(device="cuda" if has_card() and has_cuda_runtime() else "cpu")
        if name == "docling":
            ocr = "rapidocr" if artifacts and (Path(artifacts) / OCR_WEIGHTS).is_dir() else "aegis-ocr"
            device: Device = "cuda" if has_card() and has_cuda_torch() else "cpu"
            return cls("docling", artifacts, device, "layout_object_detection", "docling_tableformer", ocr)
        raise SettingError(f"AEGIS_PDF_ENGINE is {name!r}; it takes {' and '.join(get_args(EngineName))}")

    def require(self) -> None:
        """Raises `SettingError` with the package or the model that is missing, and how to get it."""
        if not self.is_docling:
            return
        if missing := [name for name in PACKAGES if find_spec(name) is None]:
            raise SettingError(
                f"AEGIS_PDF_ENGINE is docling, and {', '.join(missing)} is not installed: "
                "pip install 'aegisrag[docling]', or use the image documents-gpu"
            )
        models = f"`docling-tools models download {' '.join(WEIGHTS)} -o DIR` downloads them"
        if not self.artifacts:
            raise SettingError(
                "AEGIS_PDF_ENGINE is docling, and DOCLING_ARTIFACTS_PATH is not set: it names the folder with the "
                f"models; {models}"
            )
        missing = [name for name, path in WEIGHTS.items() if not (Path(self.artifacts) / path).is_file()]
        if missing:
            raise SettingError(
                f"DOCLING_ARTIFACTS_PATH is {self.artifacts}, which lacks the model {' and '.join(missing)} "
                f"({WEIGHTS[missing[0]]}); {models}"
            )

    def description(self) -> str:
        """Returns which models read pages and where they compute, for the log and `aegis doctor`."""
        models = "Docling's models" if self.is_docling else "the built-in models"
        if self.device == "cuda":
            return f"{models} read pages on the graphics card"
        return f"{models} read pages on the processor: {self._why_no_card()}"

    def _why_no_card(self) -> str:
        if not has_card():
            return "there is no graphics card"
        if self.is_docling:
            return "there is a graphics card, but this torch is built without CUDA"
        return "there is a graphics card, but ONNX Runtime has no CUDA provider (pip install onnxruntime-gpu)"


def has_card() -> bool:
    """Whether NVIDIA's driver is here and CUDA_VISIBLE_DEVICES does not hide its cards."""
    return os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1") and shutil.which("nvidia-smi") is not None


def has_cuda_runtime() -> bool:
    """Whether ONNX Runtime is installed with its CUDA provider; importing it would take long."""
    return any((folder / "capi" / "libonnxruntime_providers_cuda.so").is_file() for folder in _folders("onnxruntime"))


def has_cuda_torch() -> bool:
    """Whether torch is built for CUDA, by the file that says so; importing it would take seconds."""
    files = [folder / "version.py" for folder in _folders("torch")]
    return any(_CUDA_BUILD.search(file.read_text(encoding="utf-8")) for file in files if file.is_file())


def _folders(package: str) -> list[Path]:
    found = find_spec(package)
    return [Path(folder) for folder in (found.submodule_search_locations if found else None) or ()]


BUILTIN = PdfEngine()
_engine = BUILTIN


def use_engine(engine: PdfEngine) -> None:
    """Sets the engine of this process, before its first page."""
    global _engine  # noqa: PLW0603 - a process reads its pages with one engine
    _engine = engine


def current_engine() -> PdfEngine:
    return _engine
