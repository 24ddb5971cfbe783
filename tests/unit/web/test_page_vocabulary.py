"""The page has a word, a mark and a colour for each state of the API, and has them in one place."""

from __future__ import annotations

import re

from chalicelib.dag.states import RunState, TaskState
from chalicelib.web import page_files
from chalicelib.web.response_schemas import components

VOCABULARY = (page_files.FOLDER / "lib" / "vocabulary.js").read_text()
STYLES = {path.name: path.read_text() for path in page_files.FOLDER.glob("*.css")}


def listed(name: str) -> set[str]:
    found = re.search(rf"const {name} = \[(.*?)\]", VOCABULARY, re.DOTALL)
    assert found is not None, name
    return set(re.findall(r'"(\w+)"', found[1]))


def keys(name: str) -> set[str]:
    found = re.search(rf"const {name} = \{{(.*?)\n?\}};", VOCABULARY, re.DOTALL)
    assert found is not None, name
    return set(re.findall(r"(?:^|[{,\n])\s*(\w+):", re.sub(r"\{ mark.*?\}", "", found[1])))


def enum(schema: str, field: str) -> set[str]:
    return set(components()[schema]["properties"][field]["enum"])


def test_the_lists_of_states_are_those_of_the_api() -> None:
    assert listed("RUN_STATES") == {state.value for state in RunState}
    assert listed("TASK_STATES") == {state.value for state in TaskState}
    assert listed("BY_URGENCY") == {state.value for state in TaskState}
    assert listed("NOTIFICATION_STATES") == enum("Notification", "state")


def test_every_state_has_a_look() -> None:
    states = {*RunState, *TaskState, *enum("EndedAttempt", "outcome"), *enum("Backfill", "state")}
    states |= enum("Notification", "state") | enum("Health", "status")
    assert keys("LOOKS") == {*states, "removed", "partial"}


def test_every_kind_of_run_and_event_has_a_word() -> None:
    assert keys("RUN_TYPES") == enum("Run", "run_type")
    assert keys("EVENTS") == enum("Notification", "event")


def test_the_colours_of_states_are_defined_once_by_tone() -> None:
    tones = set(re.findall(r'tone: "(\w+)"', VOCABULARY))
    rules = [
        name for text in STYLES.values() for name in re.findall(r"^\.tone-(\w+) \{", text, re.M)
    ]
    assert sorted(rules) == sorted(tones)
    for name, text in STYLES.items():
        for state in TaskState:
            assert not re.search(rf"[.-]{state}\b", text), f"{name} names the state {state}"
