"""What can be chosen when the system is deployed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Deployment:
    """`task_queues`: sizes of Lambda that are alike, each with a queue and an event source mapping;
    `provisioned_pollers` of each mapping, 0 for Lambda's own scaling; `concurrency` of commands,
    the account's quota less what is kept for the others."""

    claims: Literal["dynamodb", "s3"] = "dynamodb"
    task_mb: int = 384
    apply_mb: int = 1024
    apply_at_once: int = 2
    apply_batch: int = 10
    apply_window_s: float = 0.0
    task_queues: int = 1
    provisioned_pollers: int = 0
    concurrency: int = 990
    concurrent_sends: int = 1


NOW = Deployment()
"""As the installation has it unless told."""

OTHERS: dict[str, Deployment] = {
    "claims in S3, as before": replace(NOW, claims="s3"),
    "apply with 512 MB, as before": replace(NOW, apply_mb=512),
    "apply with 1,769 MB": replace(NOW, apply_mb=1769),
    "one apply at once": replace(NOW, apply_at_once=1),
    "a batch window of 1 s": replace(NOW, apply_window_s=1.0, apply_batch=100),
    "tasks with 1,769 MB": replace(NOW, task_mb=1769),
    "two alike sizes of Lambda": replace(NOW, task_queues=2),
    "four alike sizes of Lambda": replace(NOW, task_queues=4),
    "two provisioned pollers": replace(NOW, provisioned_pollers=2),
    "messages sent eight requests at once": replace(NOW, concurrent_sends=8),
}
"""One choice made differently, by what is different."""
