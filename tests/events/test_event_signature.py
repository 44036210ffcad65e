"""An event of ours can be re-encoded by any broker and altered by none."""

import base64
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import DOCUMENT_EVENTS
from events.document import DocumentParsed, DocumentStored, Origin
from events.envelope import (
    SIGNED,
    CloudEvent,
    MalformedEventError,
    Secrets,
    WrongSignatureError,
    canonical,
    decode,
    encode,
    from_attributes,
    unwrap,
    wrap,
)
from events.examples import SECRETS as SAMPLE_SECRETS
from events.examples import example

SECRETS = Secrets.parse("k1:a-secret-of-this-test,k0:the-secret-before-it")
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_NUMBER = st.integers(0, 2**53 - 1)
_ORIGINS = st.builds(
    Origin,
    tenant_id=_TEXT,
    document_id=_TEXT,
    generation=st.integers(1, 10**6),
    route=_TEXT,
    request_id=_TEXT,
    traceparent=_TEXT,
)
_EVENTS = st.builds(DocumentParsed, origin=_ORIGINS, key=_TEXT, parsed=_TEXT, pages=_NUMBER, title=_TEXT) | st.builds(
    DocumentStored,
    origin=_ORIGINS,
    key=_TEXT,
    original=_TEXT,
    filename=_TEXT,
    media_type=_TEXT,
    parser=_TEXT,
    size=_NUMBER,
)


def a_parsed_event(**changed: Any) -> DocumentParsed:
    about = Origin("ten_a", "doc_a", 1, "cpu", "req_a", "00-1-2-01")
    return msgspec.structs.replace(DocumentParsed(origin=about, key="k", parsed="t/x", pages=3, title="Ä"), **changed)


def fields_of(event: CloudEvent) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(encode(event))
    return fields


@given(_EVENTS)
def test_what_is_wrapped_is_unwrapped_unchanged(event: DocumentParsed | DocumentStored) -> None:
    assert unwrap(decode(encode(wrap(event, "parse", SECRETS))), SECRETS) == event


@given(_EVENTS, st.randoms(use_true_random=False), st.booleans(), st.booleans(), st.booleans())
def test_a_brokers_re_encoding_keeps_the_signature(
    event: DocumentParsed | DocumentStored, random: Any, escaped: bool, spaced: bool, number: bool
) -> None:
    fields = fields_of(wrap(event, "parse", SECRETS))
    items = list(fields.items())
    random.shuffle(items)
    data = list(fields["data"].items())
    random.shuffle(data)
    shuffled = dict(items) | {"data": dict(data), "epoch": int(fields["epoch"]) if number else fields["epoch"]}
    text = json.dumps(shuffled, ensure_ascii=escaped, indent=3 if spaced else None)
    assert unwrap(decode(text.encode()), SECRETS) == event


def test_a_broker_may_add_its_own_attributes_and_write_absent_ones_as_null() -> None:
    fields = fields_of(wrap(a_parsed_event(origin=Origin("ten_a", "doc_a", 1)), "parse", SECRETS))
    fields |= {"knativearrivaltime": "2026-01-01T00:00:00Z", "partitionkey": 7, "route": None, "traceparent": None}
    assert unwrap(decode(json.dumps(fields).encode()), SECRETS).origin == Origin("ten_a", "doc_a", 1)


@pytest.mark.parametrize("attribute", SIGNED)
@given(other=_TEXT)
def test_no_signed_attribute_can_be_altered(attribute: str, other: str) -> None:
    event = wrap(a_parsed_event(), "parse", SECRETS)
    if other == getattr(event, attribute):
        return
    with pytest.raises((WrongSignatureError, MalformedEventError)):
        unwrap(msgspec.structs.replace(event, **{attribute: other}), SECRETS)


