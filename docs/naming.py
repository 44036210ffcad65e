"""Checks names against the glossary: no word that is not a term of the field, no public class name in two modules.

`python -m docs.naming [PATH…]` prints each fault as `file:line: name: what to write`, and exits 1 where there is one.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOTS = ("events", "functions", "shared", "knative", "docs", "tests")
PRODUCT = ("events", "functions", "shared")
"""The packages in which a public class name has one home."""

GLOSSARY = Path(__file__).with_name("glossary.md")
EXCEPTIONS = frozenset({"events/envelope.py:epoch"})
"""Names that an external format requires: the CloudEvents extension `epoch`."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def hints(glossary: str) -> dict[str, str]:
    """Reads the glossary's table of words that are not names: each word, and what to write."""
    _, _, rest = glossary.partition("<!-- words -->")
    table, end, _ = rest.partition("<!-- words: end -->")
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.strip().splitlines()[2:]]
    if not end or not rows:
        raise SystemExit("the glossary's table of words that are not names is missing")
    return {word: hint for wrong, hint in rows for word in wrong.split()}


class Definition(NamedTuple):
    """A name and the place of its definition."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.name}"


def definitions(path: Path) -> Iterator[Definition]:
    """Yields the module's own name and every name that it defines, except those of tests, which are sentences."""
    yield Definition(str(path), 1, path.stem)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not name.startswith("test_"):
                yield Definition(str(path), node.lineno, name)
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield Definition(str(path), node.lineno, name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield Definition(str(path), node.lineno, name)


def words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def wrong_words(paths: Sequence[Path]) -> list[str]:
    """Returns a line for each name that contains a word of the table."""
    wrong = hints(GLOSSARY.read_text(encoding="utf-8"))
    found: dict[str, None] = {}
    for path in paths:
        if path.stem.startswith("test_"):
            defined = [one for one in definitions(path) if one.name != path.stem]
        else:
            defined = list(definitions(path))
        for one in defined:
            for word in words(one.name):
                if word in wrong and f"{one.file}:{one.name}" not in EXCEPTIONS:
                    found[f"{one}: write {wrong[word]}"] = None
    return list(found)


def double_names(paths: Sequence[Path]) -> list[str]:
    """Returns a line for each public class or type whose name another module defines as well."""
    homes: dict[str, list[Definition]] = {}
    for path in paths:
        if path.parts[0] not in PRODUCT:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in _type_names(node):
                homes.setdefault(name, []).append(Definition(str(path), node.lineno, name))
    return [f"{one}: has {len(all_)} homes" for all_ in homes.values() if len(all_) > 1 for one in all_]


def _type_names(node: ast.stmt) -> list[str]:
    match node:
        case ast.ClassDef(name=name):
            names = [name]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            names = [name]
        case _:
            names = []
    return [name for name in names if name[0].isupper() and not name.isupper()]


def main(arguments: Sequence[str]) -> int:
    every = [path for root in ROOTS for path in sorted(Path(root).rglob("*.py"))]
    chosen = [path for path in every if not arguments or any(path.is_relative_to(one) for one in arguments)]
    faults = wrong_words(chosen) + double_names(every)
    print("\n".join(faults or [f"names: {len(chosen)} modules follow the glossary"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
