"""The reader of `tools`: programs by their URL and SHA-256."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from chalicelib.dag.constraints import (
    MAX_ID_LENGTH,
    MAX_LINE_LENGTH,
    MAX_TOOL_URL_LENGTH,
    MAX_TOOLS,
    SHA256,
    TOOL_NAME,
)
from chalicelib.dag.language.fields.field import Kind
from chalicelib.dag.language.fields.table import TOOL_FIELDS
from chalicelib.dag.language.mappings import FieldMapping, Readers, read_mapping
from chalicelib.dag.language.yaml_nodes import Mapping, Scalar
from chalicelib.dag.language.yaml_value import YamlValue, refuse_template
from chalicelib.dag.model import Tool
from chalicelib.dag.problems import quote
from chalicelib.dag.shell.shell_names import KEYWORDS, SHELL_COMMANDS

_ARCHIVE = re.compile(r"\.(?:tar\.gz|tgz|zip)$", re.IGNORECASE)
_OTHER_ARCHIVE = re.compile(
    r"\.(?:tar(?:\.[a-z0-9]+)?|t[bx]z2?|gz|bz2|xz|zst|7z|rar|deb|rpm|apk|dmg)$", re.IGNORECASE
)
_HTTPS = re.compile(
    r"https://(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(?::[0-9]{1,5})?(?P<path>/[^\s?#]*)?(?:[?#]\S*)?"
)
_OBJECT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?P<path>[^\x00-\x1f]*[^/\x00-\x1f])")
_SECURE = "write an https:// or s3:// URL"


def read_tools(value: YamlValue) -> tuple[Tool, ...]:
    if not isinstance(value.node, Mapping):
        value.problem("expected a mapping of NAME: {url: ..., sha256: ...}")
        return ()
    pairs = value.node.pairs
    if len(pairs) > MAX_TOOLS:
        value.problem(f"{len(pairs)} tools; at most {MAX_TOOLS} are allowed")
    tools: list[Tool] = []
    for key, node in pairs[:MAX_TOOLS]:
        step = f".{key.text}"
        _check_name(value.at(key, step), key.text)
        tool = _tool(key.text, value.at(node, step))
        tools += [tool] if tool else []
    return tuple(tools)


def _check_name(key: YamlValue, name: str) -> None:
    if len(name) > MAX_ID_LENGTH or not TOOL_NAME.fullmatch(name):
        key.problem(
            f"{quote(name)} cannot be the name of a program: use letters, digits, _, -, + and ., "
            "and begin with a letter, a digit or _"
        )
    elif name in KEYWORDS | SHELL_COMMANDS:
        key.problem(f"{quote(name)} is a word of the shell itself: choose another name")


def _tool(name: str, value: YamlValue) -> Tool | None:
    if not isinstance(value.node, Mapping):
        value.problem("expected a mapping with url and sha256")
        return None
    mapping = read_mapping(value.node, TOOL_FIELDS, value.path, value.report, _READERS)
    url, sha256 = mapping.values["url"], mapping.values["sha256"]
    if url is None or sha256 is None:
        return None
    _check_path(mapping, url)
    return Tool(name, url, sha256.lower(), mapping.values["path"])


def _check_path(mapping: FieldMapping, url: str) -> None:
    """Report a URL whose ending does not go with what is said of `path`."""
    found = _HTTPS.fullmatch(url) or _OBJECT.fullmatch(url)
    suffix = "".join(PurePosixPath(found["path"] or "" if found else "").suffixes[-2:])
    if _OTHER_ARCHIVE.search(suffix) and not _ARCHIVE.search(suffix):
        mapping.problem("url", "an archive must be a .tar.gz or a .zip")
    elif _ARCHIVE.search(suffix) and not mapping.values["path"] and "path" not in mapping.written:
        mapping.problem(
            "url", "this is an archive: add path, which says where the program is in it"
        )


def _url(value: YamlValue) -> str | None:
    text = value.text("a URL")
    if text is None or refuse_template(value, text, "write the URL itself"):
        return None
    if len(text) > MAX_TOOL_URL_LENGTH:
        value.problem(f"a tool's URL has at most {MAX_TOOL_URL_LENGTH} characters")
    elif problem := _problem_of(text):
        value.problem(problem)
    else:
        return text
    return None


def _problem_of(url: str) -> str:
    authority = url.partition("://")[2].partition("/")[0]
    if _HTTPS.fullmatch(url) or _OBJECT.fullmatch(url):
        return ""
    if url.startswith("http://"):
        return f"anyone on the way can change what is fetched without HTTPS: {_SECURE}"
    if url.startswith("s3://"):
        return f"{quote(url)} names no object: write s3://bucket/key"
    if url.startswith("https://") and "@" in authority:
        return "the URL cannot hold a user or password, which everyone who sees the DAG could read"
    return f"{quote(url)} is not a URL that can be fetched: {_SECURE}"


def _sha256(value: YamlValue) -> str | None:
    is_text = isinstance(value.node, Scalar) and not value.node.is_null
    text = value.text("64 hexadecimal digits") if is_text else None
    if text is not None and SHA256.fullmatch(text):
        return text
    value.problem(
        "a SHA-256 has 64 hexadecimal digits: print it with curl -sL URL | sha256sum, and compare "
        "it with the one that the tool's authors publish"
    )
    return None


def _path(value: YamlValue) -> str | None:
    text = value.text("a path within the archive")
    if text is None or refuse_template(value, text, "write the path itself"):
        return None
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or len(text) > MAX_LINE_LENGTH:
        value.problem(
            f"{quote(text)} is not a path within the archive: write it as the archive lists it, "
            "such as bin/jq"
        )
        return None
    return str(path)


_READERS: Readers = {Kind.URL: _url, Kind.SHA256: _sha256, Kind.PATH: _path}
