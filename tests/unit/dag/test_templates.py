"""Templates: what they may contain, what they render to, and the messages of errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.dag.language.yaml_nodes import Position, opening_places
from chalicelib.dag.templates import (
    check,
    is_single_template,
    is_template,
    names_in,
    render,
    render_value,
)
from chalicelib.dag.templates.scope import NAMES, Scope, TemplateError, TemplateProblem
from chalicelib.dag.templates.spans import split

ROOT = Path(__file__).parents[3]
CONTEXT: dict[str, Any] = {
    "ds": "2026-11-23",
    "ts": "2026-11-23T10:00:00Z",
    "logical_date": "2026-11-23T10:00:00Z",
    "data_interval_start": "2026-11-23T09:00:00Z",
    "data_interval_end": "2026-11-23T10:00:00Z",
    "dag_id": "d",
    "run_id": "d__1",
    "task_id": "t",
    "try_number": 2,
    "params": {"text": "a b", "n": 5, "items": [1, "x"], "values": {"keys": 1}, "no": None},
    "outputs": {"load-db": {"rows": [{"id": 7}]}},
}
SCOPE = Scope(
    params=("text", "n"), outputs={"load": ("rows", "path"), "x": ()}, tasks=("load", "x", "later")
)


def plain(text: str) -> str:
    return render(text, CONTEXT, for_shell=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no template", "no template"),
        ("{{ ds }}", "2026-11-23"),
        ("a{{ds}}b{{ params.n }}c", "a2026-11-23b5c"),
        ("{{ params.items }}", '[1, "x"]'),
        ("{{ params.no }}", ""),
        ("<{{ params.no | raw }}{{ params.no | upper }}{{ params.no | trim }}>", "<>"),
        ("{{ params.no | replace('l', 'x') }}{{ [params.no, 1] | join('-') }}", "-1"),
        ("{{ params.no | tojson }}{{ [params.no] }}", "null[null]"),
        ("{{ params.no | split | length }}{{ '' | split | length }}", "00"),
        ("{{ '' | split('-') | tojson }}{{ 'a-' | split('-') | tojson }}", '[]["a", ""]'),
        ("{{ params.n > 3 }}", "true"),
        ("{{ params.values.keys }}", "1"),
        ("{{ params['text'] }}", "a b"),
        ("{{ outputs['load-db'].rows[0].id }}", "7"),
        ("{{ params.n + 1 }} {{ params.n * 2 }} {{ params.n % 3 }} {{ 2 ** 3 }}", "6 10 2 8"),
        ("{{ ds | replace('-', '') }}", "20261123"),
        ("{{ params.text | upper | trim }}", "A B"),
        ("{{ params.nothing | default('d') }}{{ params.no | default(1) }}", "d1"),
        ("{{ params.items | join('+') }}", "1+x"),
        ("{{ 'a,b' | split | last }}", "b"),
        ("{{ params.items | length }}{{ [3, 1] | sort | first }}{{ [1, 2] | sum }}", "213"),
        ("{{ '7' | int + 1 }}{{ '0.5' | float }}{{ 2.345 | round(1) }}", "80.52.3"),
        ("{{ 'yes' if try_number > 1 else 'no' }}", "yes"),
        ("{{ params.text | tojson }}", '"a b"'),
        ("{{ {'a': {'b': 1}} }}", '{"a": {"b": 1}}'),
        ("{{ '}}' }}{{ '{{' }}", "}}{{"),
        ("a {{- ds -}} b", "a2026-11-23b"),
        ("${#a[@]} {% if %} {# #} }} {", "${#a[@]} {% if %} {# #} }} {"),
        ("\r\n{{ ds }}\r\n\n", "\r\n2026-11-23\r\n\n"),
    ],
)
def test_a_template_becomes_its_value(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_value_is_never_a_template_itself() -> None:
    assert render("{{ params.v }}", {"params": {"v": "{{ ds }}"}}, for_shell=False) == "{{ ds }}"


@given(st.text(st.characters(exclude_characters="\0{", codec="utf-8")))
def test_a_text_without_templates_stays_unchanged(text: str) -> None:
    assert render(f"{text}{{{{ '' }}}}", {}, for_shell=True) == text


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(codec="utf-8"))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=6,
)


@given(JSON)
def test_one_template_alone_keeps_the_type_of_its_value(value: Any) -> None:
    context = {"params": {"v": value}}

    assert render_value({"a": ["{{ params.v }}"]}, context) == {"a": [value]}


def test_a_template_among_other_text_becomes_text() -> None:
    assert render_value(["x{{ params.n }}", 1, None, "y"], CONTEXT) == ["x5", 1, None, "y"]
    assert is_single_template("{{ ds }}")
    assert not is_single_template("{{ ds }} ")
    assert not is_single_template("ds")


_NOT_WRITTEN = (
    "outputs.load-db.row is missing: 'load-db' did not write it; add | default('') to allow that"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ params.zzz }}", "params.zzz does not exist"),
        ("{{ params.text.x }}", "params.text.x does not exist"),
        ("{{ params.n.real }}", "params.n.real does not exist"),
        ("{{ params[ds].x }}", "there is no '2026-11-23' here"),
        ("{{ outputs['load-db'].row | upper }}", _NOT_WRITTEN),
        ("{{ outputs['load-db'].row.x | default(1) + outputs['load-db'].row }}", _NOT_WRITTEN),
        ("{{ outputs['load-db'].rows[0].idd }}", "there is no 'idd' here"),
        ("{{ params.items[9] }}", "there is no 9 here"),
        ("{{ params.n / 0 }}", "division by zero"),
        ("{{ params.text + 1 }}", "+ works with two numbers, two texts or two lists"),
        ("{{ 'x' * 1000000000 }}", "* works with numbers only"),
        ("{{ '%999999999d' % 1 }}", "% works with numbers only"),
        ("{{ 9 ** 9 ** 9 ** 9 }}", "this power is too large"),
        ("{{ params.text | int }}", "invalid literal for int"),
        ("{{ params.nul }}", "params.nul does not exist"),
    ],
)
def test_a_template_that_cannot_be_rendered_says_why(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        plain(text)
    assert str(caught.value).startswith("a template cannot be rendered: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", float("nan"), float("inf")])
def test_a_value_that_no_process_can_receive_is_refused(value: object) -> None:
    with pytest.raises(TemplateError):
        render("{{ params.v }}", {"params": {"v": value}}, for_shell=True)


def test_a_text_does_not_grow_without_bound() -> None:
    context = {"params": {"v": "a" * 30_000}}

    for text in (
        "{{ params.v | replace('a', params.v) }}",
        "{{ params.v }}" * 10,
        "{{ params.v | split('a') | join(params.v) }}",
    ):
        with pytest.raises(TemplateError, match=r"too long|more than \d+ characters"):
            render(text, context, for_shell=False)


BRACES = "to get the two braces themselves, write {{ '{{' }}"
KNOWN = ", ".join(NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ dss }}", "unknown name 'dss'; did you mean 'ds'?"),
        ("{{ zzzzzz }}", f"unknown name 'zzzzzz'; known here: {KNOWN}"),
        ("{{ ds.year }}", "ds has no parts: 'ds.year' does not exist"),
        ("{{ params.txt }}", "unknown param 'txt'; did you mean 'text'?"),
        ("{{ params.zzz }}", "unknown param 'zzz'; the DAG declares text, n"),
        ("{{ params[ds] }}", "params needs the name of a param in quotation marks"),
        ("{{ outputs }}", "outputs needs the name of a task, such as outputs.load.rows"),
        ("{{ outputs.load[ds] }}", "outputs.load needs the name of an output in quotation marks"),
        ("{{ outputs[ds].a }}", "outputs needs the name of a task, such as outputs.load.rows"),
        ("{{ outputs.lod.rows }}", "there is no task 'lod'; did you mean 'load'?"),
        (
            "{{ outputs.later.rows }}",
            "the task 'later' does not run before this one: add it to dependencies",
        ),
        (
            "{{ outputs.load.row }}",
            "the task 'load' declares no output 'row'; did you mean 'rows'?",
        ),
        (
            "{{ outputs.x.abc }}",
            "the task 'x' declares no output 'abc'; it declares none",
        ),
        ("{{ }}", f"this template is empty; {BRACES}"),
        ("{{ ds", f"this template is never closed: add }}}}; {BRACES}"),
        ("{{ 'a }}", f"this template is never closed: add }}}}; {BRACES}"),
        ("{{.Names}}", f"invalid template: unexpected '.'; {BRACES}"),
        ("{{a,b},{c,d}}", f"invalid template: unexpected '}}'; {BRACES}"),
        ("{{ ds ts }}", f"invalid template: unexpected 'ts'; {BRACES}"),
        (
            "{{ range(5) }}",
            "templates cannot call anything: use a filter such as ds | replace('-', '')",
        ),
        (
            "{{ ds ~ ts }}",
            "templates do not support ~: write two templates next to each other",
        ),
        ("{{ ds | uper }}", "unknown filter 'uper'; did you mean 'upper'?"),
        ("{{ " + "[" * 51 + "]" * 51 + " }}", "a template can nest at most 50 brackets"),
        ("{{ ds | raw | upper }}", "raw must be the last filter of a template"),
        ("{{ " + "ds + " * 400 + "ds }}", "a template can have at most 1000 characters"),
    ],
)
def test_problems_of_a_template_are_reported_before_there_is_a_run(text: str, message: str) -> None:
    assert check(text, SCOPE) == [TemplateProblem(0, message)]


def test_each_problem_says_which_template_it_is_in() -> None:
    text = "{{ ds }} {{ a_a }} {{ '{{' }} {{ params.zzz }}"

    assert [fault.opening for fault in check(text, SCOPE)] == [1, 4]


@pytest.mark.parametrize(
    "text",
    [
        "{{ params }}",
        "{{ outputs.load }}",
        "{{ outputs['load']['rows'][0].a }}",
        "{{ params.n.a }}",
    ],
)
def test_values_that_may_exist_are_not_refused(text: str) -> None:
    assert check(text, SCOPE) == []


def test_only_what_is_in_scope_is_known() -> None:
    (fault,) = check("{{ try_number }}", Scope(("ds",)))

    assert fault.message == "unknown name 'try_number'; known here: ds"


def test_the_names_that_are_used_are_found() -> None:
    text = "{{ params.a.b }} {{ outputs['x y'].z[0] | join(ds) }} {{ params }}"

    assert names_in(text) == {"params.a.b", "outputs.x y.z.*", "ds", "params"}


@pytest.mark.parametrize(
    "text",
    [
        "{{ ds.__class__ }}",
        "{{ params.__class__.__mro__ }}",
        "{{ params['__class__'] }}",
        "{{ ''.__class__ }}",
        "{{ [].append }}",
        "{{ params.items.append }}",
        "{{ (1).real }}",
    ],
)
def test_nothing_of_python_can_be_reached(text: str) -> None:
    with pytest.raises(TemplateError, match=r"there is no .* here|does not exist"):
        plain(text)


@settings(max_examples=300)
@given(st.text(st.sampled_from("{}'\"()[]|.,-+*/%~ adsparms\\\n\r<#$0"), max_size=30))
def test_any_text_is_checked_and_rendered_or_refused(text: str) -> None:
    text = f"{{{{{text}"
    faults = check(text, SCOPE, for_shell=True)
    assert all(fault.message and fault.opening <= text.count("{{") for fault in faults)
    try:
        render(text, CONTEXT, for_shell=True)
    except TemplateError as error:
        assert str(error)


def test_a_template_is_found_in_any_value() -> None:
    assert is_template({"a": [1, {"b": "{{ ds }}"}]})
    assert not is_template({"{{ ds }}": [1, "ds", None]})


def test_the_engine_is_loaded_only_where_there_is_a_template() -> None:
    code = (
        "import sys; from chalicelib.dag.language.parser import parse;"
        "from chalicelib.dag.evaluate import expand;"
        "from chalicelib.dag.templates import render;"
        "parse(b'name: x\\ntasks: [{id: a, command: b}]'); render('a', {}, for_shell=True);"
        "import json; print(json.dumps('jinja2' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)

    assert json.loads(done.stdout) is False


class Watched(str):
    """A text that counts how many of its characters were looked at in slices and counts."""

    looked_at: int

    def __new__(cls, text: str) -> Watched:
        made = super().__new__(cls, text)
        made.looked_at = 0
        return made

    def __getitem__(self, key: Any) -> str:
        found = super().__getitem__(key)
        self.looked_at += len(found)
        return found

    def count(self, part: str, start: Any = 0, end: Any = None) -> int:
        stop = len(self) if end is None else end
        self.looked_at += stop - start
        return super().count(part, start, stop)


def test_the_work_for_a_text_grows_with_its_length_alone() -> None:
    def looked_at(templates: int) -> int:
        text = Watched("{{ds}} {{ '{{' }}" * (templates // 2))
        assert len(split(text)[1]) == templates
        return text.looked_at

    assert looked_at(1000) < 2.1 * looked_at(500)


def test_the_positions_of_templates_are_found_in_one_pass() -> None:
    line = "a {{ds}}\r\nbb{{ds}} {{ds}}\n"
    text = Watched(line * 500)

    places = [(place.line, place.column) for place in opening_places(text, Position(7, 5))]

    assert places[:4] == [(7, 7), (8, 3), (8, 10), (9, 3)]
    assert places[-1] == (7 + 999, 10)
    assert text.looked_at <= len(text)


def test_a_text_has_a_bounded_number_of_templates() -> None:
    assert check("{{ds}}" * 1000, Scope()) == []

    (fault,) = check("{{ds}}" * 1001, Scope())

    assert fault.message == "a text can contain at most 1000 templates"
    with pytest.raises(TemplateError, match="at most 1000 templates"):
        render("{{ds}}" * 1001, CONTEXT, for_shell=False)


def test_rendering_stops_where_the_text_is_too_long() -> None:
    asked: list[str] = []

    class Counting(dict[str, Any]):
        def __missing__(self, name: str) -> str:
            asked.append(name)
            return "x" * 100_000

    text = "".join(f"{{{{ params.p{number} }}}}" for number in range(900))
    with pytest.raises(TemplateError, match="more than 262144 characters"):
        render(text, {"params": Counting()}, for_shell=False)

    assert len(asked) == 3


def test_checking_many_invalid_templates_stops_early() -> None:
    faults = check("{{ dss }}" * 1000, Scope())

    assert len(faults) == 100


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ outputs.3rd.rows }}", "write outputs['3rd'].rows"),
        ("{{ outputs.load-db.rows }}", "write outputs['load-db'].rows"),
        ("{{ outputs.load.db.rows | upper }}", "write outputs['load.db'].rows"),
        ("{{ 1 if outputs.a.b-c.n > 1 else 2 }}", "write outputs['a.b-c'].n"),
        ("{{ outputs.3rd.rows.id }}", "write outputs['3rd'].rows"),
    ],
)
def test_an_id_that_cannot_follow_a_dot_is_reported_with_brackets(template: str, told: str) -> None:
    tasks = ("3rd", "load-db", "load.db", "a.b-c", "plain")
    scope = Scope(outputs=dict.fromkeys(tasks, ("rows", "n")), tasks=tasks)

    (fault,) = check(template, scope)

    assert fault.message.endswith(told)
    written = told.removeprefix("write ")
    assert check(f"{{{{ {written} }}}}", scope) == []


def test_a_plain_name_is_not_mistaken_for_such_an_id() -> None:
    scope = Scope(outputs={"load": ("db",), "load.db": ("n",)}, tasks=("load", "load.db"))

    assert check("{{ outputs.load.db.n }}", scope) == []
    (fault,) = check("{{ outputs.lod.db }}", scope)
    assert fault.message == "there is no task 'lod'; did you mean 'load'?"
