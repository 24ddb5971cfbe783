"""The types of parameters and body fields: parsing from text and from JSON, and their schemas.

`from_text` and `from_json` raise ValueError with what is expected, to follow "must be".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from chalicelib.utils.time import parse_iso

_DIGITS = re.compile(r"-?[0-9]{1,18}")
_KEY = re.compile(r"[0-9]{1,18}")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)

Schema = dict[str, Any]


class ParamType(Protocol):
    """A type of values. `schema` is JSON Schema 2020-12."""

    def from_text(self, text: str) -> Any: ...
    def from_json(self, value: Any) -> Any: ...
    def schema(self) -> Schema: ...


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int

    def from_text(self, text: str) -> int:
        if not _DIGITS.fullmatch(text):
            raise ValueError(self._expected)
        return self.from_json(int(text))

    def from_json(self, value: Any) -> int:
        if type(value) is not int or not self.low <= value <= self.high:
            raise ValueError(self._expected)
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    @property
    def _expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""

    def from_text(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("true or false")
        return text == "true"

    def from_json(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Text:
    """A string of 1 to `longest` characters that matches `pattern`, which `meaning` describes."""

    longest: int
    pattern: str = ""
    meaning: str = "text"

    def from_text(self, text: str) -> str:
        if not 1 <= len(text) <= self.longest or not _is_unicode(text):
            raise ValueError(self._expected)
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise ValueError(self._expected)
        return text

    def from_json(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(self._expected)
        return self.from_text(value)

    def schema(self) -> Schema:
        schema: Schema = {"type": "string", "minLength": 1, "maxLength": self.longest}
        return {**schema, "pattern": f"^{self.pattern}$"} if self.pattern else schema

    @property
    def _expected(self) -> str:
        return f"{self.meaning}, 1 to {self.longest} characters"


@dataclass(frozen=True, slots=True)
class Choice:
    """A word of a closed set."""

    words: tuple[str, ...]

    def from_text(self, text: str) -> str:
        if text not in self.words:
            raise ValueError(f"one of {', '.join(self.words)}")
        return text

    def from_json(self, value: Any) -> str:
        return self.from_text(value if isinstance(value, str) else "")

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class DateTime:
    """A date and time with an offset."""

    def from_text(self, text: str) -> datetime:
        try:
            time = parse_iso(text)
        except ValueError:
            raise ValueError(self._expected) from None
        # Years that run_ids and shell commands can represent.
        if not _EARLIEST <= time < _LATEST:
            raise ValueError(self._expected)
        return time

    def from_json(self, value: Any) -> datetime:
        return self.from_text(value if isinstance(value, str) else "")

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}

    @property
    def _expected(self) -> str:
        return "a time from 1970 to 2999 with an offset, such as 2026-11-23T10:00:00Z"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page of the list `of` starts: opaque to clients, a database key here. A cursor
    of another list is refused."""

    of: str
    is_text: bool = False

    def from_text(self, text: str) -> int | str:
        name, separator, key = self._decoded(text).partition(":")
        if not separator or name != self.of:
            raise ValueError(self._expected)
        if self.is_text:
            return key
        if not _KEY.fullmatch(key):
            raise ValueError(self._expected)
        return int(key)

    def from_json(self, value: Any) -> int | str:
        return self.from_text(value if isinstance(value, str) else "")

    def encode(self, key: int | str | None) -> str | None:
        """The value of `next_cursor`; None on the last page."""
        if key is None:
            return None
        return base64.urlsafe_b64encode(f"{self.of}:{key}".encode()).decode().rstrip("=")

    def schema(self) -> Schema:
        return {"type": "string"}

    def _decoded(self, text: str) -> str:
        padded = text + "=" * (-len(text) % 4)
        try:
            return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            raise ValueError(self._expected) from None

    @property
    def _expected(self) -> str:
        return (
            "the next_cursor of the previous page of this list; omit it to start at the beginning"
        )


@dataclass(frozen=True, slots=True)
class ListOf:
    """A JSON list of 1 to `most` values; not for use in URLs."""

    item: ParamType
    most: int

    def from_text(self, text: str) -> list[Any]:  # noqa: ARG002 - never valid
        raise ValueError(self._expected)

    def from_json(self, value: Any) -> list[Any]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise ValueError(self._expected)
        try:
            return [self.item.from_json(item) for item in value]
        except ValueError as error:
            raise ValueError(f"{self._expected}, each {error}") from None

    def schema(self) -> Schema:
        items = self.item.schema()
        return {"type": "array", "items": items, "minItems": 1, "maxItems": self.most}

    @property
    def _expected(self) -> str:
        return f"a list of 1 to {self.most} items"


@dataclass(frozen=True, slots=True)
class Object:
    """A JSON object with any values that can be stored; not for use in URLs."""

    def from_text(self, text: str) -> dict[str, Any]:  # noqa: ARG002 - never valid
        raise ValueError(self._expected)

    def from_json(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(self._expected)
        try:
            # Refuses half of a surrogate pair, and 1e999, which Python reads as infinity.
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except ValueError:
            raise ValueError(self._expected) from None
        return value

    def schema(self) -> Schema:
        return {"type": "object"}

    @property
    def _expected(self) -> str:
        return "a JSON object with valid Unicode and numbers within range"


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value of another type, or null."""

    inner: ParamType

    def from_text(self, text: str) -> Any:
        return self.inner.from_text(text)

    def from_json(self, value: Any) -> Any:
        try:
            return None if value is None else self.inner.from_json(value)
        except ValueError as error:
            raise ValueError(f"{error}, or null") from None

    def schema(self) -> Schema:
        return or_null(self.inner.schema())


def or_null(schema: Schema) -> Schema:
    """`schema`, extended to accept null."""
    if isinstance(schema["type"], list):
        return schema
    extended = {**schema, "type": [schema["type"], "null"]}
    return {**extended, "enum": [*schema["enum"], None]} if "enum" in schema else extended


def _is_unicode(text: str) -> bool:
    """False for half of a surrogate pair, which JSON may contain and nothing can store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
