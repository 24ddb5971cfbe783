"""Any bytes give a DAG, or a DagFileError whose problems lie in the file."""

from __future__ import annotations

import random

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.dag.language.fields.table import DAG_FIELDS, TASK_FIELDS
from chalicelib.dag.language.parser import DagFileError, parse
from chalicelib.dag.language.yaml_nodes import compose
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import Report

SEED = b"""\
name: &n Some DAG
schedule: ["0 * * * *", '@every 10s']
timezone: Europe/Berlin
start_date: 2026-01-01
env: &e {A: 1, B: "x\\u00e9"}
params: {p: [1], q: {type: string, enum: [a, b], default: a}}
secrets: {S: ssm:/a/b}
default_args: {retries: 1, on_retry: [{webhook: "https://example.org/x"}]}
tasks:
- &t {id: a, command: 'echo {{ds}}', retries: 2, retry_delay: 1h30m, env: *e}
- id: b
  command: |
    set -e
    echo "{{ params.q }}" {{ outputs.d.x | raw }}
  dependencies: [a, d]
- {id: d, command: x, outputs: [x], expand: {N: [1, 2], M: "{{ params.p }}"}}
- {id: e, trigger_dag_id: f, conf: {a: ["{{ ts }}"]}, on_retry: []}
- {<<: *t, id: c, dependencies: a}
"""


def check(source: bytes) -> Dag | None:
    try:
        return parse(source)
    except DagFileError as error:
        lines = source.replace(b"\r", b"\n").count(b"\n") + 1
        # YAML 1.1 knows three further line ends; no file of these tests has more than its bytes.
        assert error.problems
        assert all(1 <= p.line <= lines + len(source) for p in error.problems)
        assert all(p.column >= 1 and p.message for p in error.problems)
        error.message.encode()
        return None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_dag_or_problems_in_the_file(source: bytes) -> None:
    check(source)


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#?,<~ \n\t\\0x\0\u2028é\ud7ff"), max_size=60))
def test_any_text_of_yaml_syntax_gives_a_dag_or_problems(text: str) -> None:
    check(text.encode())


NAMES = [name for field in (*DAG_FIELDS, *TASK_FIELDS) for name in field.names]
SCALARS = st.one_of(
    st.sampled_from(["a", "@daily", "* * * * *", "5m", "2026-01-01", "UTC", "all_success", "<<"]),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.dates(),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=4)), inner, max_size=6),
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(TREES, st.booleans())
def test_any_tree_of_known_keys_gives_a_dag_or_problems(tree: object, flow: bool) -> None:
    check(yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True).encode())


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_valid_file_with_changed_bytes_gives_a_dag_or_problems(chance: random.Random) -> None:
    source = bytearray(SEED)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(source))
        piece = chance.choice(
            [b"", bytes([chance.randrange(256)]), b"*", b"\n", b": ", b"- ", b"["]
        )
        source[at : at + chance.randint(0, 3)] = piece
    check(bytes(source))


def test_the_unchanged_file_is_a_dag() -> None:
    assert [task.id for task in parse(SEED).tasks] == ["a", "d", "b", "e", "c"]


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_both_scanners_see_the_same_tree(tree: object) -> None:
    source = yaml.safe_dump(tree, allow_unicode=True).encode()
    reports = Report(), Report()

    assert compose(source, reports[0]) == compose(source, reports[1], loader=yaml.SafeLoader)
    assert reports[0].problems() == reports[1].problems()
