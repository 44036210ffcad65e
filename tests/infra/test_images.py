"""The images hold what the rows of the table ask for, locked with hashes."""

import re
from pathlib import Path

import pytest

from shared.table.table import load

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
WORKFLOW = (ROOT / ".github/workflows/images.yml").read_text(encoding="utf-8")


def packages(lock: str) -> dict[str, str]:
    """Returns the first version of each package in a lock file."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (LOCKS / lock).read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, version)
    return found


@pytest.mark.parametrize("lock", ["light.lock", "documents.lock", "documents-gpu.lock"])
def test_every_package_of_an_image_has_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (LOCKS / lock).read_text(encoding="utf-8").strip())
    assert entries and all("--hash=sha256:" in entry for entry in entries)


def test_the_image_with_a_card_has_doclings_models_and_one_onnx_runtime_for_cuda_12() -> None:
    found = packages("documents-gpu.lock")
    assert {"docling", "docling-ibm-models", "transformers", "torchvision", "huggingface-hub"} <= found.keys()
    assert found["nvidia-cuda-runtime-cu12"].startswith("12.8.")
    assert "onnxruntime-gpu" in found and "onnxruntime" not in found, "both would write the same files"
    others = {name: version for name, version in packages("documents.lock").items() if name != "onnxruntime"}
    assert others.items() <= found.items(), "run requirements/compile.sh"


def test_every_image_of_the_table_is_built_by_the_workflow() -> None:
    images = {function.image for function in load().functions}
    images |= {function.docling.image for function in load().functions if function.docling}
    assert images == {"light", "documents", "documents-gpu"}
    for image in images:
        assert f"--tag aegisrag/{image} ." in WORKFLOW
    for file in re.findall(r"--file (\S+)", WORKFLOW):
        assert (ROOT / file).is_file()
