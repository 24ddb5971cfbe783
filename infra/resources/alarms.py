"""Turns the actions of the stage's alarms on and off."""

from __future__ import annotations

from infra.aws import Aws
from infra.names import Stage


def enable_alarm_actions(aws: Aws, stage: Stage) -> None:
    """Let the alarms notify, once the functions are installed."""
    names = _names(aws, stage)
    if names:
        aws.client("cloudwatch").enable_alarm_actions(AlarmNames=names)


def disable_alarm_actions(aws: Aws, stage: Stage) -> None:
    """Silence the alarms before the functions are removed: a missing tick is then expected."""
    names = _names(aws, stage)
    if names:
        aws.client("cloudwatch").disable_alarm_actions(AlarmNames=names)


def _names(aws: Aws, stage: Stage) -> list[str]:
    paginator = aws.client("cloudwatch").get_paginator("describe_alarms")
    pages = paginator.paginate(AlarmNamePrefix=f"{stage.stack}-")
    return [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]
