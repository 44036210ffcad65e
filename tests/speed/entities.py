"""How well the entities of our own labelled passages are found without a model: 54 passages in English, 54 in German.

    python -m tests.speed.entities [--faults]

In `entities_en.txt` and `entities_de.txt` a line is a passage, and `[name]` an entity. A name counts as found where it
begins and ends as it is labelled.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from shared.language.entities import entities
from tests.speed.labelled import Matches

LANGUAGES = ("en", "de")
_PARTS = re.compile(r"\[([^\]]+)\]|([^\[]+)")
Labelled = tuple[str, set[tuple[int, str]]]


def labelled(language: str) -> Iterator[Labelled]:
    """The text of each passage, and its entities with their places."""
    lines = Path(__file__).with_name(f"entities_{language}.txt").read_text("utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            text, names = "", set[tuple[int, str]]()
            for name, other in _PARTS.findall(line):
                names |= {(len(text), name)} if name else set()
                text += name or other
            yield text, names


def measure(language: str) -> tuple[Matches, list[str]]:
    """The matches, and the faults in words."""
    matches, faults = Matches(), list[str]()
    for text, names in labelled(language):
        found = {(span.start, span.name) for span in entities(text, language)}
        matches.add(found, names)
        faults += [f"{'wrong' if one in found else 'missed'}: {one[1]} ({text[:60]})" for one in sorted(found ^ names)]
    return matches, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", action="store_true", help="list what was missed or wrong")
    arguments = parser.parse_args()
    for language in LANGUAGES:
        matches, faults = measure(language)
        print(f"{language}: precision {matches.precision:.3f}, recall {matches.recall:.3f}, {matches.labelled} names")
        if arguments.faults:
            print("\n".join(faults))


if __name__ == "__main__":
    main()
