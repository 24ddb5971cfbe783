"""What Lambda's sandbox refuses, refused here: `python -m tests.support.lambda_sandbox COMMAND...`.

The command runs without any capability, as a user who is not root would, and under a seccomp filter
that answers EPERM to `prctl`, whatever is asked. Lambda's own filter is not published; that it
refuses `prctl` is known from who tried: catboost/catboost#1606, ClickHouse/ClickHouse#53117,
hashicorp/terraform-exec#172, chromedp/chromedp#720.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 38, 24
_LAST_CAPABILITY = 40

_PRCTL = {"x86_64": 157, "aarch64": 167}
"""The number of the system call, by machine."""

_LOAD_NUMBER = struct.pack("HBBI", 0x20, 0, 0, 0)
_RETURN = 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def is_possible() -> bool:
    """Whether this machine can do it."""
    return sys.platform == "linux" and platform.machine() in _PRCTL


class _Program(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def enter() -> None:
    """Take on the restrictions; they cannot be lifted again. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.getuid() == 0:
        for capability in range(_LAST_CAPABILITY + 1):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # gone from the next exec on
    is_prctl = struct.pack("HBBI", 0x15, 0, 1, _PRCTL[platform.machine()])
    refuse = struct.pack("HBBI", _RETURN, 0, 0, _ERRNO | errno.EPERM)
    allow = struct.pack("HBBI", _RETURN, 0, 0, _ALLOW)
    steps = _LOAD_NUMBER + is_prctl + refuse + allow
    program = _Program(len(steps) // 8, steps)
    for call in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*call) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    enter()
    os.execvp(sys.argv[1], sys.argv[1:])
