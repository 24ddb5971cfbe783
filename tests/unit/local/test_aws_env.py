"""What is known of AWS in the local cloud, and which objects a request is about."""

from __future__ import annotations

import pytest

from chalicelib.local.aws_env import aws_variables, isolate_from_real_aws
from chalicelib.local.moto_server import requested_object


def test_every_variable_of_a_real_account_is_forgotten() -> None:
    environ = {
        "PATH": "/bin",
        "AWS_PROFILE": "company",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
        "AWS_CHALICE_CLI_MODE": "true",
    }
    isolate_from_real_aws("http://127.0.0.1:4566", environ)
    assert environ == {
        "PATH": "/bin",
        "AWS_CHALICE_CLI_MODE": "true",
        **aws_variables("http://127.0.0.1:4566"),
    }


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PATH_INFO": "/bucket/a/b%20c"}, ("bucket", "a/b c")),
        ({"PATH_INFO": "/bucket", "QUERY_STRING": "list-type=2&prefix=a%2Fb"}, ("bucket", "a/b")),
        ({"PATH_INFO": "/bucket/", "QUERY_STRING": "location"}, ("bucket", "")),
        ({"PATH_INFO": "/"}, ("", "")),
        (
            {"PATH_INFO": "/a/b", "HTTP_HOST": "orchestrator-runs.localhost:4566"},
            ("orchestrator-runs", "a/b"),
        ),
        ({"PATH_INFO": "/a/b", "HTTP_HOST": "own.s3.localhost."}, ("own", "a/b")),
        ({"RAW_URI": "/bucket/a%2525?x=1", "PATH_INFO": "/bucket/a%25"}, ("bucket", "a%25")),
        ({"RAW_URI": "http://localhost/bucket/a", "PATH_INFO": "/bucket/a"}, ("bucket", "a")),
    ],
)
def test_a_request_tells_its_bucket_and_key_or_prefix(
    environ: dict[str, str], expected: tuple[str, str]
) -> None:
    assert requested_object(environ) == expected
