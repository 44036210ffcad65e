"""Checks a model's answer against a JSON schema: finds it in the text and lists its errors for another attempt.

Known of a schema: type, properties, required, additionalProperties, items, minItems, maxItems, enum, const, minimum,
maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, anyOf, oneOf (as anyOf), allOf, and $ref within the
schema. Other keywords say nothing here.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.types.errors import AegisError

_MOST_PROBLEMS = 5
_DEEPEST = 64
_MOST_TRIED = 50
_FENCED = re.compile(r"```[ \t]*\w*[ \t]*\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}


class NotTheSchema(AegisError):
    """The text holds no JSON that the schema allows. `problems` name a place (`/entities/0/type`) and what is wrong."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems

    @property
    def complaint(self) -> str:
        """What to send back to the model for its second try."""
        found = "\n".join(f"- {problem}" for problem in self.problems)
        return f"That was not what was asked for:\n{found}\nAnswer again with the whole JSON alone, nothing around it."


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON in a model's text, fenced or between words. Raises `NotTheSchema`."""
    first: tuple[str, ...] = ()
    for value in _candidates(text.rpartition("</think>")[2]):
        problems = check(value, schema)
        if not problems:
            return value
        first = first or problems
    raise NotTheSchema(first or ("the answer holds no whole JSON value",))


def check(value: Any, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with the value, the first few things of it."""
    found = []
    for problem in _Checking(schema).problems(value, schema, "", 0):
        found.append(problem)
        if len(found) == _MOST_PROBLEMS:
            break
    return tuple(found)


def _candidates(text: str) -> Iterator[Any]:
    """Values in the order in which they are likely to be the one that is meant."""
    for whole in (text, *_FENCED.findall(text)):
        try:
            yield json.loads(whole, parse_constant=_refused)
        except (ValueError, RecursionError):
            continue
    decoder, begin = json.JSONDecoder(parse_constant=_refused), 0
    for _ in range(_MOST_TRIED):
        opening = _OPENING.search(text, begin)
        if opening is None:
            return
        try:
            value, begin = decoder.raw_decode(text, opening.start())
            yield value
        except (ValueError, RecursionError):
            begin = opening.start() + 1


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


class _Checking:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def problems(self, value: Any, schema: Any, place: str, depth: int) -> Iterator[str]:
        if schema is True or schema == {}:
            return
        if schema is False or not isinstance(schema, Mapping):
            yield f"{place or '/'}: nothing is allowed here"
            return
        if depth > _DEEPEST:
            yield f"{place}: nested too deeply"
            return
        if "$ref" in schema:
            yield from self.problems(value, self._referred(str(schema["$ref"])), place, depth + 1)
        wanted = schema.get("type")
        types = [wanted] if isinstance(wanted, str) else wanted or ()
        if not _has_type(value, types):
            yield f"{place or '/'}: must be {' or '.join(types)}, not {_display(value)}"
            return
        yield from _wrong_value(value, schema, place or "/")
        yield from self._combined(value, schema, place, depth)
        if isinstance(value, dict):
            yield from self._object(value, schema, place, depth)
        if isinstance(value, list):
            yield from self._array(value, schema, place, depth)

    def _combined(self, value: Any, schema: Mapping[str, Any], place: str, depth: int) -> Iterator[str]:
        for one in schema.get("allOf") or ():
            yield from self.problems(value, one, place, depth + 1)
        choices = schema.get("anyOf") or schema.get("oneOf") or ()
        tried = [list(self.problems(value, choice, place, depth + 1)) for choice in choices]
        if tried and all(tried):
            # The choice that was probably meant is one whose problems lie further inside.
            yield from min(tried, key=lambda found: (all(one.count("/") <= 1 for one in found), len(found)))

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], place: str, depth: int) -> Iterator[str]:
        properties = schema.get("properties") or {}
        for name in schema.get("required") or ():
            if name not in value:
                yield f"{place}/{name}: is missing"
        others = schema.get("additionalProperties", True)
        for name, item in value.items():
            if name in properties:
                yield from self.problems(item, properties[name], f"{place}/{name}", depth + 1)
            elif others is False:
                yield f"{place}/{_cut(name)}: is not asked for; leave it out"
            else:
                yield from self.problems(item, others, f"{place}/{_cut(name)}", depth + 1)

    def _array(self, value: list[Any], schema: Mapping[str, Any], place: str, depth: int) -> Iterator[str]:
        least, most = schema.get("minItems"), schema.get("maxItems")
        if least is not None and len(value) < least:
            yield f"{place or '/'}: must have at least {least} items, not {len(value)}"
        if most is not None and len(value) > most:
            yield f"{place or '/'}: must have at most {most} items, not {len(value)}"
        for number, item in enumerate(value):
            yield from self.problems(item, schema.get("items", True), f"{place}/{number}", depth + 1)

    def _referred(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return False if found is None or not reference.startswith("#") else found


def _has_type(value: Any, names: Any) -> bool:
    """Whether it has one of these types; one whose name is unknown allows everything where no other is known."""
    known = [_TYPES[name] for name in names if name in _TYPES]
    return not known or any(is_one(value) for is_one in known)


def _wrong_value(value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{place}: must be one of {_cut(', '.join(map(_display, schema['enum'])), 120)}, not {_display(value)}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{place}: must be {_display(schema['const'])}, not {_display(value)}"
    if _TYPES["number"](value):
        for keyword, is_wrong, words in _BOUNDS:
            if keyword in schema and is_wrong(value, schema[keyword]):
                yield f"{place}: must be {words} {schema[keyword]}, not {value}"
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{place}: must have at least {schema['minLength']} characters"
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        yield f"{place}: must have at most {schema['maxLength']} characters"


_BOUNDS: tuple[tuple[str, Callable[[float, float], bool], str], ...] = (
    ("minimum", lambda value, bound: value < bound, "at least"),
    ("maximum", lambda value, bound: value > bound, "at most"),
    ("exclusiveMinimum", lambda value, bound: value <= bound, "more than"),
    ("exclusiveMaximum", lambda value, bound: value >= bound, "less than"),
)


def _same(one: Any, other: Any) -> bool:
    """As JSON: true is not 1, but 1 is 1.0."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _display(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
