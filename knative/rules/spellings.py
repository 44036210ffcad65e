"""Parsers of durations, quantities, names, image references and schedules. Each returns None for invalid text."""

import re
from decimal import Decimal
from itertools import pairwise

_GO_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|us|µs|ns|m|s)")
_ISO_PERIOD = re.compile(
    r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+(?:[.,]\d+)?D)?"
    r"(T(?=.)(\d+(?:[.,]\d+)?H)?(\d+(?:[.,]\d+)?M)?(\d+(?:[.,]\d+)?S)?)?"
)
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?")
_FACTORS = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15"}
_FACTORS |= {"E": "1e18", "": "1"} | {f"{unit}i": str(1024**power) for power, unit in enumerate("KMGTPE", 1)}
_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE = re.compile(
    r"(?P<name>[a-z0-9._/-]{2,255}|[\w.-]+:\d+/[a-z0-9._/-]{2,255})(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?"
)
_CRON_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_CRON_NAMES = {
    12: ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    6: ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_CRON_DESCRIPTORS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_CRON_PIECE = re.compile(r"(?:(?P<all>[*?])|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?")


def seconds(text: str) -> float | None:
    """A duration as Go spells it: `90s`, `1m30s`, `-2h`."""
    sign, bare = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if bare == "0":
        return 0.0
    parts = list(_GO_PART.finditer(bare))
    is_whole = bool(parts) and parts[0].start() == 0 and parts[-1].end() == len(bare)
    if not is_whole or any(one.end() != other.start() for one, other in pairwise(parts)):
        return None
    return sign * sum(float(part[1]) * _GO_UNITS[part[2]] for part in parts)


def is_iso_period(text: str) -> bool:
    """A duration as ISO 8601 spells it: `PT2S`."""
    return _ISO_PERIOD.fullmatch(text) is not None


def quantity(value: object) -> Decimal | None:
    """An amount as Kubernetes spells it: `250m`, `1`, `512Mi`."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    suffix = match[2] or ""
    return Decimal(match[1]) * Decimal(_FACTORS.get(suffix, f"1{suffix}"))


def is_label(text: str) -> bool:
    """A name that DNS takes as one label and that begins with a letter."""
    return _LABEL.fullmatch(text) is not None


def is_image(text: str) -> bool:
    return _IMAGE.fullmatch(text) is not None


def is_schedule(text: str) -> bool:
    """Cron's five fields, with seconds before them where there are six."""
    if text in _CRON_DESCRIPTORS:
        return True
    if text.startswith("@every "):
        return seconds(text.removeprefix("@every ")) is not None
    fields = re.sub(r"^(CRON_)?TZ=\S+ ", "", text).split()
    if len(fields) not in (5, 6):
        return False
    ranges = _CRON_RANGES[-len(fields) :]
    return all(_is_cron_field(field.lower(), *bounds) for field, bounds in zip(fields, ranges, strict=True))


def _is_cron_field(field: str, least: int, most: int) -> bool:
    return all(_is_cron_piece(piece, least, most) for piece in field.split(","))


def _is_cron_piece(piece: str, least: int, most: int) -> bool:
    match = _CRON_PIECE.fullmatch(piece)
    if match is None or match["step"] == "0":
        return False
    if match["all"]:
        return True
    low, high = (_cron_number(end, most) for end in (match["low"], match["high"] or match["low"]))
    return low is not None and high is not None and least <= low <= high <= most


def _cron_number(text: str, most: int) -> int | None:
    if text.isdecimal():
        return int(text)
    names = _CRON_NAMES.get(most, ())
    return names.index(text) if text in names else None
