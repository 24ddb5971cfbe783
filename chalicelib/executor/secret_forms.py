"""The texts in which a secret may be met: as it is, and as programs write it in JSON, URLs, shell
commands, HTML, base64 and hexadecimal. Pure.

Each form is a plain text that is searched for, so what cannot be listed is not known here: a secret
compressed, encrypted, hashed, in another character set, reversed, written digit by digit or with
separators (`6a:75`), escaped twice but in JSON, or cut to a piece of itself.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

LEAST_LINE = 8
"""A line of a longer secret is a secret by itself from this many characters on: hiding each `}` of
a key file would leave nothing to read."""
LEAST_ENCODED = 5
"""Bytes of the shortest secret that is known in base64 and hexadecimal, too: the code of a shorter
one is found in many other texts."""

_ESCAPED_BYTE = re.compile(r"%[0-9A-F]{2}")
_ESCAPED_UNIT = re.compile(r"\\u[0-9a-f]{4}")
# The safe characters of Python, of JavaScript's encodeURIComponent and encodeURI, and of none.
_URL_SAFE = ("/", "!'()*", ";,/?:@&=+$!'()*#", "")
_GO_ESCAPES = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
_BASH_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:./-]")
_BASH_NAMES = {
    "\a": r"\a",
    "\b": r"\b",
    "\t": r"\t",
    "\n": r"\n",
    "\v": r"\v",
    "\f": r"\f",
    "\r": r"\r",
    "\x1b": r"\E",
    "\\": "\\\\",
    "'": r"\'",
}


def forms(secret: str) -> set[str]:
    """Return all texts to hide for a secret, without blanks around it; none for mere blanks."""
    whole = secret.strip()
    if not whole:
        return set()
    texts = {whole, *_escaped(whole), *_encoded(whole.encode("utf-8", "surrogatepass"))}
    if secret != whole:  # the blanks are in the code, and in front they shift it
        texts |= {*_encoded(secret.encode("utf-8", "surrogatepass"))}
    lines = [line.strip() for line in whole.splitlines()]
    if len(lines) > 1:
        for line in lines:
            if len(line) >= LEAST_LINE:
                texts |= {line, *_escaped(line)}
    texts |= {form.replace("\r", "") for form in texts if "\r" in form}
    return {form for form in texts if form.strip()}


def _escaped(text: str) -> Iterator[str]:
    yield from _json(text)
    yield from _url(text)
    yield from _shell(text)
    yield repr(text)[1:-1]
    yield html.escape(text)
    yield html.escape(text, quote=False)


def _json(text: str) -> Iterator[str]:
    """Return the JSON forms: with and without escapes beyond ASCII, and as a text within JSON."""
    for is_ascii in (True, False):
        once = json.dumps(text, ensure_ascii=is_ascii)[1:-1]
        twice = json.dumps(once, ensure_ascii=is_ascii)[1:-1]
        for form in (once, once.replace("/", r"\/"), once.translate(_GO_ESCAPES), twice):
            yield form
            yield _ESCAPED_UNIT.sub(lambda unit: rf"\u{unit[0][2:].upper()}", form)


def _url(text: str) -> Iterator[str]:
    data = text.encode("utf-8", "surrogatepass")
    for form in (*(quote(data, safe=safe) for safe in _URL_SAFE), quote_plus(data)):
        yield form
        yield _ESCAPED_BYTE.sub(lambda byte: byte[0].lower(), form)


def _shell(text: str) -> Iterator[str]:
    """Return the shell's forms: of bash's `%q` and `@Q`, of Python's shlex, and within double
    quotes."""
    yield shlex.quote(text)[1:-1] if shlex.quote(text) != text else text
    yield text.replace("'", r"'\''")
    yield "".join(_backslashed(text, at) for at in range(len(text)))
    yield re.sub(r'(["\\$`])', r"\\\1", text)
    ansi = "".join(map(_ansi_c, text))
    yield ansi
    yield "".join(c if c.isascii() else _octal(c) for c in ansi)


def _backslashed(text: str, at: int) -> str:
    char = text[at]
    is_plain = _BASH_PLAIN.match(char) or not char.isascii()
    if char == "~":
        is_plain = at > 0 and text[at - 1] not in ":="
    elif char == "#":
        is_plain = at > 0
    return char if is_plain else f"\\{char}"


def _ansi_c(char: str) -> str:
    if char in _BASH_NAMES:
        return _BASH_NAMES[char]
    return _octal(char) if char < " " or char == "\x7f" else char


def _octal(char: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogatepass"))


def _encoded(data: bytes) -> Iterator[str]:
    if len(data) < LEAST_ENCODED:
        return
    yield data.hex()
    yield data.hex().upper()
    for before in range(3):
        for form in _base64(data, before):
            yield form
            yield form.replace("+", "-").replace("/", "_")


def _base64(data: bytes, before: int) -> Iterator[str]:
    """The letters of its code that depend on nothing else, with `before` bytes, counted by threes,
    in front of it: followed by something, and at the end of all."""
    code = base64.b64encode(bytes(before) + data).decode()
    first = -(-8 * before // 6)
    yield code[first : 8 * (before + len(data)) // 6]
    yield code[first:]
