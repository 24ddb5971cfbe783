"""Which names beside a DAG file the patterns of `files` stand for."""

from __future__ import annotations

import pytest

from chalicelib.dag.file_patterns import (
    BadFilePattern,
    FilePattern,
    folders_above,
    matching,
    read_file_pattern,
)

NFD = "e\N{COMBINING ACUTE ACCENT}"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a.py", "a.py"),
        ("./s/a b.py", "s/a b.py"),
        ("*.py", "a.py"),
        ("a?c", "abc"),
        ("[ab].sql", "b.sql"),
        ("data[1].csv", "data[1].csv"),
        ("data[1].csv", "data1.csv"),
        (".*", ".hidden"),
        (".config/*", ".config/a"),
        ("d/", "d/a"),
        ("d/", "d/.e/f"),
        ("d/*/", "d/x/y"),
        (".", "d/.e"),
        ("./", "x"),
        ("d/.", "d/x"),
        ("**/*.sql", "a.sql"),
        ("**/*.sql", "x/y/a.sql"),
        ("d/**", "d/x/y"),
        ("**/", "x/y"),
        ("d/**/e/**/f", "d/e/e/x/f"),
        (f"{NFD}/*", "é/x"),
        ("é.sql", f"{NFD}.sql"),
    ],
)
def test_a_pattern_stands_for(pattern: str, path: str) -> None:
    assert FilePattern(pattern).matches(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.py", "d/a.py"),
        ("*.py", "a.pyc"),
        ("A.py", "a.py"),
        ("*", ".hidden"),
        ("?hidden", ".hidden"),
        ("d/", "d"),
        ("d/", "de/f"),
        ("d", "d/a"),
        ("d/*/", "d/x"),
        ("d/**", "d"),
        ("**/*.sql", ".x/a.sql"),
        ("**/*.sql", "x/.a.sql"),
    ],
)
def test_a_pattern_does_not_stand_for(pattern: str, path: str) -> None:
    assert not FilePattern(pattern).matches(path)


@pytest.mark.parametrize(
    ("pattern", "folder", "name", "prefix"),
    [
        ("a/b.sh", "a/", "b.sh", "a/b.sh"),
        ("b.sh", "", "b.sh", "b.sh"),
        ("sql/", "sql/", "", "sql/"),
        ("./", "", "", ""),
        ("s/a*b/c", "s/", "", "s/a"),
        ("**/x", "", "", ""),
        (f"d/{NFD}/x", "d/é/", "x", "d/"),
    ],
)
def test_where_to_look_for_what_may_match(
    pattern: str, folder: str, name: str, prefix: str
) -> None:
    found = FilePattern(pattern)
    assert (found.folder, found.name, found.prefix) == (folder, name, prefix)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("../x", "`..` leads out"),
        ("a/../../x", "`..` leads out"),
        ("/etc/passwd", "leave the first / out"),
        ("a\\b", "write / between folders"),
        ("a//b", "nothing between two slashes"),
        ("x" * 501, "at most 500 characters"),
    ],
)
def test_what_is_no_pattern_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadFilePattern, match=message):
        read_file_pattern(text)


def test_a_name_with_two_dots_in_it_is_a_name() -> None:
    assert read_file_pattern("a..b/..c").matches("a..b/..c")


def test_a_pattern_of_many_wildcards_is_matched_at_once() -> None:
    """One that tried all ways would not come back."""
    pattern = FilePattern("/".join(["**", "*a*a*a*a*a*a*"] * 20))
    assert list(matching([pattern], ["/".join(["a" * 40] * 60) + "/b"])) == []


def test_the_folders_above_a_key() -> None:
    assert folders_above("a/b/c") == ["", "a/", "a/b/"]
    assert folders_above("c") == [""]


@pytest.mark.parametrize(
    ("pattern", "folder", "expected"),
    [
        ("*.py", "d", False),
        ("d/*.py", "d", True),
        ("d/*.py", "d/e", False),
        ("d/", "d/e/f", True),
        ("d/", "e", False),
        ("./", ".git", True),
        ("**/*.py", "d/e", True),
        ("**/*.py", ".git", False),
        ("d/*/f/", "d/x", True),
        ("d/*/f/", "d/x/g", False),
    ],
)
def test_which_folders_are_worth_looking_into(pattern: str, folder: str, expected: bool) -> None:
    assert FilePattern(pattern).may_lead_into(folder) is expected
