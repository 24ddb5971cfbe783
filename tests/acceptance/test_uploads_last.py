"""What the local S3 has acknowledged is there after a kill; what cannot be stored is an error."""

from __future__ import annotations

import os
import resource
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.acceptance.local_cloud import LocalCloud
from tests.support.raw_http import exchange, request
from tests.support.waiting import HANG_SECONDS, eventually

DAGS, RUNS, OWN = "orchestrator-dags", "orchestrator-runs", "own-data"
BUCKETS = pytest.mark.parametrize("bucket", [DAGS, RUNS, OWN])
OLD, NEW = b"old " * 10, b"new " * 1_500_000
ROOM = 4_000_000
"""Bytes that a file may have while the disk is full: more than the database's, less than NEW."""


@pytest.fixture
def cloud(tmp_path: Path) -> LocalCloud:
    return LocalCloud(tmp_path)


def stored(cloud: LocalCloud, bucket: str, key: str) -> bytes | None:
    try:
        body: bytes = cloud.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return None
    return body


def named(text: str) -> str:
    return f"name: {text}\ntasks: [{{id: a, command: 'true'}}]\n"


def test_an_upload_during_the_start_is_not_undone_by_the_restored_files(cloud: LocalCloud) -> None:
    with cloud.running():
        cloud.upload("early.yaml", named("older"))
        eventually(lambda: cloud.dag_ids() == ["older"])
    gate = cloud.home / "dags" / "a-gate@"
    os.mkfifo(gate)  # it is read first, and reading it waits for us
    process = cloud.launch()
    try:
        opened = os.open(gate, os.O_WRONLY)
        body = named("newer").encode()
        length = f"Content-Length: {len(body)}"
        upload = request("PUT", f"/{DAGS}/early.yaml", "Host: localhost", length, body=body)
        os.close(opened)
        assert exchange(cloud.s3_port, upload).status == 200
    finally:
        process.kill()
        process.wait()
    gate.unlink()
    with cloud.running():
        assert stored(cloud, DAGS, "early.yaml") == body
        eventually(lambda: cloud.dag_ids() == ["newer"])


def make_own_bucket(cloud: LocalCloud) -> None:
    cloud.s3().create_bucket(Bucket=OWN)


@BUCKETS
def test_what_was_acknowledged_is_there_after_a_kill(cloud: LocalCloud, bucket: str) -> None:
    keys = ["a.yaml", "x/y z/\xfc%25.txt", "x/y", "many/" * 60 + "parts"]
    with cloud.running() as process:
        make_own_bucket(cloud)
        for key in (*keys, "gone", "gone too"):
            cloud.s3().put_object(Bucket=bucket, Key=key, Body=key.encode())
        cloud.s3().copy_object(
            Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "x/y"}
        )
        cloud.s3().delete_object(Bucket=bucket, Key="gone")
        cloud.s3().delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "gone too"}]})
        process.kill()
        process.wait()
    with cloud.running():
        for key in keys:
            assert stored(cloud, bucket, key) == key.encode()
        assert stored(cloud, bucket, "copy") == b"x/y"
        listed = cloud.s3().list_objects_v2(Bucket=bucket)["Contents"]
        assert sorted(row["Key"] for row in listed) == sorted([*keys, "copy"])


def test_what_is_put_into_the_runs_bucket_keeps_its_type_when_it_is_read(
    cloud: LocalCloud,
) -> None:
    with cloud.running():
        where = {"Bucket": RUNS, "Key": "report.html"}
        cloud.s3().put_object(**where, Body=b"<p>", ContentType="text/html")
        for _ in range(2):
            assert cloud.s3().get_object(**where)["ContentType"] == "text/html"


def test_a_client_cannot_take_away_what_keeps_its_uploads(cloud: LocalCloud) -> None:
    with cloud.running() as process:
        cloud.s3().put_bucket_notification_configuration(Bucket=DAGS, NotificationConfiguration={})
        cloud.upload("a.yaml", named("kept"))
        eventually(lambda: cloud.dag_ids() == ["kept"])
        process.kill()
        process.wait()
    with cloud.running():
        assert stored(cloud, DAGS, "a.yaml") == named("kept").encode()


