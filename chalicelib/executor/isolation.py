"""Uses Landlock to keep concurrent commands from reading each other's environment.

Locally all commands run as the user who started the cloud, and the system lets a user's processes
read each other's `/proc/PID/environ` and memory, and so the secrets in them. A process within a
Landlock domain can look into those of its own domain only. A domain belongs to a thread and what it
starts, so each command is started by a thread of its own. What root may, no domain takes away:
commands that run as root can read everything.

On Lambda commands run one at a time, and the executor is closed to them in another way (`sandbox`).
"""

from __future__ import annotations

import ctypes
import logging
import os
import struct
import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from chalicelib.utils.lambda_env import is_lambda

log = logging.getLogger("orchestrator.executor")

T = TypeVar("T")

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""System call numbers are the same on every architecture since Linux 5.1."""
_VERSION_FLAG = 1
_LEAST_VERSION = 6
"""The version of Linux 6.12. Earlier ones cannot make a domain without restricting file access."""
_SCOPE_ABSTRACT_UNIX_SOCKET = 1
"""A domain must forbid something. This is what commands miss least: to reach, by a name that is no
file, a socket of a process outside."""
_PR_SET_NO_NEW_PRIVS = 38


@cache
def is_possible() -> bool:
    """Whether this system has what it takes, and this user is not root."""
    if is_lambda(os.environ) or os.geteuid() == 0:
        return False
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG) >= _LEAST_VERSION
    except (OSError, AttributeError):
        return False


def apart(start: Callable[[], T]) -> T:
    """Call `start`; the processes that it starts are in a domain of their own where `is_possible`.
    Raises what it raises."""
    if not is_possible():
        return start()
    started: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            _enter_domain()
        except OSError as error:
            log.warning("commands can read each other's environment: %s", error)
        try:
            started.append(start())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return started[0]


def _enter_domain() -> None:
    """Restrict this thread alone. Raises OSError."""
    rules = struct.pack("=QQQ", 0, 0, _SCOPE_ABSTRACT_UNIX_SOCKET)
    ruleset = _call(_CREATE_RULESET, rules, len(rules), 0)
    try:
        # The system asks it of all but administrators: there is no `sudo`, as on Lambda.
        if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs was refused")
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: bytes | int | None) -> int:
    as_longs = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    answer = int(_libc().syscall(ctypes.c_long(number), *as_longs))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
