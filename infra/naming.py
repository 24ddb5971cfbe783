"""The names of everything that belongs to one stage. They hold the stage, so that several stages
live side by side in one account. A stage's name has no hyphen: with one, the names of two stages
could be the same.

A stage's name is used once in an account, not once in a region: the names of roles and buckets know
no region. The stack claims the buckets first, so a second use fails before it changes anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from infra.errors import InfraError

APP = "orchestrator"
API_FUNCTION = "api_handler"
ADMIN_FUNCTION = "admin"
API_STAGE = "v1"
"""The first part of the API's path; API Gateway demands one."""

_STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Stage:
    """One installation: `Stage("prod").function("tick")` is `orchestrator-prod-tick`."""

    name: str

    def __post_init__(self) -> None:
        if not _STAGE.fullmatch(self.name):
            raise InfraError(
                f"--stage {self.name!r}: use at most 16 lower-case letters and digits,"
                " beginning with a letter"
            )

    @property
    def stack(self) -> str:
        return f"{APP}-{self.name}"

    @property
    def domain_stack(self) -> str:
        return f"{self.stack}-domain"

    def function(self, short_name: str) -> str:
        """Chalice gives the one behind the API no name of its own."""
        return self.stack if short_name == API_FUNCTION else f"{self.stack}-{short_name}"

    def role(self, short_name: str) -> str:
        """The role that Chalice makes for a function."""
        return f"{self.stack}-{short_name}"

    def rule(self, short_name: str) -> str:
        """The EventBridge rule that Chalice makes for a scheduled function."""
        return f"{self.function(short_name)}-event"

    def policy_file(self, short_name: str) -> str:
        """Relative to `.chalice`."""
        return f"policy-{self.name}-{short_name}.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the stage is installed."""

    partition: str
    region: str
    account: str

    @property
    def suffix(self) -> str:
        """The end of AWS's host names."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def bucket_arn(self, name: str) -> str:
        return f"arn:{self.partition}:s3:::{name}"


PROJECT = Path(__file__).parents[1]
