"""Files next to the YAML, from the folder and the bucket of the local cloud to a command. All the
files that a DAG may have: `SYNCED_FILES=1000 pytest tests/acceptance/test_local_files.py`."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.local_cloud import LocalCloud
from tests.support.waiting import eventually

DAG = "name: {}\nfiles: [scripts/, 'sql/*.sql']\ntasks: [{{id: t, command: ./scripts/run it}}]\n"
SYNCED_FILES = int(os.environ.get("SYNCED_FILES", "100"))
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


def test_many_files_in_any_order_say_what_is_missing_and_heal(cloud: LocalCloud) -> None:
    queries = range(SYNCED_FILES - 2)
    files = {f"large/queries/{number:04}.sql": f"SELECT {number}" for number in queries}
    dag_file = (
        "name: Large\nfiles: [queries/, 'lib/*.sh', count.sh]\n"
        "tasks: [{id: t, command: ./count.sh}]\n"
    )
    files["large/d.yaml"] = dag_file
    upload_in_any_order(cloud, files)
    eventually(lambda: missing(cloud) == ["count.sh", "lib/*.sh"])
    cloud.upload("large/count.sh", "#!/bin/sh\n. ./lib/names.sh\ncount\n")
    eventually(lambda: missing(cloud) == ["lib/*.sh"])
    cloud.upload("large/lib/names.sh", "count() { ls queries | wc -l; }")
    eventually(lambda: "large" in cloud.dag_ids())
    assert missing(cloud) == []
    assert said(cloud, "large").endswith(f"Z {len(queries)}\n")


def upload_in_any_order(cloud: LocalCloud, files: dict[str, str]) -> None:
    """As S3 reports what `aws s3 sync` uploads."""
    order, s3 = list(files), cloud.s3()
    random.Random(1).shuffle(order)
    for key in order:
        s3.put_object(Bucket="orchestrator-dags", Key=key, Body=files[key].encode())


def missing(cloud: LocalCloud) -> list[str]:
    """The patterns for which the bucket has no file, as the import error names them."""
    errors = {e["file_key"]: e for e in cloud.get("/import_errors")["import_errors"]}
    problems = errors.get("large/d.yaml", {"problems": []})["problems"]
    return sorted(problem["message"].split("'")[1] for problem in problems)
