"""`make speed`: every measurement that needs no data from elsewhere and ends in minutes.

`python -m tests.speed NAME ARGUMENTS…` does one of them, or one of the longer ones: `entities`, `graph_cost`, `memory`,
`multihop FOLDER`, `passages FOLDER`, `retrieval FOLDER`, `routing FILE`, `statements`, `stress FOLDER`, `usage`.
"""

import sys
from importlib import import_module

QUICK = {
    "cold": "Cold start",
    "ingestion": "Ingestion",
    "vectors": "Vectors",
    "chat": "Straight through to a model",
    "budget": "Budget",
    "proxy": "The proxy and the gate",
    "documents": "Formats",
    "tables": "Tables",
}
_LONGER = "entities graph_cost memory multihop passages retrieval routing statements stress usage"
NAMES = (*QUICK, *_LONGER.split())


def main() -> int:
    if len(sys.argv) > 1:
        name = sys.argv.pop(1)
        if name not in NAMES:
            print(f"there is no measurement {name}; there are {', '.join(NAMES)}", file=sys.stderr)
            return 2
        return _measure(name)
    statuses = []
    for name, title in QUICK.items():
        print(f"== {title}")
        statuses.append(_measure(name))
    return max(statuses)


def _measure(name: str) -> int:
    return import_module(f"tests.speed.{name}").main() or 0


if __name__ == "__main__":
    sys.exit(main())
