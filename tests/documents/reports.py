"""Texts of plain sentences, as many and as long as a measurement wants, different for each number."""

WORDS = """
harbour ferry crane timber cable winter captain ledger ticket passenger engine river bridge storm repair museum council
invoice warehouse lantern signal anchor market village railway granite orchard copper weaver archive
""".split()  # noqa: SIM905 - a list of words is read as words

WORDS_A_SENTENCE = 12


def report(number: int, sentences: int = 40) -> str:
    """One paragraph; 40 sentences are about 3.5 kB."""
    return " ".join(sentence(number, place) for place in range(sentences))


def sentence(number: int, place: int) -> str:
    """A dozen words and the number."""
    chosen = (WORDS[(number * 7 + place * 3 + at * (at % 5 + 1)) % len(WORDS)] for at in range(WORDS_A_SENTENCE))
    return " ".join(chosen).capitalize() + f" {number}."
