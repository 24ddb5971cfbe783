"""`chalice local` as a person uses it: files in, runs out, and still there after it was stopped."""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.acceptance.local_cloud import LocalCloud
from tests.support.waiting import HANG_SECONDS, eventually

HELLO = """
name: hello
tasks:
  - id: greet
    command: echo "hello from $TASK_ID"
  - id: answer
    command: echo "and back"
    dependencies: [greet]
"""


@pytest.fixture
def cloud(tmp_path: Path) -> LocalCloud:
    return LocalCloud(tmp_path)


def test_an_uploaded_file_runs_and_its_dag_run_and_log_outlive_a_restart(cloud: LocalCloud) -> None:
    with cloud.running():
        cloud.upload("team/hello.yaml", HELLO)
        eventually(lambda: "hello" in cloud.dag_ids())
        run_id = cloud.run("hello")
        eventually(lambda: cloud.has_ended(run_id))
        assert cloud.state(run_id) == "success"
        assert cloud.log(run_id, "greet").endswith("Z hello from greet\n")
    with cloud.running():
        assert cloud.dag_ids() == ["hello"]
        assert cloud.state(run_id) == "success"
        assert cloud.log(run_id, "answer").endswith("Z and back\n")
        prefix = f"hello/{run_id}/greet/"
        listed = cloud.s3().list_objects_v2(Bucket="orchestrator-runs", Prefix=prefix)
        assert f"{prefix}-1/1/claim" in [row["Key"] for row in listed["Contents"]]
        cloud.s3().delete_object(Bucket="orchestrator-dags", Key="team/hello.yaml")
        eventually(lambda: cloud.dag_ids() == [])
    with cloud.running():
        assert cloud.dag_ids() == []


def test_right_after_the_start_the_dags_of_the_folder_are_known(cloud: LocalCloud) -> None:
    (cloud.dags_dir / "hello.yaml").write_text(HELLO)
    process = cloud.launch()
    try:
        eventually(lambda: is_healthy(cloud))
        # With nothing between that would leave the cloud time to read its folder.
        run_id = cloud.run("hello")
        assert cloud.dag_ids() == ["hello"]
        assert cloud.get(f"/runs/{run_id}")["dag_id"] == "hello"
    finally:
        process.kill()
        process.wait()


def is_healthy(cloud: LocalCloud) -> bool:
    try:
        return bool(cloud.get("/health"))
    except (urllib.error.URLError, ConnectionError):
        return False


LEAVES = """
name: leaves
tasks:
  - id: make
    command: |
      mkdir site
      echo '<b>hi</b>' > "site/ü b.html"
      head -c 3000000 /dev/zero > zeros
    artifacts: {page: "site/ü b.html", site: site, zeros: zeros}
  - id: use
    dependencies: make
    inputs: {in: make.zeros}
    command: wc -c < in
"""


def test_what_a_task_leaves_is_downloaded_by_whoever_has_the_link(cloud: LocalCloud) -> None:
    with cloud.running():
        cloud.upload("leaves.yaml", LEAVES)
        eventually(lambda: "leaves" in cloud.dag_ids())
        run_id = cloud.run("leaves")
        eventually(lambda: cloud.has_ended(run_id))
        assert cloud.log(run_id, "use").endswith("Z 3000000\n")
        left = cloud.get(f"/runs/{run_id}/artifacts")["artifacts"]
        assert [row["name"] for row in left] == ["page", "site", "zeros"]
        path = f"/runs/{run_id}/tasks/make/artifacts"
        for name, size in (("page", 10), ("zeros", 3_000_000)):
            url = cloud.get(f"{path}/{name}")["url"]
            with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:
                body, headers = answer.read(), answer.headers
            assert len(body) == size
            assert headers["Content-Type"] == "application/octet-stream"
            assert headers["Content-Security-Policy"] == "sandbox"
        url = cloud.get(f"{path}/page")["url"]
        assert cloud.get(f"{path}/page/preview")["content"] == "<b>hi</b>\n"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}0", timeout=HANG_SECONDS)
        listed = cloud.s3().list_objects_v2(Bucket="orchestrator-runs", Prefix=f"leaves/{run_id}/")
        sizes = {row["Key"].rpartition("/")[2]: row["Size"] for row in listed["Contents"]}
        assert sizes["zeros"] == 3_000_000
    with cloud.running():
        assert len(cloud.get(f"/runs/{run_id}/artifacts")["artifacts"]) == 3
        url = cloud.get(f"{path}/zeros")["url"]
        with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:
            assert len(answer.read()) == 3_000_000


