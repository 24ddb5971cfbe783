"""Parses YAML into a tree of nodes that know their line and column.

Scalars stay text: the field that a scalar belongs to decides whether it is a number or a name that
looks like one (`id: on`, `owner: no`, `1.10`). Tags, duplicate keys, further documents, endless
aliases and excessive depth are problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml
from yaml import events as ev
from yaml.reader import Reader

from chalicelib.dag.problems import Report, quote

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 100_000
"""The most nodes in a tree, with its aliases expanded."""

_OPENING = "{{"
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fast loader if PyYAML was built with libyaml, else the one in Python."""


@dataclass(frozen=True, slots=True)
class Position:
    """A line and a column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node(Position):
    """A node. `size` counts it and the nodes below, and an alias as often as it is used."""

    size: int

    @property
    def is_null(self) -> bool:
        """Whether the node is an empty value or a plain null."""
        return False


@dataclass(frozen=True, slots=True)
class Scalar(Node):
    """A scalar: its `text` without quotation marks, and `is_plain` if it had none.

    `openings` are the positions of every `{{`, in order, or empty if escapes hide them. `start` is
    the position of the first character, if the lines of the text are those of the file.
    """

    text: str
    is_plain: bool
    openings: tuple[Position, ...] = ()
    start: Position | None = None

    @property
    def is_null(self) -> bool:
        return self.is_plain and self.text in _NULLS

    def place_of(self, offset: int) -> Position:
        """Return the position of a character of the text, or of the node if that is not known."""
        if self.start is None:
            return self
        before = self.text[:offset]
        column = len(before) - (before.rfind("\n") + 1)
        return Position(self.start.line + before.count("\n"), self.start.column + column)


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping(Node):
    pairs: tuple[tuple[Scalar, Node], ...]


class _Stop(Exception):
    """A reported problem makes the rest of the file unreadable."""


def compose(source: bytes, report: Report, *, loader: Any = LOADER) -> Node | None:
    """Return the root of the document, or None if it cannot be read at all.

    Every problem goes to `report`; nothing is raised.
    """
    text = _decode(source, report)
    if text is None:
        return None
    composer = _Composer(yaml.parse(text, Loader=loader), text, report)
    try:
        return composer.document()
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        what = f"{error.problem or error.context}{_hint(text, place)}"
        report.add(place, "", f"this is not YAML: {what}")
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # In the pure Python scanner, chr() fails on an escape such as "\UFFFFFFFF".
        report.add(Position(1, 1), "", f"this is not YAML: {quote(str(error))}")
    return None


def _decode(source: bytes, report: Report) -> str | None:
    if len(source) > MAX_BYTES:
        report.add(
            Position(1, 1),
            "",
            f"the file is larger than {MAX_BYTES} bytes, which is the limit",
        )
        return None
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(source[: error.start].decode("utf-8-sig", "replace"))
        report.add(place, "", "this byte is not UTF-8: save the file as UTF-8")
        return None
    if odd := Reader.NON_PRINTABLE.search(text):
        place = _place_of(text[: odd.start()])
        report.add(place, "", f"the character U+{ord(odd[0]):04X} is not allowed in YAML")
        return None
    return text


def _place_of(before: str) -> Position:
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


_HINTS = {
    "@": "; text that begins with @ needs quotation marks",
    "`": "; text that begins with ` needs quotation marks",
    "%": "; text that begins with % needs quotation marks",
    "*": "; text that begins with * needs quotation marks",
    "\t": "; indent with spaces, not with tabs",
    ":": "; text that contains a colon and a space needs quotation marks",
}


def _hint(text: str, place: Position) -> str:
    """Return a hint about the character at which the scanner stopped, or the one before."""
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    at, before = line[place.column - 1 : place.column], line[: place.column - 1][-1:]
    return _HINTS.get(at) or (_HINTS["*"] if before == "*" else "")


class _Composer:
    """Builds the tree from the events of a YAML parser."""

    def __init__(self, events: Iterator[ev.Event], text: str, report: Report) -> None:
        self._events = events
        self._text = text
        self._report = report
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def document(self) -> Node | None:
        next(self._events)  # the start of the stream
        start = next(self._events)
        if isinstance(start, ev.StreamEndEvent):
            self._stop(Position(1, 1), "the file is empty: it needs at least a name and tasks")
        root = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        more = next(self._events)
        if not isinstance(more, ev.StreamEndEvent):
            self._stop(_place(more), "a second document begins here: one file holds one DAG")
        return root

    def _node(self, event: ev.Event, depth: int) -> Node:
        place = _place(event)
        if isinstance(event, ev.AliasEvent):
            return self._count(self._alias(str(event.anchor), place), place)
        assert isinstance(event, ev.NodeEvent)
        self._check(event, place, depth)
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._build(event, place, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _check(self, event: ev.NodeEvent, place: Position, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._stop(place, f"this is nested more than {MAX_DEPTH} levels deep")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._report.add(place, "", f"the tag {quote(tag)} is not allowed: remove it")

    def _build(self, event: ev.NodeEvent, place: Position, depth: int) -> Node:
        if isinstance(event, ev.ScalarEvent):
            plain = event.style in (None, "")
            openings = self._openings(event) if _OPENING in event.value else ()
            start = self._start(event)
            node: Node = Scalar(place.line, place.column, 1, event.value, plain, openings, start)
            return self._count(node, place)
        self._nodes += 1
        if isinstance(event, ev.SequenceStartEvent):
            items = tuple(self._children(depth))
            return Sequence(place.line, place.column, _size(items), items)
        pairs = self._pairs(list(self._children(depth)))
        return Mapping(place.line, place.column, _size([v for _, v in pairs]), tuple(pairs))

    def _openings(self, event: ev.ScalarEvent) -> tuple[Position, ...]:
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return ()
        written = self._text[start.index : end.index]
        if written.count(_OPENING) != event.value.count(_OPENING):
            return ()
        return tuple(opening_places(written, Position(start.line + 1, start.column + 1)))

    def _start(self, event: ev.ScalarEvent) -> Position | None:
        """Return where the text begins, if the file contains it literally, line by line."""
        mark, end = event.start_mark, event.end_mark
        if mark is None or end is None:
            return None
        if event.style == "|":
            return self._start_of_block(event.value, mark, end)
        marks = 0 if event.style in (None, "") else 1
        if self._text[mark.index + marks : end.index - marks] != event.value:
            return None
        is_one_line = "\n" not in event.value
        return Position(mark.line + 1, mark.column + 1 + marks) if is_one_line else None

    def _start_of_block(self, value: str, mark: Any, end: Any) -> Position | None:
        written = _LINE_END.split(self._text[mark.index : end.index])[1:]
        for line, text in zip(written, value.split("\n"), strict=False):
            if text:
                is_indented = line.endswith(text) and not line.removesuffix(text).strip(" ")
                return Position(mark.line + 2, len(line) - len(text) + 1) if is_indented else None
        return None

    def _children(self, depth: int) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, ev.CollectionEndEvent):
                return
            yield self._node(event, depth + 1)

    def _pairs(self, children: list[Node]) -> list[tuple[Scalar, Node]]:
        """Return the keys and values of a mapping, without duplicates; its own come before `<<`."""
        own: dict[str, tuple[Scalar, Node]] = {}
        merged: list[tuple[Scalar, Node]] = []
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._report.add(key, "", "a key must be a word, not a list or a mapping")
            elif key.is_plain and key.text == "<<":
                merged += self._merged(value)
            elif key.text in own:
                first = own[key.text][0].line
                message = f"duplicate key {quote(key.text)}; the first is on line {first}"
                self._report.add(key, "", message)
            else:
                own[key.text] = (key, value)
        for key, value in merged:
            own.setdefault(key.text, (key, value))
        return list(own.values())

    def _merged(self, value: Node) -> list[tuple[Scalar, Node]]:
        sources = value.items if isinstance(value, Sequence) else (value,)
        pairs: list[tuple[Scalar, Node]] = []
        for source in sources:
            if isinstance(source, Mapping):
                pairs += source.pairs
            else:
                self._report.add(value, "", "<< takes a mapping or a list of mappings")
        return pairs

    def _alias(self, anchor: str, place: Position) -> Node:
        if anchor not in self._anchors:
            self._stop(place, f"the anchor &{anchor} is not defined before this alias")
        node = self._anchors[anchor]
        if node is None:
            self._stop(place, f"the anchor &{anchor} contains itself")
        return node

    def _count(self, node: Node, place: Position) -> Node:
        self._nodes += node.size
        if self._nodes > MAX_NODES:
            self._stop(
                place, f"with its aliases expanded, the file has more than {MAX_NODES} values"
            )
        return node

    def _stop(self, place: Position, message: str) -> NoReturn:
        self._report.add(place, "", message)
        raise _Stop


def opening_places(written: str, start: Position) -> Iterator[Position]:
    """Yield the position of each `{{` in text that begins at `start`. Scans the text once."""
    line, column, read = start.line, start.column, 0
    at = written.find(_OPENING)
    while at >= 0:
        first, *rest = _LINE_END.split(written[read:at])
        line, column = (
            (line + len(rest), len(rest[-1]) + 1) if rest else (line, column + len(first))
        )
        yield Position(line, column)
        read = at
        at = written.find(_OPENING, at + len(_OPENING))


def _size(children: list[Node] | tuple[Node, ...]) -> int:
    return 1 + sum(child.size for child in children)


def _place(event: ev.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
