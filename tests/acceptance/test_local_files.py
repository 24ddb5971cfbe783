"""Files next to the YAML, from the folder and the bucket of the local cloud to a command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.local_cloud import LocalCloud
from tests.support.waiting import eventually

DAG = "name: {}\nfiles: [scripts/, 'sql/*.sql']\ntasks: [{{id: t, command: ./scripts/run it}}]\n"
RUN = '#!/bin/sh\ncat "sql/$1.sql"\n'


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("files"))
    write(cloud.dags_dir, "folder")
    with cloud.running():
        yield cloud


def write(folder: Path, name: str) -> None:
    for path, text in {
        "scripts/run": RUN,
        "sql/it.sql": "SELECT 1",
        "unwanted": "x",
        "d.yaml": DAG.format(name),
    }.items():
        target = folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def said(cloud: LocalCloud, dag_id: str) -> str:
    run_id = cloud.run(dag_id)
    eventually(lambda: cloud.has_ended(run_id))
    assert cloud.state(run_id) == "success", cloud.log(run_id, "t")
    return cloud.log(run_id, "t")


def test_the_folder_is_copied_with_what_its_dag_files_want(cloud: LocalCloud) -> None:
    eventually(lambda: "folder" in cloud.dag_ids())
    assert "SELECT 1" in said(cloud, "folder")
    keys = {
        row["Key"] for row in cloud.s3().list_objects_v2(Bucket="orchestrator-dags")["Contents"]
    }
    assert {"folder/scripts/run", "folder/sql/it.sql"} <= keys
    assert "folder/unwanted" not in keys
    (cloud.dags_dir / "folder/sql/it.sql").write_text("SELECT 2")
    eventually(lambda: cloud.get("/dags/folder")["version"] == 2)
    assert "SELECT 2" in said(cloud, "folder")


def test_a_dag_file_that_is_uploaded_before_its_files_heals_when_they_arrive(
    cloud: LocalCloud,
) -> None:
    cloud.upload("sync/d.yaml", DAG.format("synced"))

    def problems() -> list[str]:
        errors = {e["file_key"]: e for e in cloud.get("/import_errors")["import_errors"]}
        found = errors.get("sync/d.yaml", {"problems": []})["problems"]
        return [problem["message"] for problem in found]

    eventually(lambda: len(problems()) == 2)
    assert "'scripts/' stands for no file in the folder 'sync/' of the bucket" in problems()[0]
    cloud.upload("sync/scripts/run", RUN)
    cloud.upload("sync/sql/it.sql", "SELECT 3")
    eventually(lambda: "synced" in cloud.dag_ids())
    assert problems() == []
    assert "SELECT 3" in said(cloud, "synced")