def put(cloud: LocalCloud, bucket: str) -> None:
    cloud.s3().put_object(Bucket=bucket, Key="a.yaml", Body=NEW)


def post(cloud: LocalCloud, bucket: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\na.yaml\r\n--x\r\n'
    file = b'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    form = head + file + NEW + b"\r\n--x--\r\n"
    asked = urllib.request.Request(f"{cloud.endpoint}/{bucket}", form, kind)
    urllib.request.urlopen(asked, timeout=HANG_SECONDS)


def multipart(cloud: LocalCloud, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "a.yaml"}
    upload_id = cloud.s3().create_multipart_upload(**where)["UploadId"]
    part = cloud.s3().upload_part(**where, UploadId=upload_id, PartNumber=1, Body=NEW)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    cloud.s3().complete_multipart_upload(**where, UploadId=upload_id, MultipartUpload=parts)


def copy(cloud: LocalCloud, bucket: str) -> None:
    source = {"Bucket": bucket, "Key": "large"}
    cloud.s3().copy_object(Bucket=bucket, Key="a.yaml", CopySource=source)


@contextmanager
def full_disk(process: Popen[bytes]) -> Iterator[None]:
    """No file of the process may grow beyond ROOM, which looks to it like a disk without room."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (ROOM, before[1]))
    yield
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


@BUCKETS
@pytest.mark.parametrize("write", [put, post, multipart, copy])
def test_what_finds_no_room_is_an_error_and_leaves_all_as_it_was(
    cloud: LocalCloud, bucket: str, write: Callable[[LocalCloud, str], None]
) -> None:
    def answered() -> tuple[int, str]:
        """The status and S3's code."""
        try:
            write(cloud, bucket)
        except ClientError as error:
            answer: Any = error.response
            return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return error.code, text.partition("<Code>")[2].partition("</Code>")[0]
        return 200, ""

    with cloud.running() as process:
        make_own_bucket(cloud)
        cloud.s3().put_object(Bucket=bucket, Key="large", Body=NEW)
        for before in (None, OLD):
            if before is not None:
                cloud.s3().put_object(Bucket=bucket, Key="a.yaml", Body=before)
            with full_disk(process):
                assert answered() == (500, "InternalError")
                assert stored(cloud, bucket, "a.yaml") == before
        assert not [path for path in cloud.home.rglob("%scratch/*") if path.is_file()]
        assert answered() == (200, "")
        process.kill()
        process.wait()
    with cloud.running():
        assert stored(cloud, bucket, "a.yaml") == NEW


@contextmanager
def unremovable(folder: Path) -> Iterator[None]:
    """A folder from which not even root removes anything."""
    done = subprocess.run(["chattr", "+i", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("this file system or user cannot make a folder immutable")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(folder)], check=True)


def delete(cloud: LocalCloud) -> None:
    cloud.s3().delete_object(Bucket=DAGS, Key="team/a.yaml")


def delete_both(cloud: LocalCloud) -> None:
    objects = [{"Key": "b.yaml"}, {"Key": "team/a.yaml"}]
    cloud.s3().delete_objects(Bucket=DAGS, Delete={"Objects": objects})


@pytest.mark.parametrize("remove", [delete, delete_both])
def test_what_cannot_be_removed_is_an_error_and_stays(
    cloud: LocalCloud, remove: Callable[[LocalCloud], None]
) -> None:
    with cloud.running():
        cloud.upload("team/a.yaml", named("a"))
        cloud.upload("b.yaml", named("b"))
        with unremovable(cloud.home / "dags" / "team"):
            with pytest.raises(ClientError, match="InternalError"):
                remove(cloud)
            assert stored(cloud, DAGS, "team/a.yaml") == named("a").encode()
            eventually(lambda: "a" in cloud.dag_ids())
        remove(cloud)
        assert stored(cloud, DAGS, "team/a.yaml") is None
