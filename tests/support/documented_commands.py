"""The commands that the documents tell people to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

_FENCE = re.compile(r"^ *```(sh|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\.venv/bin/)?python -m [^`]+|tests/\w+ [^`]+|\.ci/run)`")
_SEPARATORS = {"&&", "||", "|", ";", "&"}


def blocks(page: Path, language: str) -> list[str]:
    """The text of each fenced block of this language."""
    text = page.read_text(encoding="utf-8")
    return [body for found, body in _FENCE.findall(text) if found == language]


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each single command in shell blocks and inline code; `a && b` is two."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    for line in lines + _INLINE.findall(page.read_text(encoding="utf-8")):
        reader = shlex.shlex(line.strip(), posix=True, punctuation_chars="&|;")
        reader.whitespace_split = True
        words: list[str] = []
        for word in [*reader, ";"]:
            if word not in _SEPARATORS:
                words.append(word)
            elif words:
                yield words
                words = []


def sessions(page: Path) -> Iterator[tuple[str, str]]:
    """Each command of the console blocks, with here-documents, and the output shown below it."""
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            end = _end_of_command(part)
            yield part[:end].rstrip("\n"), part[end:]


def _end_of_command(part: str) -> int:
    heredoc = re.search(r"<<'(\w+)'\n.*?^\1\n", part, re.MULTILINE | re.DOTALL)
    return heredoc.end() if heredoc else part.index("\n") + 1
