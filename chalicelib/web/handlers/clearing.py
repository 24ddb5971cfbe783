"""The response of every route that clears task instances."""

from __future__ import annotations

from chalicelib.scheduler.clearing import Cleared
from chalicelib.web.response_models import ClearedTask, ClearedTasks


def cleared_tasks(result: Cleared, *, dry_run: bool) -> ClearedTasks:
    choice = result.choice
    return ClearedTasks(
        dry_run=dry_run,
        run_on_latest_version=choice.is_latest,
        version=choice.version,
        run_version=result.run_version,
        latest_version=choice.latest,
        has_import_error=choice.is_broken,
        changes=choice.changes,
        task_instances=tuple(ClearedTask(*task) for task in result.tasks),
    )