@given(
    st.sampled_from(["key", "parsed", "pages", "title", "continuation", "added"]),
    _TEXT | _NUMBER | st.booleans() | st.none() | st.floats(allow_nan=False),
)
def test_no_data_can_be_altered(name: str, other: Any) -> None:
    event = wrap(a_parsed_event(), "parse", SECRETS)
    if other == event.data.get(name, "absent") and type(other) is type(event.data.get(name)):
        return
    with pytest.raises(WrongSignatureError):
        unwrap(msgspec.structs.replace(event, data={**event.data, name: other}), SECRETS)


def test_data_cannot_be_left_out() -> None:
    event = wrap(a_parsed_event(), "parse", SECRETS)
    for name in event.data:
        rest = {field: value for field, value in event.data.items() if field != name}
        with pytest.raises(WrongSignatureError):
            unwrap(msgspec.structs.replace(event, data=rest), SECRETS)


def test_the_signature_is_what_the_contract_says() -> None:
    event = wrap(a_parsed_event(), "parse", SECRETS)
    about = ["1.0", event.type, "/functions/parse", event.id, "doc_a", "ten_a", "cpu", "1"]
    text = json.dumps([*about, event.data], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    mac = hmac.new(b"a-secret-of-this-test", text.encode("utf-8"), hashlib.sha256).digest()
    assert event.aegissignature == "v1.k1." + base64.urlsafe_b64encode(mac).decode().rstrip("=")


def test_the_canonical_form_is_written_out_here() -> None:
    event = CloudEvent(
        id="evt_1", source="/functions/parse", type="aegis.document.parsed.v1", subject="doc_ä", aegistenant="ten_a",
        epoch="2", data={"title": "Größe „1/2“", "pages": 3, "key": "k"},
    )  # fmt: skip
    assert canonical(event).decode() == (
        '["1.0","aegis.document.parsed.v1","/functions/parse","evt_1","doc_ä","ten_a","","2",'
        '{"key":"k","pages":3,"title":"Größe „1/2“"}]'
    )


def test_every_secret_verifies_and_the_first_one_signs() -> None:
    old, new = Secrets(SECRETS.keys[1:]), SECRETS
    signed_before = wrap(a_parsed_event(), "parse", old)
    assert signed_before.aegissignature.startswith("v1.k0.")
    unwrap(signed_before, new)
    with pytest.raises(WrongSignatureError):
        unwrap(wrap(a_parsed_event(), "parse", new), old)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1",
        "v1.",
        "v1.k1",
        "v1.k1.",
        "v2.k1.{mac}",
        "v1.k9.{mac}",
        "v1.k0.{mac}",
        "k1.{mac}",
        "v1.k1.{mac}x",
        "v1.k1.é",
    ],
)
def test_an_event_that_is_not_signed_by_us_is_refused(signature: str) -> None:
    event = wrap(a_parsed_event(), "parse", SECRETS)
    mac = event.aegissignature.rpartition(".")[2]
    with pytest.raises(WrongSignatureError):
        unwrap(msgspec.structs.replace(event, aegissignature=signature.format(mac=mac)), SECRETS)


def test_a_key_id_may_hold_dots() -> None:
    secrets = Secrets.parse("2026.01:a-secret-of-this-test")
    unwrap(wrap(a_parsed_event(), "parse", secrets), secrets)


@pytest.mark.parametrize(
    "text", ["", ":", "k1", "k1:", "k1:too-short", ":a-secret-without-a-name", "k1:a-secret-of-this-test,k2"]
)
def test_secrets_that_protect_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="event secrets"):
        Secrets.parse(text)


def test_an_event_without_an_id_is_refused() -> None:
    fields = fields_of(wrap(a_parsed_event(), "parse", SECRETS))
    for absent in ({**fields, "id": ""}, {**fields, "id": None}, {k: v for k, v in fields.items() if k != "id"}):
        with pytest.raises(MalformedEventError):
            unwrap(decode(json.dumps(absent).encode()), SECRETS)


