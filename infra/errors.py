"""The errors that end a command."""

from __future__ import annotations


class InfraError(Exception):
    """An error whose text says what failed, why, and what to do; printed without a traceback."""


class StackFailed(InfraError):
    """A stack operation failed; the text lists the resources and reasons. `is_only_in_use`: every
    one of them is still in use elsewhere, so waiting may help."""

    def __init__(self, text: str, *, is_only_in_use: bool = False) -> None:
        super().__init__(text)
        self.is_only_in_use = is_only_in_use


class Refused(InfraError):
    """The command would destroy something that the user did not name or confirm."""
