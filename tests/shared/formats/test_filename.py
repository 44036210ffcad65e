"""What a displayed file name never does."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.filename import MOST_CHARACTERS, safe_filename

NASTY = st.text(alphabet=st.one_of(st.sampled_from("/\\.\x00\n\u202e\u2066\u0301e\ud800 \u200bé"), st.characters()))


@given(st.one_of(NASTY, st.text(max_size=600)))
def test_any_name_can_be_shown(raw: str) -> None:
    name = safe_filename(raw)
    assert 1 <= len(name) <= MOST_CHARACTERS
    assert not set(name) & set("/\\")
    assert name not in {".", ".."}
    assert unicodedata.is_normalized("NFC", name)
    assert not {unicodedata.category(c) for c in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(name) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
    assert name == name.strip()
    name.encode("utf-8")


@given(NASTY)
def test_a_safe_name_stays_as_it_is(raw: str) -> None:
    assert safe_filename(safe_filename(raw)) == safe_filename(raw)


@pytest.mark.parametrize(
    ("raw", "displayed"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/", "document"),
        ("..", "document"),
        ("", "document"),
        ("\x00\u202e", "document"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00b\n.md", "ab.md"),
        ("Gru\u0308\u00dfe.txt", "Grüße.txt"),
        ("  plain name.md ", "plain name.md"),
    ],
)
def test_names_that_were_made_to_harm_are_harmless(raw: str, displayed: str) -> None:
    assert safe_filename(raw) == displayed


def test_a_long_name_keeps_its_extension() -> None:
    assert safe_filename("n" * 400 + ".md") == "n" * 252 + ".md"
    assert safe_filename("n" * 400) == "n" * 255
