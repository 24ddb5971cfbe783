"""Keys as paths: nothing leaves the folder, nothing clashes, everything comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.local.folder_bucket import SCRATCH, key_of, path_of

FOLDER = Path("/state/runs")

keys = st.lists(
    st.one_of(
        st.sampled_from(["", ".", "..", "...", "@", "~", "%", "a@", "a~", SCRATCH, "%2E"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.text("ab~é", min_size=180, max_size=420),
    ),
    min_size=1,
    max_size=5,
).map("/".join)


@given(keys)
def test_a_path_gives_its_key_back(key: str) -> None:
    assert key_of(FOLDER, path_of(FOLDER, key)) == key


@given(keys)
def test_a_path_stays_below_the_folder_and_every_name_is_short_enough(key: str) -> None:
    path = path_of(FOLDER, key)
    names = path.relative_to(FOLDER).parts
    assert ".." not in names
    assert SCRATCH not in names
    assert max(len(name.encode()) for name in names) <= 255


@given(keys, keys)
def test_two_keys_have_two_paths_and_no_object_is_in_the_others_way(one: str, other: str) -> None:
    if one != other:
        first, second = path_of(FOLDER, one), path_of(FOLDER, other)
        assert first != second
        assert first not in second.parents


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("dag/run/task/-1/1/claim", "dag/run/task%2F-1%2F1%2Fclaim@"),
        ("../../etc/passwd", "%2E%2E/%2E%2E/etc%2Fpasswd@"),
        ("/a//b", "%/a/%2Fb@"),
    ],
)
def test_a_key_is_a_path_that_people_can_read(key: str, path: str) -> None:
    assert path_of(FOLDER, key) == FOLDER / path
