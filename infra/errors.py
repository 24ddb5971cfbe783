"""What this command says when it cannot go on."""

from __future__ import annotations


class InfraError(Exception):
    """The text names the thing, the reason and what to do; it is shown without a trace."""


class StackFailed(InfraError):
    """CloudFormation could not do it; the text names the resources and their reasons.
    `is_only_in_use`: each of them is still used by something else, so waiting may help."""

    def __init__(self, text: str, *, is_only_in_use: bool = False) -> None:
        super().__init__(text)
        self.is_only_in_use = is_only_in_use


class Refused(InfraError):
    """It could be done, but would destroy something that was not named."""
