"""Odd entries in the folder of a running local cloud: the API names each, the others run."""

from __future__ import annotations

import os
from pathlib import Path

from tests.acceptance.local_cloud import LocalCloud
from tests.support.waiting import eventually

GOOD = "name: {0}\ntasks: [{{id: a, command: 'true'}}]\n"


def errors(cloud: LocalCloud) -> dict[str, str]:
    rows = cloud.get("/import_errors?limit=500")["import_errors"]
    return {row["file_key"]: row["problems"][0]["message"] for row in rows}


def test_each_is_an_import_error_until_it_is_put_right(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path)
    (cloud.dags_dir / "a.yaml").write_text(GOOD.format("first"))
    latin = os.fsencode(cloud.dags_dir) + b"/pr\xfcfung.yaml"
    Path(os.fsdecode(latin)).write_text("x")
    os.mkfifo(cloud.dags_dir / "pipe.yaml")
    with cloud.running():
        eventually(lambda: cloud.dag_ids() == ["first"])
        eventually(lambda: set(errors(cloud)) == {"pr\\xfcfung.yaml", "pipe.yaml"})
        assert "not UTF-8" in errors(cloud)["pr\\xfcfung.yaml"]
        assert "a named pipe" in errors(cloud)["pipe.yaml"]
        (cloud.dags_dir / "z.yaml").write_text(GOOD.format("last"))
        eventually(lambda: cloud.dag_ids() == ["first", "last"])
        # A file that registered its DAG before keeps it.
        (cloud.dags_dir / "z.yaml").unlink()
        (cloud.dags_dir / "z.yaml").symlink_to("nothing")
        eventually(lambda: "z.yaml" in errors(cloud))
        assert cloud.dag_ids() == ["first", "last"]
        for name in ("pipe.yaml", "z.yaml"):
            (cloud.dags_dir / name).unlink()
        Path(os.fsdecode(latin)).unlink()
        (cloud.dags_dir / "pipe.yaml").write_text(GOOD.format("piped"))
        eventually(lambda: cloud.dag_ids() == ["first", "piped"])
        eventually(lambda: errors(cloud) == {})
    assert "Traceback" not in cloud.said()
