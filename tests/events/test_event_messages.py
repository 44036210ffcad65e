"""Events as messages: equal happenings are one, and a sample of each stands beside them."""

import json
from pathlib import Path

import msgspec
import pytest

import events
from events import DOCUMENT_EVENTS, EVENTS, BudgetThresholdReached
from events.document import DocumentChunked, DocumentParsed, DocumentReady, Origin
from events.envelope import WrongSignatureError, decode, encode, unwrap, wrap
from events.examples import SECRETS, samples

SAMPLES = Path(events.__path__[0]) / "samples"
ABOUT = Origin("ten_a", "doc_a", 1, "cpu", "req_a", "00-1-2-01")


def test_equal_happenings_have_equal_ids_whoever_caused_them() -> None:
    one = DocumentReady(origin=ABOUT, key="k", passages=3)
    again = msgspec.structs.replace(one, origin=msgspec.structs.replace(ABOUT, request_id="req_b", traceparent=""))
    assert wrap(one, "finish", SECRETS).id == wrap(again, "finish", SECRETS).id


def test_different_happenings_have_different_ids() -> None:
    one = DocumentParsed(origin=ABOUT, key="k", parsed="t/x", pages=3)
    others = [
        msgspec.structs.replace(one, key="l"),
        msgspec.structs.replace(one, continuation=1),
        *(
            msgspec.structs.replace(one, origin=msgspec.structs.replace(ABOUT, **{name: value}))
            for name, value in {"tenant_id": "ten_b", "document_id": "doc_b", "generation": 2}.items()
        ),
        DocumentChunked(origin=ABOUT, key="k", passages="t/x", count=3),
    ]
    assert len({event.event_id for event in [one, *others]}) == 1 + len(others)


def test_the_parts_of_an_id_cannot_be_moved_into_each_other() -> None:
    left = DocumentReady(origin=Origin("ten_a", "doc_a1", 1), key="k", passages=0)
    right = DocumentReady(origin=Origin("ten_a", "doc_a", 11), key="k", passages=0)
    assert left.event_id != right.event_id


def test_there_is_a_sample_of_every_event_and_of_nothing_else() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(EVENTS)


@pytest.mark.parametrize("event_type", EVENTS)
def test_samples_are_fresh(event_type: str) -> None:
    written = (SAMPLES / f"{event_type}.json").read_text()
    assert written == samples()[event_type], "run `make generate` and commit what it writes"


@pytest.mark.parametrize("event_type", DOCUMENT_EVENTS)
def test_a_sample_is_an_event_that_a_function_would_take(event_type: str) -> None:
    event = decode((SAMPLES / f"{event_type}.json").read_bytes())
    assert unwrap(event, SECRETS).type_name() == event_type
    assert event.id == unwrap(event, SECRETS).event_id


@pytest.mark.parametrize("event_type", [*DOCUMENT_EVENTS, BudgetThresholdReached.type_name()])
def test_data_holds_neither_floats_nor_numbers_that_a_broker_would_round(event_type: str) -> None:
    data = json.loads((SAMPLES / f"{event_type}.json").read_text(), parse_float=pytest.fail)["data"]
    assert all(abs(value) < 2**53 for value in data.values() if isinstance(value, int))


def test_a_threshold_is_one_event_whenever_it_is_said_and_another_in_the_next_window() -> None:
    one = BudgetThresholdReached(
        tenant_id="ten_a",
        scope="tenant",
        scope_id="ten_a",
        window="day",
        start="2026-03-01",
        threshold_pct=80,
        spent_microusd=81,
        cap_microusd=100,
    )
    again = msgspec.structs.replace(one, spent_microusd=95, cap_microusd=110)
    others = [
        msgspec.structs.replace(one, **{name: value})
        for name, value in {
            "scope": "key",
            "scope_id": "ten_b",
            "window": "month",
            "start": "2026-03-02",
            "threshold_pct": 90,
        }.items()
    ]
    assert wrap(one, "sweep", SECRETS).id == wrap(again, "sweep", SECRETS).id
    assert len({event.event_id for event in [one, *others]}) == 1 + len(others)


def test_the_tenant_of_a_threshold_travels_as_an_attribute_that_is_signed() -> None:
    event = decode((SAMPLES / f"{BudgetThresholdReached.type_name()}.json").read_bytes())
    SECRETS.verify(event)
    assert event.aegistenant and event.epoch == "" and "tenant_id" not in event.data
    with pytest.raises(WrongSignatureError):
        SECRETS.verify(msgspec.structs.replace(event, aegistenant="ten_other"))


def test_empty_attributes_are_left_out() -> None:
    event = wrap(DocumentReady(origin=Origin("ten_a", "doc_a", 1), key="k", passages=3), "finish", SECRETS)
    assert {"route", "requestid", "traceparent"}.isdisjoint(json.loads(encode(event)))
