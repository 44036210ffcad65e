"""The log says why a call could not be served, whatever its errors look like."""

import time

from shared.telemetry.outages import outage_fields
from shared.types.errors import StoreUnavailable, Unavailable


def test_the_stores_error_is_found_below_what_the_caller_is_answered() -> None:
    error = Unavailable("away")
    error.__cause__ = StoreUnavailable("blobs", "no answer")
    assert outage_fields(error, time.monotonic(), 2)["store"] == "blobs"


def test_errors_that_cause_each_other_do_not_hold_up_the_process() -> None:
    first, second = Unavailable("one"), RuntimeError("two")
    first.__cause__, second.__cause__ = second, first
    assert outage_fields(first, time.monotonic(), 2)["reason"] == "one"
