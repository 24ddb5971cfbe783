"""Finds the DAG or the run that a word on the command line means."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from chalicelib.cli.client import ApiError, Client, part
from chalicelib.cli.failure import USAGE, CliFailure, nearest

CANDIDATES = 500
"""Ids looked through for a similar one, and offered to a shell that completes a word."""


def find_dag(client: Client, dag_id: str) -> dict[str, Any]:
    """The DAG with its definition. Raises CliFailure with the nearest id."""
    try:
        dag: dict[str, Any] = client.get(f"/api/dags/{part(dag_id)}")
    except ApiError as error:
        if error.status != 404:
            raise
        raise CliFailure(
            f"there is no DAG {dag_id!r}{nearest(dag_id, dag_ids(client))}", USAGE
        ) from error
    return dag


def find_run(client: Client, word: str) -> dict[str, Any]:
    """The run of this id, or the latest run of the DAG of this id, with its task instances. Raises
    CliFailure with the nearest id."""
    run = run_or_none(client, word)
    if run is not None:
        return run
    with contextlib.suppress(ApiError):
        latest = client.get(f"/api/dags/{part(word)}/runs", limit=1)["runs"]
        if not latest:
            raise CliFailure(f"the DAG {word!r} has no run yet", USAGE)
        run = run_or_none(client, latest[0]["run_id"])
        if run is not None:
            return run
    known = [*dag_ids(client), *run_ids(client)]
    raise CliFailure(f"there is no run or DAG {word!r}{nearest(word, known)}", USAGE)


def run_or_none(client: Client, run_id: str) -> dict[str, Any] | None:
    """The run with all its task instances; None if there is none."""
    path = f"/api/runs/{part(run_id)}"
    try:
        run: dict[str, Any] = client.get(path, limit=500)
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    while (cursor := run["next_cursor"]) is not None:
        page = client.get(path, limit=500, cursor=cursor)
        run["task_instances"] += page["task_instances"]
        run["next_cursor"] = page["next_cursor"]
    return run


def find_task(run: dict[str, Any], task_id: str, map_index: int | None) -> dict[str, Any]:
    """A task instance of the run. Raises CliFailure with the nearest id, or for a task that has
    several instances if none is named."""
    instances = [row for row in run["task_instances"] if row["task_id"] == task_id]
    if not instances:
        known = {row["task_id"] for row in run["task_instances"]}
        raise CliFailure(
            f"the run {run['run_id']} has no task {task_id!r}{nearest(task_id, known)}", USAGE
        )
    if map_index is None:
        if len(instances) > 1:
            last = max(row["map_index"] for row in instances)
            raise CliFailure(
                f"{task_id} has {len(instances)} instances: name one with --map-index 0 to {last}",
                USAGE,
            )
        instance: dict[str, Any] = instances[0]
        return instance
    for row in instances:
        if row["map_index"] == map_index:
            return row  # type: ignore[no-any-return]
    raise CliFailure(f"{task_id} has no instance {map_index}", USAGE)


def dag_ids(client: Client) -> list[str]:
    """Ids of the DAGs, as far as one look goes."""
    return [dag["dag_id"] for dag in client.items("/api/dags", "dags", limit=CANDIDATES)]


def run_ids(client: Client) -> list[str]:
    """Ids of the newest runs."""
    return [run["run_id"] for run in client.items("/api/runs", "runs", limit=CANDIDATES)]


Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _completing(known: Callable[[Client, dict[str, Any]], Iterable[str]]) -> Complete:
    """Completes a word with the names that `known` gives for what stands before it. What does not
    answer completes nothing."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        from chalicelib.cli.installation import connect

        given = ctx.params
        try:
            client = connect(given.get("url"), given.get("token"), given.get("profile"))
            names = dict.fromkeys(known(client, given))
        except CliFailure:
            return []
        return [name for name in names if name.startswith(incomplete)]

    return complete


def _task_ids(client: Client, given: dict[str, Any]) -> Iterator[str]:
    run = find_run(client, given.get("run") or given.get("name") or "")
    taken = given.get("tasks") or ()
    yield from (row["task_id"] for row in run["task_instances"] if row["task_id"] not in taken)


def _artifacts(client: Client, given: dict[str, Any]) -> Iterator[str]:
    run = find_run(client, given.get("run") or "")
    path = f"/api/runs/{part(run['run_id'])}/artifacts"
    rows = client.items(path, "artifacts", limit=CANDIDATES, task_id=given.get("task"))
    yield from (row["name"] for row in rows)


def _dag_files(client: Client, given: dict[str, Any]) -> Iterator[str]:
    path = f"/api/dags/{part(given.get('dag') or '')}/files"
    rows = client.items(path, "files", limit=CANDIDATES, version=given.get("version"))
    yield from (row["path"] for row in rows)


def _tags(client: Client, _: dict[str, Any]) -> Iterator[str]:
    yield from (tag["tag"] for tag in client.items("/api/tags", "tags", limit=CANDIDATES))


def _pools(client: Client, _: dict[str, Any]) -> Iterator[str]:
    yield from (pool["name"] for pool in client.items("/api/pools", "pools", limit=CANDIDATES))


def _tokens(client: Client, _: dict[str, Any]) -> Iterator[str]:
    yield from (row["name"] for row in client.get("/api/tokens")["tokens"] if not row["revoked_at"])


complete_dag = _completing(lambda client, _: dag_ids(client))
complete_run = _completing(lambda client, _: [*dag_ids(client), *run_ids(client)])
"""Of a run, or of a DAG, which stands for its latest run."""
complete_task = _completing(_task_ids)
"""Of the run or DAG before it."""
complete_artifact = _completing(_artifacts)
complete_dag_file = _completing(_dag_files)
complete_pool = _completing(_pools)
complete_token = _completing(_tokens)
complete_tag = _completing(_tags)
