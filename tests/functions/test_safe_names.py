"""Names of keys and tenants are shown to people: they are cleaned like titles."""

import pytest

from shared.types.errors import InvalidRequest
from shared.types.text import safe_name


def test_a_name_cannot_hide_or_reorder_what_a_reader_sees() -> None:
    assert safe_name("a\x00\x1b[31m\r\nkey\u202e of\tours") == "a[31m key of ours"
    for blank in ("\u202e\x00", "\u0301", " \u2028 "):
        with pytest.raises(InvalidRequest):
            safe_name(blank)
