"""How well a sign that is no letter stands between its neighbours: a quotation mark opens or closes a word."""

from collections.abc import Mapping

_OPENING = frozenset("“„‚‘«‹")
_CLOSING = frozenset("”“’‘»›")
_BETWEEN_WORDS = frozenset("–—…•·")
_MONEY = frozenset("€£¥")
_RARE = frozenset("¤¬¦¨¯´¸‗¶⌐")
_AFTER_NUMBERS = frozenset("°²³¹ªº½¼¾µ%′″")
_ENGLISH_ELISIONS = frozenset("stdlrm")
_ROMANCE_ELISIONS = frozenset("ldjnscmtuLDJNSCMTU")


def sign_value(before: str, sign: str, after: str) -> float:
    """Between -1 and 1. A neighbour is a space at the edge of the text."""
    is_word, is_next = before.isalnum(), after.isalnum()
    if sign == "’" and before.isalpha() and after.isalpha():
        return 1.0 if after in _ENGLISH_ELISIONS or before in _ROMANCE_ELISIONS else 0.6
    if sign in _OPENING | _CLOSING:
        opens = sign in _OPENING and not is_word and not after.isspace()
        closes = sign in _CLOSING and not before.isspace() and not is_next
        spaced = sign in "«»" and before.isspace() != after.isspace()
        if sign == "‘" and not opens:
            return 0.3
        return 0.85 if opens or closes or spaced else -0.7
    if sign == "\xa0":
        return 0.5 if not (is_word and before.isalpha() and is_next and after.isalpha()) else 0.1
    if sign in _BETWEEN_WORDS:
        return _between(before, sign, after)
    if sign in _MONEY:
        return 0.85 if not (before.isalpha() or after.isalpha()) else -0.7
    if sign in "¿¡":
        return 0.9 if not is_word and not after.isspace() else -0.8
    if sign in _AFTER_NUMBERS:
        return 0.6 if before.isdigit() or (sign in "°ºµ" and before.isspace()) else -0.5
    if sign in "§©®™×÷±№":
        return 0.5 if not (before.isalpha() and after.isalpha()) else -0.7
    return -0.9 if sign in _RARE else -1.0


def unpaired_quotes(signs: Mapping[str, int]) -> int:
    """How many quotation marks have no other half; an apostrophe needs none."""
    low, high, right = (signs.get(sign, 0) for sign in "‚‘’")
    single = max(0, low - high - right) + max(0, high - low - right)
    return single + sum(sum(signs.get(sign, 0) for sign in pair) % 2 for pair in ("“”„", "«»", "‹›"))


def _between(before: str, sign: str, after: str) -> float:
    if sign == "…":
        return 1.0 if not after.isalpha() or before.isspace() else -0.5
    if before.isspace() and after.isspace():
        return 0.85 if sign in "–—" else 0.5
    if before.isdigit() and after.isdigit():
        return 0.7 if sign in "–—" else -0.3
    if sign == "—":
        return 0.2
    return 0.5 if sign in "•·" and not before.isalpha() else -0.7
