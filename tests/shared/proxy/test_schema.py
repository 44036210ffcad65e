"""A model's JSON is found, checked, and its mistakes are told shortly enough to send back."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.proxy.execution.schema import NotTheSchema, check, read

ENTITIES: dict[str, Any] = {
    "type": "object",
    "required": ["entities"],
    "additionalProperties": False,
    "properties": {
        "entities": {
            "type": "array",
            "maxItems": 3,
            "items": {
                "type": "object",
                "required": ["name", "type"],
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 10},
                    "type": {"enum": ["PERSON", "ORGANIZATION"]},
                    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                    "page": {"type": ["integer", "null"], "exclusiveMinimum": 0},
                },
            },
        }
    },
}
GOOD = {"entities": [{"name": "Ada", "type": "PERSON", "confidence": 0.5, "page": None}]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        f"  {json.dumps(GOOD, indent=2)}\n",
        f"```json\n{json.dumps(GOOD)}\n```",
        f"```\n{json.dumps(GOOD, indent=1)}\n```\nI hope that helps!",
        f"Sure! Here it is: {json.dumps(GOOD)} Anything else?",
        f"First [1], then {{x}}: {json.dumps(GOOD)}",
        f'<think>{{"entities": []}} or not?</think>{json.dumps(GOOD)}',
        f"```json\n{{broken\n```\n```json\n{json.dumps(GOOD)}\n```",
    ],
)
def test_json_is_found_wherever_a_model_puts_it(text: str) -> None:
    assert read(text, ENTITIES) == GOOD


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "/: must be object, not []"),
        ({}, "/entities: is missing"),
        ({"entities": "Ada"}, '/entities: must be array, not "Ada"'),
        ({"entities": [], "note": 1}, "/note: is not asked for; leave it out"),
        ({"entities": [{"name": "Ada"}]}, "/entities/0/type: is missing"),
        (
            {"entities": [{"name": "Ada", "type": "Person"}]},
            '/entities/0/type: must be one of "PERSON", "ORGANIZATION"',
        ),
        ({"entities": [{"name": "", "type": "PERSON"}]}, "/entities/0/name: must have at least 1 characters"),
        ({"entities": [{"name": "x" * 11, "type": "PERSON"}]}, "/entities/0/name: must have at most 10 characters"),
        ({"entities": [{"name": 7, "type": "PERSON"}]}, "/entities/0/name: must be string, not 7"),
        ({"entities": [{"name": "A", "type": "PERSON", "confidence": 2}]}, "/entities/0/confidence: must be at most 1"),
        ({"entities": [{"name": "A", "type": "PERSON", "confidence": True}]}, "confidence: must be number, not true"),
        ({"entities": [{"name": "A", "type": "PERSON", "page": 0}]}, "/entities/0/page: must be more than 0, not 0"),
        ({"entities": [{"name": "A", "type": "PERSON", "page": 1.5}]}, "page: must be integer or null, not 1.5"),
        ({"entities": [{"name": "A", "type": "PERSON"}] * 4}, "/entities: must have at most 3 items, not 4"),
    ],
)
def test_a_mistake_is_told_with_its_place(value: Any, problem: str) -> None:
    assert problem in "\n".join(check(value, ENTITIES))


@pytest.mark.parametrize("text", ["", "I don't know.", '{"entities": [{"name": "A', "{" * 5000, "[" * 100_000, "NaN"])
def test_a_text_without_whole_json_is_refused(text: str) -> None:
    with pytest.raises(NotTheSchema, match="no whole JSON"):
        read(text, ENTITIES)


def test_a_complaint_is_short_however_wrong_the_answer_was() -> None:
    wrong = {"entities": [{"name": "x" * 5000, "type": "y" * 5000}] * 500}
    with pytest.raises(NotTheSchema) as refused:
        read(json.dumps(wrong), ENTITIES)
    assert len(refused.value.complaint) < 1500


def test_references_and_choices_are_followed() -> None:
    schema = {
        "$defs": {"leaf": {"type": "string"}, "tree": {"anyOf": [{"$ref": "#/$defs/leaf"}, {"$ref": "#/$defs/node"}]},
                  "node": {"type": "object", "required": ["left"], "properties": {"left": {"$ref": "#/$defs/tree"}}}},
        "$ref": "#/$defs/tree",
    }  # fmt: skip
    assert check({"left": {"left": "x"}}, schema) == ()
    assert check({"left": {"left": 1}}, schema)
    assert check({"left": {}}, schema) == ("/left/left: is missing",)


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert check(1, {"$ref": "#"})


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "bb"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
types = st.sampled_from(["object", "array", "string", "boolean", "null", "number", "integer"])
leaves = st.one_of(
    st.fixed_dictionaries({"type": types | st.lists(types, min_size=1, max_size=2, unique=True)}),
    st.fixed_dictionaries({"enum": st.lists(scalars, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": scalars}),
    st.fixed_dictionaries({"minimum": st.integers(-2, 2)}, optional={"exclusiveMaximum": st.integers(-2, 3)}),
    st.fixed_dictionaries({"minLength": st.integers(0, 2)}, optional={"maxLength": st.integers(0, 2)}),
)
counts = st.integers(0, 2)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2)},
            optional={
                "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
                "additionalProperties": st.booleans() | inner,
                "type": st.just("object"),
            },
        ),
        st.fixed_dictionaries(
            {"items": inner}, optional={"minItems": st.integers(0, 2), "maxItems": st.integers(0, 2)}
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
    ),
    max_leaves=4,
)


@given(values, schemas)
def test_what_is_allowed_is_what_the_standard_allows(value: Any, schema: dict[str, Any]) -> None:
    allowed = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (not check(value, schema)) == allowed
