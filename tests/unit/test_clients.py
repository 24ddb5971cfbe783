"""Which addresses the functions connect to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from chalicelib.aws.clients import address_family

ON_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "orchestrator-dev-apply"}
DUAL_STACK = {"AWS_USE_DUALSTACK_ENDPOINT": "true"}


@pytest.mark.parametrize(
    ("environ", "family"),
    [
        ({**ON_LAMBDA, **DUAL_STACK}, socket.AF_INET6),
        (ON_LAMBDA, socket.AF_UNSPEC),
        (DUAL_STACK, socket.AF_UNSPEC),
        ({}, socket.AF_UNSPEC),
    ],
    ids=["a function that has only IPv6", "any other function", "a laptop", "neither"],
)
def test_only_a_function_without_a_way_out_by_ipv4_skips_ipv4(
    environ: dict[str, str], family: socket.AddressFamily
) -> None:
    assert address_family(environ) is family


@pytest.mark.parametrize("variables", [{}, {**ON_LAMBDA, **DUAL_STACK}])
def test_botocores_connections_are_made_to_that_family(variables: dict[str, str]) -> None:
    code = (
        "import chalicelib.aws.clients, botocore.httpsession\n"
        "from urllib3.util import connection\n"
        "print(connection.allowed_gai_family().name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    has_ipv6 = socket.has_ipv6
    expected = "AF_INET6" if variables else ("AF_UNSPEC" if has_ipv6 else "AF_INET")
    assert done.stdout.strip() in ({expected} if variables else {"AF_UNSPEC", "AF_INET"})
