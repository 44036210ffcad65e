"""Numbers of lists and clauses in letters, Roman numerals and other styles."""

from string import ascii_lowercase

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip


def spelled(number: int, style: str) -> str:
    """A number in one of Word's number formats; in figures where the format is not known."""
    match style:
        case "upperRoman":
            return _roman(number).upper()
        case "lowerRoman":
            return _roman(number)
        case "upperLetter":
            return _letters(number).upper()
        case "lowerLetter":
            return _letters(number)
        case "decimalZero":
            return f"{number:02}"
        case "ordinal":
            return f"{number}{_ordinal(number)}"
        case "decimalEnclosedCircle" if 1 <= number <= 20:
            return chr(0x245F + number)
        case "none" | "bullet":
            return ""
        case _:
            return str(number)


def _roman(number: int) -> str:
    if not 0 < number < 4000:
        return str(number)
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def _letters(number: int) -> str:
    """a to z, then aa to zz."""
    if not 0 < number <= 26 * 30:
        return str(number)
    return ascii_lowercase[(number - 1) % 26] * ((number - 1) // 26 + 1)


def _ordinal(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def in_words(number: int, *, ordinal: bool) -> str:
    """`Twenty-one` or `Twenty-first`, as Word writes them."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    below = _SMALL[rest] if rest < len(_SMALL) else f"{_TENS[tens]}-{_SMALL[ones]}" if ones else _TENS[tens]
    words = f"{_SMALL[hundreds]} hundred{f' {below}' if rest else ''}" if hundreds else below
    if ordinal:
        before, last = words[: (cut := max(words.rfind(" "), words.rfind("-")) + 1)], words[cut:]
        words = before + _ORDINALS.get(last, f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return words.capitalize()
