"""What this command says when it cannot go on."""

from __future__ import annotations


class InfraError(Exception):
    """The text names the thing, the reason and what to do; it is shown without a trace."""


class StackFailed(InfraError):
    """CloudFormation could not do it; the text names the resources and their reasons."""


class Refused(InfraError):
    """It could be done, but would destroy something that was not named."""