@pytest.mark.parametrize("name", ["specversion", "source", "type"])
def test_an_event_without_a_required_attribute_is_refused(name: str) -> None:
    fields = fields_of(wrap(a_parsed_event(), "parse", SECRETS))
    for absent in ({**fields, name: ""}, {**fields, name: None}, {k: v for k, v in fields.items() if k != name}):
        with pytest.raises(MalformedEventError, match=name):
            decode(json.dumps(absent).encode())


def test_data_in_base64_is_the_same_event() -> None:
    event = wrap(a_parsed_event(), "parse", SECRETS)
    fields = fields_of(event)
    data = json.dumps(fields.pop("data")).encode()
    assert decode(json.dumps({**fields, "data_base64": base64.b64encode(data).decode()}).encode()) == event


@pytest.mark.parametrize("encoded", ["", "bm8gSlNPTg==", "e30", "e3!0=", "ä", 7, ["e30="], "/////w=="])
def test_data_in_base64_that_is_not_json_is_refused(encoded: Any) -> None:
    fields = fields_of(wrap(a_parsed_event(), "parse", SECRETS))
    del fields["data"]
    with pytest.raises(MalformedEventError, match="data_base64"):
        decode(json.dumps({**fields, "data_base64": encoded}).encode())


def test_an_event_with_both_kinds_of_data_is_refused() -> None:
    fields = fields_of(wrap(a_parsed_event(), "parse", SECRETS))
    with pytest.raises(MalformedEventError, match="either data or data_base64"):
        decode(json.dumps({**fields, "data_base64": "e30="}).encode())


@pytest.mark.parametrize("version", ["0.3", "1.1", "2.0", "", 1, 1.0])
def test_another_specversion_is_refused_even_when_it_is_signed(version: Any) -> None:
    plain = wrap(a_parsed_event(), "parse", SECRETS)
    other = msgspec.structs.replace(plain, specversion=str(version))
    signed = msgspec.structs.replace(other, aegissignature=SECRETS.sign(other))
    with pytest.raises(MalformedEventError):
        decode(json.dumps({**fields_of(signed), "specversion": version}).encode())


def test_an_event_of_a_type_that_nobody_knows_is_refused() -> None:
    plain = msgspec.structs.replace(wrap(a_parsed_event(), "parse", SECRETS), type="aegis.document.eaten.v1")
    with pytest.raises(MalformedEventError):
        unwrap(msgspec.structs.replace(plain, aegissignature=SECRETS.sign(plain)), SECRETS)


@pytest.mark.parametrize("event_type", DOCUMENT_EVENTS)
@pytest.mark.parametrize("extension", ["", "one", "1.5"])
def test_a_signed_event_whose_epoch_is_no_number_is_refused(event_type: str, extension: str) -> None:
    plain = msgspec.structs.replace(example(event_type), epoch=extension)
    signed = msgspec.structs.replace(plain, aegissignature=SAMPLE_SECRETS.sign(plain))
    with pytest.raises(MalformedEventError):
        unwrap(signed, SAMPLE_SECRETS)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_that_are_no_event_are_refused_and_break_nothing(raw: bytes) -> None:
    with pytest.raises(MalformedEventError):
        decode(raw)


@pytest.mark.parametrize("depth", [100, 900, 990, 1000, 1010, 5000, 100_000])
def test_data_nested_however_deep_breaks_nothing(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    raw = f'{{"specversion":"1.0","id":"a","source":"s","type":"aegis.document.parsed.v1","epoch":"1","data":{nested}}}'
    with pytest.raises((MalformedEventError, WrongSignatureError)):
        unwrap(decode(raw.encode()), SECRETS)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*CloudEvent.__struct_fields__, "else"]), _JSON, max_size=8))
def test_a_forged_event_is_refused_whatever_it_holds(attributes: dict[str, Any]) -> None:
    forged = {"id": "evt_1", "source": "/x", "type": "aegis.document.parsed.v1", **attributes}
    with pytest.raises((MalformedEventError, WrongSignatureError)):
        unwrap(from_attributes(forged), SECRETS)