def test_a_file_is_made_replaced_read_and_removed_by_curl(cloud: LocalCloud) -> None:
    changed = HELLO.replace("name: hello", "name: hello\ndescription: changed")
    with cloud.running():
        cloud.plain("PUT", "hello.yaml", HELLO)
        eventually(lambda: cloud.dag_ids() == ["hello"])
        cloud.plain("PUT", "hello.yaml", changed)
        eventually(lambda: cloud.get("/dags/hello")["description"] == "changed")
        assert cloud.plain("GET", "hello.yaml") == changed
        cloud.plain("DELETE", "hello.yaml")
        eventually(lambda: cloud.dag_ids() == [])


def test_the_folder_of_dag_files_is_followed(cloud: LocalCloud) -> None:
    file = cloud.dags_dir / "hello.yaml"
    file.write_text(HELLO)
    with cloud.running():
        eventually(lambda: cloud.dag_ids() == ["hello"])
        file.write_text(HELLO.replace("name: hello", "name: hello\ndescription: changed"))
        eventually(lambda: cloud.get("/dags/hello")["description"] == "changed")
        file.unlink()
        eventually(lambda: cloud.dag_ids() == [])


def test_at_start_it_says_where_everything_is_and_how_to_upload(cloud: LocalCloud) -> None:
    with cloud.running():
        said = cloud.said()
    assert f"http://127.0.0.1:{cloud.api_port}/api" in said
    assert cloud.endpoint in said
    assert str(cloud.home) in said
    assert re.search(
        rf"aws --endpoint-url {cloud.endpoint} s3 cp \S+ s3://orchestrator-dags/", said
    )


LOOK = """
name: look
env: {PYTHON: %s}
tasks:
  - id: show
    command: env | grep ^AWS_ | sort
  - id: reach
    command: |
      "$PYTHON" -c 'import boto3
      print([bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]])'
"""


def test_commands_reach_the_local_endpoint_and_know_nothing_of_the_users_account(
    cloud: LocalCloud,
) -> None:
    real = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_PROFILE": "company", "AWS_SESSION_TOKEN": "token"}
    cloud.settings.update(real)
    (cloud.dags_dir / "look.yaml").write_text(LOOK % sys.executable)
    with cloud.running():
        eventually(lambda: cloud.dag_ids() == ["look"])
        run_id = cloud.run("look")
        eventually(lambda: cloud.has_ended(run_id))
        shown, reached = cloud.log(run_id, "show"), cloud.log(run_id, "reach")
    assert f"AWS_ENDPOINT_URL={cloud.endpoint}\n" in shown
    assert "AWS_ACCESS_KEY_ID=local\n" in shown
    assert not [value for value in real.values() if value in shown]
    assert "['orchestrator-dags', 'orchestrator-runs']" in reached


def test_killed_in_the_middle_of_a_run_it_goes_on_and_starts_no_attempt_twice(
    cloud: LocalCloud,
) -> None:
    # It knows that nothing of it is left, and does not wait until what was lost seems so.
    cloud.settings["ORCHESTRATOR_RESEND_SECONDS"] = "900"
    started = cloud.folder / "started.txt"
    tasks = [f"  - id: t{number}\n" for number in range(48)]
    retried = "    retries: 3\n    retry_delay: 0\n"
    work = f"    command: echo $TASK_ID/$TRY_NUMBER >> {started}; sleep 0.2\n"
    last = "".join(f"t{number}," for number in range(48)).rstrip(",")
    (cloud.dags_dir / "fifty.yaml").write_text(
        f"name: fifty\nmax_active_tasks: 50\ntasks:\n  - id: first\n{work}{retried}"
        + "".join(f"{task}{work}{retried}    dependencies: [first]\n" for task in tasks)
        + f"  - id: last\n{work}{retried}    dependencies: [{last}]\n"
    )
    with cloud.running() as process:
        eventually(lambda: cloud.dag_ids() == ["fifty"])
        run_id = cloud.run("fifty")
        eventually(lambda: started.exists() and len(started.read_text().split()) >= 20)
        process.kill()
        process.wait()
    before = started.read_text().split()
    assert len(before) < 50
    with cloud.running():
        eventually(lambda: cloud.has_ended(run_id))
        assert cloud.state(run_id) == "success"
    attempts = started.read_text().split()
    assert len(attempts) == len(set(attempts))
    assert {attempt.split("/")[0] for attempt in attempts} == {
        "first",
        "last",
        *(f"t{number}" for number in range(48)),
    }
