"""Holds names to the glossary: no word that is not a term of the field, no public class name with two homes.

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
"""Where a public class name has one home."""

INSTEAD: dict[str, str] = {
    "told tell tells": "the thing itself: message, record, event, detail",
    "said say says saying": "message, text, answer, header, pending event",
    "heard hear hears": "on_remaining, received, event",
    "kept keeps": "stored, retained, remaining",
    "shown": "view, displayed",
    "began begun": "started, started_at",
    "spoken speaks speaker": "publisher, emitted, is_openai",
    "brought": "delivery, message",
    "carrier": "transport",
    "world worlds": "backend, services",
    "craft crafts": "library, STAGE_VERSION",
    "epoch epochs life lives": "generation",
    "teller": "call accounting",
    "charge": "reservation, cost",
    "purse": "remaining budget",
    "detour way ways instead": "route, fallback, rerouted",
    "bury buries buried grave": "dead_letter() or write_tombstone()",
    "patience": "timeout, wait limit",
    "thing things": "the noun of what it is",
}
"""Words that are not names here, and what to write for them."""

EXCEPTIONS = frozenset({"events/envelope.py:epoch"})
"""Names that a format of others fixes: CloudEvents' extension `epoch`."""

_HINTS = {word: hint for words, hint in INSTEAD.items() for word in words.split()}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class Definition(NamedTuple):
    """A name where it is given."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.name}"


def definitions(path: Path) -> Iterator[Definition]:
    """Every name that a module defines, and its own. A test's name is a sentence, and defines nothing."""
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
    """One line for each name with a word that is not a name here."""
    found: dict[str, None] = {}
    for path in paths:
        if path.stem.startswith("test_"):
            defined = [one for one in definitions(path) if one.name != path.stem]
        else:
            defined = list(definitions(path))
        for one in defined:
            for word in words(one.name):
                if word in _HINTS and f"{one.file}:{one.name}" not in EXCEPTIONS:
                    found[f"{one}: write {_HINTS[word]}"] = None
    return list(found)


def double_names(paths: Sequence[Path]) -> list[str]:
    """One line for each public class, or type, whose name another module gives as well."""
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
    print("\n".join(faults or [f"names: {len(chosen)} modules hold to the glossary"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
