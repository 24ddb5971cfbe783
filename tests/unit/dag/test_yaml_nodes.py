"""The YAML that a DAG file may use, and the problems of the rest."""

from __future__ import annotations

import pytest
import yaml

from chalicelib.dag.language.yaml_nodes import (
    LOADER,
    MAX_BYTES,
    Mapping,
    Node,
    Scalar,
    Sequence,
    compose,
)
from chalicelib.dag.problems import Problem, Report

LOADERS = [yaml.SafeLoader, LOADER]


def problems_of(source: bytes, loader: object = LOADER) -> list[Problem]:
    report = Report()
    compose(source, report, loader=loader)
    return report.problems()


def plain(node: Node | None) -> object:
    """The tree as lists, dicts and texts."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.pairs}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Scalar)
    return node.text


@pytest.mark.parametrize("loader", LOADERS)
def test_scalars_stay_as_written(loader: object) -> None:
    source = b"a: [on, 1.10, '1', 0x10, 1:30, ~, 2026-01-01]\nb: |\n  x\n  y\nc: >-\n  x\n  y\n"
    report = Report()

    assert plain(compose(source, report, loader=loader)) == {
        "a": ["on", "1.10", "1", "0x10", "1:30", "~", "2026-01-01"],
        "b": "x\ny\n",
        "c": "x y",
    }
    assert not report


@pytest.mark.parametrize("loader", LOADERS)
def test_places_count_characters_not_bytes(loader: object) -> None:
    root = compose("é: {ü: [ä, x]}".encode(), Report(), loader=loader)

    assert isinstance(root, Mapping)
    inner = root.pairs[0][1]
    assert isinstance(inner, Mapping)
    items = inner.pairs[0][1]
    assert isinstance(items, Sequence)
    assert [(item.line, item.column) for item in items.items] == [(1, 9), (1, 12)]


def test_only_a_plain_scalar_is_null() -> None:
    root = compose(b"[null, 'null', ~, '~', Null, nothing, '']", Report())

    assert isinstance(root, Sequence)
    assert [item.is_null for item in root.items] == [True, False, True, False, True, False, False]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"", Problem(1, 1, "", "the file is empty: it needs at least a name and tasks")),
        (
            b"# nothing\n",
            Problem(1, 1, "", "the file is empty: it needs at least a name and tasks"),
        ),
        (
            b"a: 1\n---\nb: 1",
            Problem(2, 1, "", "a second document begins here: one file holds one DAG"),
        ),
        (b"a: *b", Problem(1, 4, "", "the anchor &b is not defined before this alias")),
        (b"a: &b [*b]", Problem(1, 8, "", "the anchor &b contains itself")),
        (
            b"a: 1\nb: 2\na: 3",
            Problem(3, 1, "", "duplicate key 'a'; the first is on line 1"),
        ),
        (b"{1: a, '1': b}", Problem(1, 8, "", "duplicate key '1'; the first is on line 1")),
        (b"? {a: b}\n: c", Problem(1, 3, "", "a key must be a word, not a list or a mapping")),
        (
            b"a: !!int 3",
            Problem(1, 4, "", "the tag 'tag:yaml.org,2002:int' is not allowed: remove it"),
        ),
        (b"a: !x 3", Problem(1, 4, "", "the tag '!x' is not allowed: remove it")),
        (b"[" * 1000, Problem(1, 22, "", "this is nested more than 20 levels deep")),
        (b"a: 1\nb: \xff", Problem(2, 4, "", "this byte is not UTF-8: save the file as UTF-8")),
        ("é: x\0".encode(), Problem(1, 5, "", "the character U+0000 is not allowed in YAML")),
        (
            b"a: '" + b"x" * MAX_BYTES + b"'",
            Problem(1, 1, "", "the file is larger than 262144 bytes, which is the limit"),
        ),
    ],
)
@pytest.mark.parametrize("loader", LOADERS)
def test_yaml_that_a_dag_file_cannot_use_is_a_problem(
    source: bytes, problem: Problem, loader: object
) -> None:
    assert problems_of(source, loader) == [problem]


@pytest.mark.parametrize(
    ("source", "line", "column", "hint"),
    [
        (b"schedule: @daily", 1, 11, "text that begins with @ needs quotation marks"),
        (b"a: b\ncommand: `date`", 2, 10, "text that begins with ` needs quotation marks"),
        (b"command: %d", 1, 10, "text that begins with % needs quotation marks"),
        (b"a:\n\t- b", 2, 1, "indent with spaces, not with tabs"),
        (
            b"command: echo a: b",
            1,
            16,
            "text that contains a colon and a space needs quotation marks",
        ),
    ],
)
@pytest.mark.parametrize("loader", LOADERS)
def test_common_mistakes_come_with_a_remedy(
    source: bytes, line: int, column: int, hint: str, loader: object
) -> None:
    (problem,) = problems_of(source, loader)

    assert (problem.line, problem.column) == (line, column)
    assert problem.message.startswith("this is not YAML: ")
    assert problem.message.endswith(f"; {hint}")


@pytest.mark.parametrize("loader", LOADERS)
def test_a_cron_expression_without_quotation_marks_comes_with_a_remedy(loader: object) -> None:
    (problem,) = problems_of(b"schedule: * * * * *", loader)

    assert problem.line == 1
    assert problem.message.endswith("text that begins with * needs quotation marks")


@pytest.mark.parametrize("loader", LOADERS)
def test_an_escape_for_no_character_is_a_problem(loader: object) -> None:
    assert len(problems_of(rb'a: "\UFFFFFFFF"', loader)) == 1


def test_aliases_that_explode_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]

    (problem,) = problems_of("\n".join(lines).encode())

    assert problem.message == "with its aliases expanded, the file has more than 100000 values"
    assert problem.line == 5


def test_merge_keys_that_explode_are_stopped() -> None:
    keys = ", ".join(f"k{i}: x" for i in range(200))
    merges = ", ".join(["*a"] * 600)

    (problem,) = problems_of(f"a: &a {{{keys}}}\nb: {{<<: [{merges}]}}".encode())

    assert problem.message == "with its aliases expanded, the file has more than 100000 values"


def test_own_keys_win_over_merged_ones_and_earlier_merges_over_later() -> None:
    source = b"a: &a {x: 1, y: 1, z: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*b, *a], x: 3}"
    root = compose(source, Report())

    assert isinstance(root, Mapping)
    assert plain(root.pairs[2][1]) == {"x": "3", "y": "2", "z": "1"}
