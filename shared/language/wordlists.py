"""Reads the word lists beside the code that uses them."""

from importlib.resources import files


def read_lines(package: str, name: str) -> list[str]:
    """The lines of the package's `words/NAME.txt`, without empty lines and comments."""
    text = files(package).joinpath(f"words/{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def read_words(package: str, name: str) -> frozenset[str]:
    return frozenset(word for line in read_lines(package, name) for word in line.split())
