"""Installs the emulator in its own environment, starts it, and stops it."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chalicelib.local.python_versions import ON_LAMBDA, RUNNING
from infra.bundle import interpreters
from tests.emulator import shims
from tests.support.environments import python_with
from tests.support.waiting import HANG_SECONDS, eventually

HERE = Path(__file__).parent
REGION = "us-east-1"
ACCOUNT = "000000000000"
REQUIREMENTS = HERE / "requirements.txt"

API_HOSTS = f"execute-api.{REGION}.amazonaws.com"


@dataclass(frozen=True)
class Emulator:
    """A running emulator. A program with `environ` uses it as the account's owner."""

    folder: Path
    port: int
    environ: Mapping[str, str]

    @property
    def log(self) -> Path:
        return self.folder / "emulator.log"

    def tail(self) -> str:
        """Returns the end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]


PYTHON = ON_LAMBDA if interpreters.find(ON_LAMBDA) else RUNNING
"""The emulator runs all functions on its own Python: Lambda's default, if installed here."""


def installed_python() -> Path:
    """Returns the interpreter of the emulator's environment, which is created if missing. There is
    one environment per Python version."""
    python = interpreters.find(PYTHON)
    assert python, f"Python {PYTHON} is no longer installed"
    return python_with(python, f"emulator-py{PYTHON}", REQUIREMENTS)


@contextmanager
def running(folder: Path) -> Iterator[Emulator]:
    """Run an empty account on the loopback interface."""
    certificate, key = _certificate(folder)
    port = _free_port()
    emulator = Emulator(folder, port, _environ_of_callers(folder, port, certificate))
    with emulator.log.open("wb") as log:
        process = subprocess.Popen(
            [installed_python(), HERE / "shims.py"],
            env=_environ(folder, port, certificate, key),
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: process.poll() is not None or _answers(port, certificate))
        assert process.poll() is None, emulator.log.read_text()
        yield emulator
    finally:
        process.kill()  # on SIGTERM it waits 30 seconds for its clients to disconnect
        process.wait(HANG_SECONDS)


def _environ(folder: Path, port: int, certificate: Path, key: Path) -> dict[str, str]:
    """Return an environment without the caller's own AWS configuration."""
    (folder / "file-systems").mkdir()
    (folder / "tmp").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "BIND_HOST": "127.0.0.1",  # by default it listens to everybody
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "local",
        "AUTH": "true",
        "SFTP_ENABLED": "false",  # nor does it need to listen for others
        "LAMBDA_ACCOUNT_CONCURRENCY": "20",  # processes at once
        "USE_SSL": "true",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "MINISTACK_HOST": f"{REGION}.amazonaws.com",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AWS_ENDPOINT_URL": f"https://{'[::1]' if shims.has_ipv6() else '127.0.0.1'}:{port}",
        "AWS_CA_BUNDLE": str(certificate),
        shims.FILE_SYSTEMS: str(folder / "file-systems"),
    }


def _environ_of_callers(folder: Path, port: int, certificate: Path) -> dict[str, str]:
    """Return the environment of a program that takes the emulator for AWS."""
    start = folder / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text(
        f"import sys\nsys.path.insert(0, {str(HERE)!r})\nimport shims\nshims.be_found()\n"
        f"sys.path.remove({str(HERE)!r})\n",
        encoding="utf-8",
    )
    both = folder / "certificates.pem"
    ours = Path(ssl.get_default_verify_paths().cafile or "/dev/null")
    both.write_bytes(ours.read_bytes() + certificate.read_bytes())
    aws = [name for name in os.environ if name.startswith("AWS_")]
    kept = {name: value for name, value in os.environ.items() if name not in aws}
    return {
        **kept,
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
        "AWS_CA_BUNDLE": str(both),
        "SSL_CERT_FILE": str(both),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "PYTHONPATH": str(start),
        shims.GATEWAY_PORT: str(port),
    }


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate, so that policies that demand TLS are met as on AWS."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    hosts = ["IP:127.0.0.1", "IP:::1", f"DNS:*.{API_HOSTS}", f"DNS:*.{shims.OWN_DOMAIN}"]
    names = f"subjectAltName={','.join(hosts)}"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += [
        "-subj",
        "/CN=emulator",
        "-addext",
        names,
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int, certificate: Path) -> bool:
    try:
        context = ssl.create_default_context(cafile=str(certificate))
        url = f"https://127.0.0.1:{port}/_ministack/health"
        with urllib.request.urlopen(url, timeout=HANG_SECONDS, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
