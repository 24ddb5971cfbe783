"""`queue`: creates, lists and deletes the queues of workers, and prints what a worker needs.

Each change can be repeated after any failure. A queue is known to the functions before it can be
missed, and forgotten by them before it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from chalicelib.config import PREFIX
from infra.aws import Aws
from infra.errors import Refused
from infra.functions import CLAIMS_ON_S3_UNTIL, WORKER_QUEUES, functions_of
from infra.names import Stage
from infra.output import Say
from infra.policies import Installation, policies
from infra.resources import claims, function_settings, stack, worker_queues
from infra.worker_policy import ANY_DAG, worker_policy, worker_settings


def create(aws: Aws, stage: Stage, name: str, dags: Sequence[str], say: Say) -> None:
    """Create a queue, let the functions use it, and print what its workers need."""
    worker_queues.check_name(name)
    outputs = stack.outputs_of(aws, stage.stack)
    say(f"[1/2] queue {stage.worker_queue(name)}")
    worker_queues.create(aws, stage, name, outputs["TasksDeadQueue"])
    say("[2/2] permissions and settings of the functions")
    installation = _announce(aws, stage, {*worker_queues.names(aws, stage), name}, say)
    for line in needs(installation, name, dags or [ANY_DAG]):
        say(line)


def needs(installation: Installation, name: str, dags: Sequence[str]) -> Iterator[str]:
    """Yields the policy and the settings of the queue's workers as lines of text."""
    yield "its workers need this IAM policy:"
    yield json.dumps(worker_policy(installation, name, dags), indent=2)
    yield "and these environment variables, besides their credentials:"
    for variable, value in worker_settings(installation).items():
        yield f"{variable}={value}"
    yield f"start one with `python -m chalicelib.worker --queue {name}`; see examples/worker"


def lines(aws: Aws, stage: Stage) -> Iterator[str]:
    """Yields a line for each worker queue."""
    found = worker_queues.names(aws, stage)
    for name in found:
        yield f"{name}: {worker_queues.backlog(aws, stage, name)} tasks waiting or running"
    if not found:
        yield f"no worker queues; `python -m infra queue create NAME --stage {stage.name}` adds one"


def delete(aws: Aws, stage: Stage, name: str, confirm: Callable[[str], bool], say: Say) -> None:
    """Delete a queue. Raises Refused unless it is empty or the user agrees."""
    worker_queues.check_name(name)
    backlog = worker_queues.backlog(aws, stage, name)
    question = f"Queue {name} holds {backlog} tasks, which count as lost when it is deleted."
    if backlog and not confirm(question):
        raise Refused("nothing was deleted")
    _announce(aws, stage, {*worker_queues.names(aws, stage)} - {name}, say)
    gone = worker_queues.delete(aws, stage, name)
    say(f"queue {name} was deleted" if gone else f"there was no queue {name}")


def _announce(aws: Aws, stage: Stage, names: set[str], say: Say) -> Installation:
    """Make these the queues that the functions know and may send to."""
    outputs = {
        **stack.outputs_of(aws, stage.stack),
        CLAIMS_ON_S3_UNTIL: claims.on_s3_until(aws, stage, datetime.now(UTC)),
        WORKER_QUEUES: ",".join(sorted(names)),
    }
    installation = Installation(stage, aws.location, outputs)
    iam = aws.client("iam")
    for name, document in policies(installation).items():
        role = stage.role(name)
        for held in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.put_role_policy(RoleName=role, PolicyName=held, PolicyDocument=json.dumps(document))
    variables = {f"{PREFIX}WORKER_QUEUES": outputs[WORKER_QUEUES]}
    for function in functions_of(outputs):
        function_settings.change_environment(aws, stage.function(function.name), variables, say)
    return installation
