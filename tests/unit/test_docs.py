"""The documents say what is true today: generated parts are current, links resolve, and nothing is
missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.config import SETTINGS
from chalicelib.dag.language.fields.table import BUILT_IN_VARIABLES, DAG_FIELDS, TASK_FIELDS
from chalicelib.dag.states import RunState, TaskState
from chalicelib.dag.templates.filters import FILTERS
from chalicelib.dag.templates.scope import NAMES
from chalicelib.dag_files import is_dag_file
from chalicelib.web.routes import ROUTES
from tests.support import docs

README_MAX_BYTES = 10 * 1024


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


DAG_FILE = text_of(docs.DAG_FILE)


def name_of(page: Path) -> str:
    return str(page.relative_to(docs.ROOT))


@pytest.mark.parametrize("page", docs.PAGES, ids=name_of)
def test_the_generated_parts_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert docs.fill(text, docs.PAGES[page]) == text, "run `python -m tests.support.docs`"


def test_every_setting_is_there() -> None:
    text = text_of(docs.HOW_IT_WORKS)
    assert [s.variable for s in SETTINGS if f"`{s.variable}`" not in text] == []


def test_every_word_of_a_dag_file_is_there() -> None:
    words = {name for field in (*DAG_FIELDS, *TASK_FIELDS) for name in field.names}
    assert [word for word in sorted(words) if f"`{word}`" not in DAG_FILE] == []


def test_every_name_and_filter_of_a_template_is_there() -> None:
    page = DAG_FILE.partition("\n## Templates")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)[`(]", page))
    assert sorted({*NAMES, *FILTERS} - told) == []


def test_every_variable_that_a_command_finds_is_there() -> None:
    assert [name for name in BUILT_IN_VARIABLES if f"`{name}`" not in DAG_FILE] == []


def test_every_route_is_there() -> None:
    text = text_of(docs.REST_API)
    assert [r.path for r in ROUTES if r.path not in text] == []


def test_every_example_is_there() -> None:
    names = [path.name for path in docs.EXAMPLES.glob("*.yaml") if is_dag_file(path.name)]
    assert len(names) > 7
    assert [name for name in names if f"examples/{name}" not in DAG_FILE] == []


def test_every_guarantee_names_tests_that_exist() -> None:
    guarantees = text_of(docs.README).partition("## Guarantees")[2].partition("## ")[0]
    rows = re.findall(r"^\| (\d) .*\| (.*) \|$", text_of(docs.TESTS), re.MULTILINE)
    assert re.findall(r"^(\d)\. ", guarantees, re.MULTILINE) == [number for number, _ in rows]
    for number, tests in rows:
        names = re.findall(r"\(([\w/]+\.py)\)", tests)
        sources = [text_of(docs.TESTS.parent / name) for name in names]
        assert all("def test_" in source for source in sources)
        assert f"`test_{number}_…`" not in tests or f"def test_{number}_" in sources[0]


def test_the_names_in_the_table_of_changes_are_in_the_files_beside_them() -> None:
    rows = re.findall(r"^\| .*\]\(\.\./.* \|$", text_of(docs.CONTRIBUTING), re.MULTILINE)
    assert len(rows) > 10
    for row in rows:
        files = [docs.CONTRIBUTING.parent / path for path in re.findall(r"\]\(([^)#]+)", row)]
        source = "".join(text_of(path) for path in files if path.is_file())
        assert [name for name in re.findall(r"`([A-Z]\w+)`", row) if name not in source] == [], row


def test_every_state_has_a_meaning() -> None:
    assert set(docs.RUN_MEANINGS) == set(RunState)
    assert set(docs.TASK_MEANINGS) == set(TaskState)


PROSE = sorted(
    path
    for folder in (".", ".github", "chalicelib", "infra", "tests")
    for path in (docs.ROOT / folder).glob("*.md" if folder in (".", ".github") else "**/*.md")
    if "node_modules" not in path.parts
)


def test_the_front_page_stays_short() -> None:
    assert len(docs.README.read_bytes()) <= README_MAX_BYTES


def test_all_pages_are_looked_at() -> None:
    assert {*docs.PAGES, docs.CONTRIBUTING, docs.TESTS, docs.BENCHMARKS} <= {*PROSE}


@pytest.mark.parametrize("page", PROSE, ids=name_of)
def test_every_link_into_the_project_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target, _ in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PROSE, ids=name_of)
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        linked = page.parent / target if target else page
        headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}
        assert anchor in anchors, f"{target}#{anchor}"


@pytest.mark.parametrize("page", PROSE, ids=name_of)
def test_no_path_of_one_machine_and_nothing_unfinished_is_in_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"/home/\w+|/root/|TODO|FILL ME IN", text) == []


def test_filling_replaces_only_what_stands_between_the_markers() -> None:
    text = "a\n<!-- generated:x -->\nold\n<!-- end:x -->\nb\n"
    expected = "a\n<!-- generated:x -->\nnew\n<!-- end:x -->\nb\n"
    assert docs.fill(text, {"x": lambda: "new\n"}) == expected


@pytest.mark.parametrize("text", ["no marker", "<!-- generated:x -->", "<!-- generated:y -->"])
def test_filling_refuses_a_text_without_the_part_s_markers(text: str) -> None:
    with pytest.raises(ValueError, match="x"):
        docs.fill(text, {"x": lambda: "new"})


def test_the_sample_is_the_one_that_the_readme_shows() -> None:
    sample = text_of(docs.EXAMPLES / "sample_dag.yaml")
    assert f"```yaml\n{sample}```" in text_of(docs.README)


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", text_of(docs.ROOT / "infra" / "README.md")))
    files = [text_of(path) for path in (docs.ROOT / "tests").rglob("test_*.py")]
    defined = {name for text in files for name in re.findall(r"def (test_\w+)\(", text)}
    assert sorted(named - defined) == []
