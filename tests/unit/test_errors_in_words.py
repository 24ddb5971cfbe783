"""Whatever was raised can be told, and kept in a database."""

from __future__ import annotations

import pytest

from chalicelib.utils.errors import MAX_CHARACTERS, in_words


class Mute(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (AssertionError(), "AssertionError"),
        (Mute(), "Mute"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError("\ud800"), "ValueError: \\ud800"),
    ],
)
def test_an_error_is_told_by_its_kind_and_its_text(error: Exception, said: str) -> None:
    assert in_words(error) == said


def test_a_long_text_is_cut() -> None:
    assert len(in_words(ValueError("x" * 10_000))) == MAX_CHARACTERS
