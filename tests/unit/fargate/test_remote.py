"""The client of a command in the other container."""

from __future__ import annotations

import signal

import pytest

from chalicelib.fargate.remote import parse_ending


@pytest.mark.parametrize(
    ("code", "how", "ending"),
    [
        (127, "[1] + Done(143)                 \n", 143),  # dash forgets a job that it has listed
        (127, "[1] + Done                      \n", 0),
        (127, "[1] + Terminated                \n", signal.SIGTERM),
        (137, '[1]+  Killed       setsid sh "$folder/run"\n', signal.SIGKILL),
        (3, '[1]+  Done(3)      setsid sh "$folder/run"\n', 3),
        (139, "[1]+  Segmentation fault (core dumped) sh run\n", signal.SIGSEGV),
        (136, "[1]+  Arithmetic exception     sh run\n", signal.SIGFPE),  # musl
        (3, "[1] + Done (3)     setsid sh run\n", 3),
        (5, "", 5),
        (137, "[1] + what nobody knows\n", 137),
    ],
)
def test_an_ending_is_read_from_what_shells_say_of_jobs(
    code: int, how: str, ending: int | signal.Signals
) -> None:
    assert parse_ending(code, how) == ending
