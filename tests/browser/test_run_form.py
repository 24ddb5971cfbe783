"""The form for a run sends what people typed, as they typed it, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from chalicelib.dag.model import Param, Task
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api

BIG = 9007199254740993

DEFAULTS: dict[str, Param] = {
    "lines": Param("p", "string", "line1\nline2"),
    "lines at the edges": Param("p", "string", "\n\nselect 1\n"),
    "carriage returns": Param("p", "string", "a\r\nb\r\n"),
    "mixed line ends": Param("p", "string", "a\r\nb\nc\rd"),
    "spaces": Param("p", "string", "  padded\t "),
    "empty text": Param("p", "string", ""),
    "text like a number": Param("p", "string", "007"),
    "text like a decimal": Param("p", "string", "1.10"),
    "text like JSON": Param("p", "string", '{"a": 1}'),
    "no text": Param("p", "string"),
    "64 bits": Param("p", "integer", BIG),
    "beyond 64 bits": Param("p", "integer", -(10**30)),
    "zero": Param("p", "integer", 0),
    "no integer": Param("p", "integer"),
    "a whole number": Param("p", "number", 1.0),
    "a small number": Param("p", "number", 1e-7),
    "a number as it was written": Param("p", "number", "1.10"),
    "no number": Param("p", "number"),
    "yes": Param("p", "boolean", True),
    "no": Param("p", "boolean", False),
    "neither": Param("p", "boolean"),
    "list": Param("p", "array", [BIG, 1.0, "007", None, True, {"a": []}]),
    "no list": Param("p", "array"),
    "object": Param("p", "object", {"id": BIG, "rate": 1.0, "sql": "a\nb"}),
    "anything": Param("p", None, [BIG]),
    "nothing of any type": Param("p"),
    "template": Param("p", None, "{{ ds }}"),
    "template of a number": Param("p", "integer", "{{ 3 }}"),
    "template of a list": Param("p", "array", "{{ [1, 2] }}"),
    "numbers to choose": Param("p", "integer", BIG, enum=(BIG, BIG + 2)),
    "kinds to choose": Param("p", None, "1", enum=(1, "1", 1.5, True, "true", "", " x ")),
    "texts to choose": Param("p", "string", "us", enum=("eu", "us")),
    "no choice": Param("p", "string", None, enum=("eu", "us")),
}


def fill(text: str) -> Callable[[Locator], None]:
    return lambda box: box.fill(text)


def choose(label: str) -> Callable[[Locator], None]:
    def act(box: Locator) -> None:
        box.select_option(label=label)

    return act


TOUCHED: dict[str, tuple[Param, Callable[[Locator], None], str | None]] = {
    "lines": (DEFAULTS["lines"], fill("a\nb\n\nc"), '"a\\nb\\n\\nc"'),
    "lines over one line": (DEFAULTS["spaces"], fill("a\nb"), '"a\\nb"'),
    "carriage returns": (DEFAULTS["carriage returns"], fill("a\nc\n"), '"a\\r\\nc\\r\\n"'),
    "spaces": (DEFAULTS["spaces"], fill("  x "), '"  x "'),
    "an emptied text": (DEFAULTS["spaces"], fill(""), '""'),
    "007 as text": (DEFAULTS["no text"], fill("007"), '"007"'),
    "1.10 as text": (DEFAULTS["no text"], fill("1.10"), '"1.10"'),
    "null as text": (DEFAULTS["no text"], fill("null"), '"null"'),
    "64 bits": (DEFAULTS["zero"], fill(str(BIG)), str(BIG)),
    "64 bits, negative": (DEFAULTS["zero"], fill(f" -{BIG} "), f"-{BIG}"),
    "1.10 as a number": (DEFAULTS["no number"], fill("1.10"), "1.10"),
    "an emptied number": (DEFAULTS["64 bits"], fill(""), None),
    "unchecked": (DEFAULTS["yes"], lambda box: box.uncheck(), "false"),
    "checked": (DEFAULTS["no"], lambda box: box.check(), "true"),
    "no of three": (DEFAULTS["neither"], choose("false"), "false"),
    "neither of three": (DEFAULTS["neither"], choose("not set"), None),
    "a list": (DEFAULTS["list"], fill(f'[{BIG}, 1.0, "007"]'), f'[{BIG},1.0,"007"]'),
    "an emptied list": (DEFAULTS["list"], fill(""), None),
    "an object": (DEFAULTS["object"], fill(f'{{"id": {BIG + 2}}}'), f'{{"id":{BIG + 2}}}'),
    "any number": (DEFAULTS["template"], fill("5"), "5"),
    "any long number": (DEFAULTS["template"], fill(str(BIG)), str(BIG)),
    "any 007": (DEFAULTS["template"], fill("007"), '"007"'),
    "any 1.10": (DEFAULTS["template"], fill("1.10"), '"1.10"'),
    "any 5 with a space": (DEFAULTS["template"], fill("5 "), '"5 "'),
    "any list": (DEFAULTS["template"], fill("[1.0]"), "[1.0]"),
    "any text": (DEFAULTS["nothing of any type"], fill("2026-01-01"), '"2026-01-01"'),
    "a number for a template": (DEFAULTS["template of a number"], fill("4"), "4"),
    "a long choice": (DEFAULTS["numbers to choose"], choose(str(BIG + 2)), str(BIG + 2)),
    "the number of two kinds": (DEFAULTS["kinds to choose"], choose("1"), "1"),
    "the text of two kinds": (DEFAULTS["kinds to choose"], choose('"true"'), '"true"'),
    "the empty choice": (DEFAULTS["kinds to choose"], choose('""'), '""'),
}


@pytest.fixture(scope="module")
def scene(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Api]]:
    api = Api(tmp_path_factory.mktemp("form"))
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(15_000)
    with served(api) as url:
        page.goto(url)
        is_ready(page)
        yield page, api
    context.close()
    api.close()


def opened(scene: tuple[Page, Api], *params: Param) -> Locator:
    """The form for a DAG with these params."""
    page, api = scene
    api.rows.dag("d", params=params, tasks=(Task("a", "x"),))
    page.evaluate("location.hash = '#/nowhere'")
    page.get_by_role("heading", name="Page not found").wait_for()
    page.evaluate("location.hash = '#/dags/d'")
    page.get_by_role("button", name="Run…").click()
    return page.get_by_role("dialog")


def sent(page: Page) -> str:
    """The body of the request that the form makes."""

    def is_run(request: Request) -> bool:
        return request.method == "POST" and request.url.endswith("/api/dags/d/run")

    with page.expect_request(is_run) as request:
        page.get_by_role("button", name="Run 1 task now").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    return request.value.post_data or ""


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_nobody_touched_is_not_sent(scene: tuple[Page, Api], name: str) -> None:
    opened(scene, DEFAULTS[name])
    assert sent(scene[0]) == "{}"


@pytest.mark.parametrize("name", TOUCHED)
def test_what_was_touched_is_sent_as_it_was_typed(scene: tuple[Page, Api], name: str) -> None:
    page, _ = scene
    param, touch, expected = TOUCHED[name]
    touch(opened(scene, param).locator("#param-p"))
    body = sent(page)
    assert body == ("{}" if expected is None else f'{{"params":{{"p":{expected}}}}}')


def test_a_number_that_comes_as_text_stands_in_its_field(scene: tuple[Page, Api]) -> None:
    form = opened(scene, DEFAULTS["a number as it was written"])
    expect(form.locator("#param-p")).to_have_value("1.10")
    form.locator("#param-p").fill("2.50")
    assert sent(scene[0]) == '{"params":{"p":2.50}}'


def test_what_was_touched_goes_back_to_its_default(scene: tuple[Page, Api]) -> None:
    names = ("lines", "64 bits", "neither", "yes", "list", "texts to choose")
    params = [
        Param(f"p{i}", d.type, d.default, enum=d.enum)
        for i, d in enumerate(DEFAULTS[name] for name in names)
    ]
    form = opened(scene, *params)
    form.locator("#param-p0").fill("x")
    form.locator("#param-p1").fill("1")
    form.locator("#param-p2").select_option(label="true")
    form.locator("#param-p3").uncheck()
    form.locator("#param-p4").fill("[]")
    form.locator("#param-p5").select_option(label="eu")
    for _ in names:
        form.get_by_role("button", name="Default").first.click()
    assert form.locator("#param-p0").input_value() == "line1\nline2"
    assert form.locator("#param-p1").input_value() == str(BIG)
    assert sent(scene[0]) == "{}"


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("zero", "007", "p must be a whole number, such as 7, not 007"),
        ("zero", "seven", "p must be a whole number, such as 7, not seven"),
        ("zero", "1.5", "must be a whole number, not 1.5"),
        ("no number", "1,5", "p must be a number, such as 0.5, not 1,5"),
        ("list", "[1", "p must be a list in JSON"),
        ("object", "[1]", "must be an object, not [1]"),
    ],
)
def test_what_cannot_be_sent_is_said_in_the_form(
    scene: tuple[Page, Api], name: str, typed: str, said: str
) -> None:
    page, _ = scene
    form = opened(scene, DEFAULTS[name])
    form.locator("#param-p").fill(typed)
    form.get_by_role("button", name="Run 1 task now").click()
    box = form.locator("#param-p")
    expect(form.locator("#param-p-error")).to_contain_text(said)
    expect(box).to_be_focused()
    assert "param-p-error" in (box.get_attribute("aria-describedby") or "")
    box.fill("")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)


def test_enter_in_one_line_runs_and_lines_that_are_pasted_stay(scene: tuple[Page, Api]) -> None:
    page, _ = scene
    box = opened(scene, DEFAULTS["no text"]).locator("#param-p")
    box.focus()
    page.keyboard.insert_text("one\ntwo")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("three")
    assert sent(page) == '{"params":{"p":"one\\ntwo\\nthree"}}'
    box = opened(scene, DEFAULTS["no text"]).locator("#param-p")
    box.fill("one")
    box.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_note_of_several_lines_survives_the_form(scene: tuple[Page, Api]) -> None:
    page, _ = scene
    opened(scene).get_by_label("Note").fill("  first\nsecond ")
    assert json.loads(sent(page)) == {"note": "  first\nsecond "}


def test_long_numbers_are_shown_as_they_are(scene: tuple[Page, Api]) -> None:
    page, api = scene
    api.rows.dag("d", params=(Param("p"),), tasks=(Task("a", "x"),))
    run_id = api.rows.run("d", params=json.dumps({"p": [BIG, {"id": BIG}]}))
    api.rows.task(run_id, "a", item=json.dumps({"N": BIG}))
    api.rows.outputs(run_id, "a", {"rows": BIG})
    page.evaluate("(id) => { location.hash = `#/runs/${id}` }", run_id)
    expect(page.locator("main")).to_contain_text(f'p=[{BIG},{{"id":{BIG}}}]')
    expect(page.locator("main")).to_contain_text(f"N={BIG}")
    expect(page.get_by_role("table", name="Outputs")).to_contain_text(str(BIG))


def test_a_pool_that_is_changed_keeps_the_lines_of_its_description(
    scene: tuple[Page, Api],
) -> None:
    page, api = scene
    api.rows.pool("db", 4, "one\r\ntwo ")
    page.evaluate("location.hash = '#/pools'")
    page.get_by_role("button", name="Edit db").click()
    page.get_by_label("Slots").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#pool-slots-error")).to_contain_text("slots")
    page.get_by_label("Slots").fill("5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table")).to_contain_text("0 of 5")
    pool = api.get("/api/pools/db").json
    assert (pool["slots"], pool["description"]) == (5, "one\r\ntwo ")


TEXTS = ["1", "1.0", "-0", "1e5", str(BIG), f"-{BIG}", '"9007199254740993"', "9007199254740991"]
TEXTS += [f'{{"a":[{BIG},1.10,"{BIG}"],"\\\\":"\\" {BIG}"}}', "[]", "null", '"\\u0001number"']


@pytest.mark.parametrize("text", TEXTS)
def test_json_is_written_as_it_was_read(scene: tuple[Page, Api], text: str) -> None:
    page, _ = scene
    script = """async (text) => {
      const { parse, stringify } = await import(document.querySelector('script[type=module]').src
        .replace(/[^/]+$/, 'lib/json.js'));
      return [stringify(parse(text, { isExact: true })), stringify(parse(text))];
    }"""
    exact, usual = page.evaluate(script, text)
    assert json.loads(exact) == json.loads(usual) == json.loads(text)
    assert exact == text
