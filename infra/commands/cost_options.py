"""The options of `cost`: a workload and an installation."""

from __future__ import annotations

import argparse

from chalicelib.enums import PlaceKind
from infra import cost
from infra.commands.numbers import positive
from infra.runtime import MACHINES


def add(command: argparse.ArgumentParser) -> None:
    """Add the options of `cost` to its parser."""
    tasks = command.add_argument_group("workload")
    tasks.add_argument(
        "--tasks", type=positive(int), default=1_000_000, help="tasks per month (%(default)s)"
    )
    tasks.add_argument(
        "--seconds", type=positive(float), default=1.0, help="run time of a task (%(default)s)"
    )
    tasks.add_argument(
        "--memory", type=positive(int), default=384, help="MB of memory per task (%(default)s)"
    )
    tasks.add_argument(
        "--place",
        type=PlaceKind,
        choices=list(PlaceKind),
        default=PlaceKind.LAMBDA,
        help="where the tasks run (%(default)s)",
    )
    tasks.add_argument("--vcpu", type=positive(float), help="vCPUs per task on Fargate")
    tasks.add_argument(
        "--artifact-mb",
        type=positive(float),
        default=0.0,
        help="MB of artifacts that each task hands on to another (0: none are on the bill)",
    )
    tasks.add_argument(
        "--tab-hours",
        type=positive(float),
        default=160.0,
        help="hours per month for which a tab of the page is open and seen (%(default)s)",
    )
    stage = command.add_argument_group("installation")
    stage.add_argument("--network", choices=["endpoint", "ipv6"], default="endpoint")
    stage.add_argument("--architecture", choices=list(MACHINES), default="x86_64")


def load(options: argparse.Namespace) -> cost.Load:
    """Return the load that the options describe."""
    return cost.Load(
        options.tasks,
        options.seconds,
        options.memory,
        zones=1 if options.network == "endpoint" else 0,
        architecture=options.architecture,
        kind=options.place,
        vcpu=options.vcpu,
        artifact_mb=options.artifact_mb,
        tab_hours=options.tab_hours,
    )
