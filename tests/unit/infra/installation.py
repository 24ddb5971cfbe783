"""An installation that exists on paper."""

from __future__ import annotations

from infra.names import Location, Stage
from infra.policies import Installation

LOCATION = Location("aws", "eu-central-1", "111122223333")

OUTPUTS = {
    "Network": "endpoint",
    "SubnetIds": "subnet-a,subnet-b",
    "SecurityGroupId": "sg-1",
    "FileSystemArn": LOCATION.arn("elasticfilesystem", "file-system/fs-1"),
    "AccessPointArn": LOCATION.arn("elasticfilesystem", "access-point/fsap-1"),
    "DagsBucket": "orchestrator-prod-111122223333-dags",
    "RunsBucket": "orchestrator-prod-111122223333-runs",
    "BackupsBucket": "orchestrator-prod-111122223333-backups",
    "TasksQueue": "orchestrator-prod-tasks",
    "TasksDeadQueue": "orchestrator-prod-tasks-dead",
    "ResultsQueue": "orchestrator-prod-results",
    "ResultsDeadQueue": "orchestrator-prod-results-dead",
    "ClaimsTable": "orchestrator-prod-claims",
    "TaskRoleArn": LOCATION.role_arn("orchestrator-prod-task"),
    "RetentionDays": "90",
    "TaskLayers": "none",
    "TaskMemory": "384",
    "Auth": "token",
    "Python": "3.13",
    "Architecture": "x86_64",
}

PROD = Installation(Stage("prod"), LOCATION, OUTPUTS)
