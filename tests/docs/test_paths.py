"""What the documentation names is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
_CODE = re.compile(r"(?<!`)`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_OURS = re.compile(r"(?:events|functions|shared|knative|infra|docs|tests|requirements|\.ci)/[\w.*/-]*|[A-Z]+\.md")
_ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \| `([^`]+)` \|$", re.MULTILINE)


def _terms() -> Iterator[tuple[str, str]]:
    for names, place in _ROW.findall((ROOT / "docs/glossary.md").read_text(encoding="utf-8")):
        for name in _CODE.findall(names):
            yield name.partition(".")[0], place


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = [path for path in _CODE.findall(text) if _OURS.fullmatch(path)]
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []
    assert [link for link in _LINK.findall(text) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(("name", "place"), list(_terms()))
def test_every_term_of_the_glossary_has_its_home(name: str, place: str) -> None:
    path = ROOT / place
    modules = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    assert any(name in _defined(module) for module in modules)


def _defined(module: Path) -> set[str]:
    """The names of a module's classes, functions, constants, parameters and fields."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    named = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return named | stored


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
