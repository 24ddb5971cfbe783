"""The names of everything that belongs to a stage.

Names contain the stage, so that several stages can share an account. A stage's name has no hyphen,
because then names of two stages could coincide.

A stage's name is unique per account, not per region, because names of roles and buckets are. The
stack creates its buckets first, so a second use fails before it changes anything.
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
"""The first part of the API's path; API Gateway requires one."""

PROJECT = Path(__file__).parents[1]
"""The folder of `app.py`."""

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

    @property
    def fargate_stack(self) -> str:
        return f"{self.stack}-fargate"

    def place_stack(self, suffix: str) -> str:
        """Returns the name of a place's stack; `suffix` ends the name of its queue."""
        return f"{self.stack}-place-{suffix}".replace("_", "--")

    def function(self, short_name: str) -> str:
        """Returns the Lambda function's name. Chalice adds no suffix to the API's function."""
        return self.stack if short_name == API_FUNCTION else f"{self.stack}-{short_name}"

    def worker_queue(self, name: str) -> str:
        """Returns the SQS queue of the tasks that say `queue: NAME`; see `chalicelib.places`."""
        return f"{self.stack}-tasks-queue-{name}"

    def role(self, short_name: str) -> str:
        """Returns the name of the role that Chalice creates for a function."""
        return f"{self.stack}-{short_name}"

    def rule(self, short_name: str) -> str:
        """Returns the name of the EventBridge rule that Chalice creates for a schedule."""
        return f"{self.function(short_name)}-event"

    def policy_file(self, short_name: str) -> str:
        """Returns the file of a function's policy, relative to `.chalice`."""
        return f"policy-{self.name}-{short_name}.json"


@dataclass(frozen=True, slots=True)
class Location:
    """The partition, region and account of a stage."""

    partition: str
    region: str
    account: str

    @property
    def dns_suffix(self) -> str:
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def bucket_arn(self, name: str) -> str:
        return f"arn:{self.partition}:s3:::{name}"
