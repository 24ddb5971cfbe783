"""Artifacts of runs: lists, download links, previews."""

from __future__ import annotations

from datetime import timedelta

from chalicelib import bootstrap
from chalicelib.database.reads import artifacts, runs
from chalicelib.database.reads.artifacts import StoredObject
from chalicelib.errors import OrchestratorError
from chalicelib.web.artifact_previews import preview
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.list_responses import ArtifactList
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import ArtifactDownload, ArtifactPreview, extend

LINK_SECONDS = 300


def list_artifacts(call: Call) -> ArtifactList:
    run_id, query = call.path["run_id"], call.query
    with read_transaction() as tx:
        page = artifacts.list_artifacts(
            tx,
            run_id,
            limit=query["limit"],
            after=query["cursor"],
            task_id=query["task_id"],
            map_index=query["map_index"],
        )
        run = None if page.items else runs.run(tx, run_id)
    if not page.items:
        require(run, "run", run_id, "/api/runs")
    return list_response(ArtifactList, page, Cursor("artifacts", is_text=True))


def get_artifact(call: Call) -> ArtifactDownload:
    stored = _stored(call)
    world = bootstrap.ports()
    if world.download_links is None:
        raise OrchestratorError("this installation makes no download links")
    expires_at = world.now() + timedelta(seconds=LINK_SECONDS)
    url = world.download_links().link(stored.key, _download_name(stored), LINK_SECONDS)
    is_beside_the_api = url.startswith("/")
    url = f"{call.origin}{call.base}{url}" if is_beside_the_api else url
    return extend(ArtifactDownload, stored.artifact, url=url, expires_at=expires_at)


def preview_artifact(call: Call) -> ArtifactPreview:
    return preview(bootstrap.scheduler().runs, _stored(call))


def _stored(call: Call) -> StoredObject:
    path, map_index = call.path, call.query["map_index"]
    run_id, task_id, name = path["run_id"], path["task_id"], path["artifact"]
    with read_transaction() as tx:
        stored = artifacts.find(tx, run_id, task_id, map_index, name)
    copy = f", map index {map_index}," if map_index >= 0 else ""
    what = f"artifact of task {task_id!r}{copy} called"
    return require(stored, what, name, f"/api/runs/{run_id}/artifacts")


def _download_name(stored: StoredObject) -> str:
    name = stored.artifact.file_name
    return f"{name}.tar" if stored.artifact.is_folder else name
