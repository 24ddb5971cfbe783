"""`tools` in a DAG file: what is accepted, and what is refused when the file is registered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.dag.language.parser import parse
from chalicelib.dag.model import Dag, Tool
from chalicelib.dag.problems import DagFileError

SHA = "ab" * 32


def dag(tools: Any) -> Dag:
    source = {"name": "A", "tools": tools, "tasks": [{"id": "t", "command": "jq"}]}
    return parse(json.dumps(source).encode())


def problems(tools: Any) -> list[str]:
    with pytest.raises(DagFileError) as caught:
        dag(tools)
    return [problem.message for problem in caught.value.problems]


def tool(**fields: Any) -> dict[str, Any]:
    return {"jq": {"url": "https://example.com/jq", "sha256": SHA, **fields}}


def test_a_tool_survives_being_stored() -> None:
    parsed = dag(tool(sha256=SHA.upper(), path="./bin/jq"))
    assert parsed.tools == (Tool("jq", "https://example.com/jq", SHA, "bin/jq"),)
    assert Dag.from_json(json.loads(json.dumps(parsed.to_json()))) == parsed


def test_a_dag_that_was_stored_before_tools_were_has_none() -> None:
    stored = dag({}).to_json()
    assert "tools" not in stored
    assert Dag.from_json(stored).tools == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/jqlang/jq/releases/download/jq-1.7.1/jq-linux-amd64",
        "https://example.com:8443/a?b=c",
        "https://[2606:4700:4700::1111]/jq",
        "s3://my-bucket/tools/jq v1",
    ],
)
def test_https_and_buckets_are_accepted(url: str) -> None:
    assert dag(tool(url=url)).tools[0].url == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://example.com/jq", "anyone on the way can change what is fetched without HTTPS"),
        ("ftp://example.com/jq", "is not a URL that can be fetched"),
        ("file:///bin/sh", "is not a URL that can be fetched"),
        ("/bin/sh", "is not a URL that can be fetched"),
        ("https:///jq", "is not a URL that can be fetched"),
        ("https://exa mple.com/jq", "is not a URL that can be fetched"),
        ("https://[::1/jq", "is not a URL that"),
        ("https://example.com:x/jq", "is not a URL that"),
        ("https://me:secret@example.com/jq", "cannot hold a user or password"),
        ("s3://my-bucket", "names no object: write s3://bucket/key"),
        ("s3://my-bucket/", "names no object: write s3://bucket/key"),
        ("s3://My_Bucket/jq", "names no object: write s3://bucket/key"),
        ("https://example.com/{{ ds }}", "write the URL itself"),
        (f"https://example.com/{'x' * 1000}", "at most 1000 characters"),
        ("", "is not a URL that can be fetched"),
    ],
)
def test_other_addresses_are_refused(url: str, problem: str) -> None:
    assert any(problem in text for text in problems(tool(url=url)))


@pytest.mark.parametrize(
    "url", ["https://e.com/a.tar.gz", "https://e.com/a.TGZ?x", "s3://bkt/a.zip"]
)
def test_an_archive_needs_a_path(url: str) -> None:
    assert "add path" in problems(tool(url=url))[0]
    assert dag(tool(url=url, path="bin/jq")).tools[0].path == "bin/jq"


@pytest.mark.parametrize("ending", ["tar.xz", "tar.bz2", "tar", "gz", "7z", "deb", "rpm", "tbz2"])
def test_other_archives_are_refused(ending: str) -> None:
    for path in ({}, {"path": "jq"}):
        [problem] = problems(tool(url=f"https://example.com/jq-1.7.{ending}", **path))
        assert problem == "an archive must be a .tar.gz or a .zip"


@pytest.mark.parametrize("path", ["/bin/jq", "../jq", "a/../../jq", "", ".", "{{ ds }}", "x" * 201])
def test_a_path_stays_within_its_archive(path: str) -> None:
    assert problems(tool(url="https://example.com/a.zip", path=path)) != []


@pytest.mark.parametrize(
    "sha256", ["", "ab", SHA[1:], SHA + "a", "g" * 64, f"sha256:{SHA}", 1, None]
)
def test_a_checksum_has_64_digits(sha256: Any) -> None:
    assert any("sha256" in text or "SHA-256" in text for text in problems(tool(sha256=sha256)))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "a b", "jq\n", "ä", "x" * 101])
def test_a_name_must_be_one_of_a_program(name: str) -> None:
    [problem] = problems({name: tool()["jq"]})
    assert "cannot be the name of a program" in problem


@pytest.mark.parametrize("name", ["cd", "export", "if", "[[", "time", "eval"])
def test_a_name_cannot_be_a_word_of_the_shell(name: str) -> None:
    assert len(problems({name: tool()["jq"]})) == 1


@pytest.mark.parametrize("name", ["jq", "duckdb", "g++", "python3.13", "_x", "7z", "test"])
def test_names_of_programs_are_accepted(name: str) -> None:
    assert dag({name: tool()["jq"]}).tools[0].name == name


def test_what_is_missing_or_too_much_is_said() -> None:
    assert problems({"jq": "https://example.com/jq"}) == ["expected a mapping with url and sha256"]
    assert problems([]) == ["expected a mapping of NAME: {url: ..., sha256: ...}"]
    assert problems({"jq": {"url": "https://example.com/jq"}}) == ["sha256 is required but missing"]
    assert "unknown key 'sha'" in problems(tool(sha=1))[0]
    assert problems({f"t{n}": tool()["jq"] for n in range(21)}) == [
        "21 tools; at most 20 are allowed"
    ]
