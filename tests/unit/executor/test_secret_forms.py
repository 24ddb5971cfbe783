"""A secret is hidden as programs write it, and what is cut off was masked before."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import shlex
import string
import subprocess
from collections.abc import Callable, Sequence
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.executor.masking import Mask, MaskedStream, _Reading
from tests.unit.executor.test_masking import logged

SECRETS = [
    "hunter2",
    "s3cr3t-Value!",
    "a b/c?d=e&f+g%h",
    'it\'s "quoted" \\ $HOME `id` ~#{},;<>|*[]^()',
    "Größe-Žluťoučký-秘密-🔑",
    "tab\there and\nsecond line of it",
    "<token>&amp;</token>",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
]
PEM = """-----BEGIN KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKc
+/=wggSjAgEAAoIBAQ
-----END KEY-----"""
_ESCAPE = re.compile("%[0-9A-F]{2}")

WRITERS: dict[str, Callable[[str], str]] = {
    "JSON": json.dumps,
    "JSON beyond ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", r"\/"),
    "JSON in JSON": lambda text: json.dumps({"a": json.dumps({"b": text})}),
    "a URL": lambda text: quote(text, safe=""),
    "a path of a URL": quote,
    "a form": quote_plus,
    "a query": lambda text: urlencode({"q": text}),
    "a URL in lower case": lambda text: _ESCAPE.sub(lambda e: e[0].lower(), quote(text, safe="")),
    "a shell word": shlex.quote,
    "HTML": html.escape,
    "Python": repr,
    "hexadecimal": lambda text: text.encode().hex(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "Basic": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "Basic of others": lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
    "base64 in its middle": lambda text: base64.b64encode(f"a{text}bcd".encode()).decode(),
    "base64 behind two": lambda text: base64.b64encode(f"ab{text}c".encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(f"{'x' * 50}{text}".encode()).decode(),
    "coloured": lambda text: "\x1b[1m".join([text[:2], text[2:4], text[4:]]) + "\x1b[0m",
    "with the cursor moved": lambda text: f"{text[:3]}\x1b[K{text[3:]}",
}


def runs(text: str) -> set[str]:
    """Return all pieces of eight characters of a text that are not blanks."""
    pieces = {text[at : at + 8] for at in range(len(text) - 7)}
    return {piece for piece in pieces if piece.strip()}


@pytest.mark.parametrize("secret", [*SECRETS, PEM])
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS.keys())
def test_a_secret_is_hidden_as_it_is_written(writer: Callable[[str], str], secret: str) -> None:
    written = writer(secret)
    assert "***" in Mask([secret]).hide(written)
    shown = logged([secret], f"before {written} behind\n".encode())
    assert "***" in shown
    plain = writer("") if "%" not in written else ""
    assert not (runs(secret) - runs(plain)) & runs(shown)


@pytest.mark.parametrize(
    "shown_by", ['printf "%q\\n" "$S"', 'echo "${S@Q}"', "declare -p S", "set", "export -p"]
)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_secret_is_hidden_as_bash_writes_it(shown_by: str, locale: str) -> None:
    pick = random.Random(7)
    letters = string.printable + "éß秘"
    secrets = [*SECRETS, *("x" + "".join(pick.choices(letters, k=12)) + "y" for _ in range(60))]
    for secret in secrets:
        done = subprocess.run(
            ["bash", "-c", shown_by],
            env={"S": secret, "LC_ALL": locale},
            capture_output=True,
            check=True,
        )
        text = done.stdout.decode("utf-8", "surrogateescape")
        if shown_by == "set":
            text = next(line for line in text.split("\n") if line.startswith("S="))
        assert "***" in Mask([secret]).hide(text), (secret, text)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=5, max_size=40).filter(str.strip),
    st.binary(max_size=40),
    st.binary(max_size=9),
)
@example("aaaaa", b"", b"")
def test_any_secret_is_hidden_in_the_base64_of_anything(
    secret: str, before: bytes, behind: bytes
) -> None:
    code = base64.b64encode(before + secret.strip().encode() + behind).decode()
    if len(secret.strip().encode()) >= 5:
        assert "***" in Mask([secret]).hide(code)


@pytest.mark.parametrize("size", [1, 3, 7, 40, 1000])
def test_base64_that_is_wrapped_is_hidden_however_it_arrives(size: int) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    code = base64.b64encode(secret.encode()).decode()
    data = base64.encodebytes(f"{'x' * 33}{secret}{'y' * 90}".encode())
    shown = logged([secret], *(data[at : at + size] for at in range(0, len(data), size)))
    assert "***" in shown
    assert not runs(base64.b64encode(secret[10:30].encode()).decode()[2:-4]) & runs(shown)
    assert code not in shown


def test_a_secret_that_is_part_of_another_one_does_not_uncover_it() -> None:
    written = b"\x1b[1ms3c\x1b[0mr3t-Value!"
    assert logged(["a", "s3cr3t-Value!"], written + b"\n") == "\x1b[1m***"


def test_a_short_secret_is_hidden_as_it_is_and_its_code_is_not() -> None:
    mask = Mask(["1234"])
    assert mask.hide("pin 1234") == "pin ***"
    assert mask.hide(base64.b64encode(b"1234").decode()) == "MTIzNA=="


def test_a_line_is_not_held_back_for_a_letter_with_which_a_secret_begins() -> None:
    stream = MaskedStream(Mask(["hunter2-hunter2-hunter2"]))
    assert stream.feed(b"with an h\n") == b"with an h\n"
    assert stream.feed(b"with hun") == b"with "


@pytest.mark.parametrize("secrets", [["hunter2-hunter2"], ["ab" * 40], [PEM]])
def test_a_line_of_a_megabyte_is_read_a_bounded_number_of_times(
    secrets: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    begin = _Reading.__init__

    def count(self: _Reading, data: bytes, ignored: object) -> None:
        nonlocal read
        read += len(data)
        begin(self, data, ignored)  # type: ignore[arg-type]

    monkeypatch.setattr(_Reading, "__init__", count)
    line = b"ab" * 500_000 + b"\x1b[1m\n"
    stream = MaskedStream(Mask(secrets))
    for at in range(0, len(line), 4096):
        stream.feed(line[at : at + 4096])
    stream.finish()
    assert read < 10 * len(line)
