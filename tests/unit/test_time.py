from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.utils.time import as_utc, iso, parse_iso, utc_now

MOMENT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NAIVE = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001


def test_a_moment_is_written_in_utc_with_a_z() -> None:
    assert iso(MOMENT) == "2026-11-23T10:00:00Z"
    assert iso(MOMENT.replace(microsecond=1200)) == "2026-11-23T10:00:00.001200Z"
    assert iso(MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45)))) == iso(MOMENT)
    assert iso(None) is None


@pytest.mark.parametrize("text", ["2026-11-23T10:00:00Z", "2026-11-23T15:45:00+05:45"])
def test_a_moment_is_read_with_any_offset(text: str) -> None:
    moment = parse_iso(text)
    assert moment == MOMENT
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "now", "2026-11-23T10:00:00", "0001-01-01T00:00:00+10:00"])
def test_a_text_that_names_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2026-11-23T10:00:00Z"):
        parse_iso(text)


def test_a_naive_datetime_is_refused() -> None:
    for convert in (as_utc, iso):
        with pytest.raises(ValueError, match="no time zone"):
            convert(NAIVE)


def test_now_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC
