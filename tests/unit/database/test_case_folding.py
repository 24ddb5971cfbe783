"""Search in either case, in any alphabet."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.database.connection.case_folding import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PRÜFUNG", "prüfung"),
        ("GRÖSSE", "größe"),
        ("GRÖẞE", "größe"),
        ("STRASSE", "Straße"),
        ("İSTANBUL", "istanbul"),
        ("İstanbul", "i\u0307stanbul"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("e\u0301t\u00e9", "\u00c9TE\u0301"),
        ("ﬁle", "FILE"),
        ("Ⅳ", "iv"),
        ("ＡＢＣ", "abc"),
        ("МОСКВА", "москва"),
        ("ǅ", "ǆ"),
        ("ŉ", "ʼN"),
    ],
)
def test_what_differs_in_case_or_form_is_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("o", "ö"), ("ı", "i"), ("a", "ä"), ("ss", "s")])
def test_other_letters_stay_other_letters(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=20))
def test_a_text_is_found_however_it_is_composed(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
