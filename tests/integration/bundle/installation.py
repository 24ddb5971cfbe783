"""What `chalice deploy` put into an account in moto, unpacked and ready to be started."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.awslambda.models import lambda_backends

from chalicelib.config import PREFIX
from infra.functions import DATABASE, MOUNT
from infra.names import Stage
from infra.resources.inventory import take
from tests.integration.bundle.sandbox import Function, Sandbox, lambda_environ, make_runtime, python
from tests.integration.infra.account import Account
from tests.integration.infra.in_moto import MOTOS_ACCOUNT, REGION, account_in_moto

STAGE = "dev"

MOUNTED = Path("/dev/shm")
"""Stands in for the file system: a mount at the depth of Lambda's, which every Linux has, and which
takes no privilege to use. SQLite finds ordinary POSIX locks there, and no NFS."""


@dataclass(frozen=True)
class Installation:
    """A deployed stage. `bundle` is the unpacked zip, `runtime` what Lambda brings along,
    `file_system` the folder that stands in for EFS's root, `settings` what is set differently from
    the stage."""

    account: Account
    folder: Path
    bundle: Path
    runtime: Path
    file_system: Path
    settings: Mapping[str, str]

    @property
    def database(self) -> Path:
        """Return where the functions have the database."""
        return self.file_system / Path(DATABASE).relative_to(MOUNT)

    def function(self, name: str, **changes: str) -> Function:
        """`name` as in app.py; `changes` are settings by their lower-case names."""
        told = self.account.configuration(STAGE, name)
        environ = {
            **lambda_environ(
                told["FunctionName"], told["Handler"], told["MemorySize"], self.bundle, self.runtime
            ),
            **told["Environment"]["Variables"],
            "AWS_ENDPOINT_URL": self.account.aws.client("sqs").meta.endpoint_url,
            "TMPDIR": str(self.folder),
        }
        if told.get("FileSystemConfigs"):
            environ[PREFIX + "DATABASE"] = str(self.database)
        for setting, value in {**self.settings, **changes}.items():
            environ[PREFIX + setting.upper()] = value
        return Function(
            name, told["FunctionArn"], told["Handler"], told["Timeout"], environ, self.bundle
        )

    def start(self, name: str, **changes: str) -> Sandbox:
        """A process of its own; its output is appended to `{name}.log`."""
        return Sandbox(self.function(name, **changes), self.folder / f"{name}.log")

    def printed(self, name: str, code: str) -> str:
        """What `code` prints where the function `name` would run."""
        function = self.function(name)
        done = subprocess.run(
            [*python(), "-c", code],
            cwd=function.bundle,
            env=dict(function.environ),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.splitlines()[-1]

    def setting(self, name: str) -> str:
        """A setting of the stage, by its lower-case name."""
        variables = self.account.configuration(STAGE, "apply")["Environment"]["Variables"]
        return str(variables[PREFIX + name.upper()])

    def client(self, service: str) -> Any:
        return self.account.aws.client(service)

    def leave_the_events_to_others(self) -> None:
        """moto would start the functions in containers of its own."""
        for mapping in take(self.account.aws, Stage(STAGE)).mappings:
            self.client("lambda").update_event_source_mapping(UUID=mapping.uuid, Enabled=False)
        self.client("s3").put_bucket_notification_configuration(
            Bucket=self.setting("dags_bucket"), NotificationConfiguration={}
        )


@contextmanager
def installation(folder: Path, further_memory: str = "", **settings: str) -> Iterator[Installation]:
    """Deploy a stage and unpack what was uploaded. `further_memory`: its sizes of Lambda besides
    the default one. `settings` by their lower-case names."""
    (folder / "project").mkdir()
    with (
        account_in_moto(folder / "project") as account,
        tempfile.TemporaryDirectory(prefix="orchestrator-", dir=MOUNTED) as file_system,
    ):
        account.deploy(STAGE, LambdaMemory=further_memory)
        bundle = folder / "task"
        zipfile.ZipFile(io.BytesIO(_uploaded(account))).extractall(bundle)
        runtime = make_runtime(folder / "runtime")
        made = Installation(account, folder, bundle, runtime, Path(file_system), settings)
        made.leave_the_events_to_others()
        yield made


def _uploaded(account: Account) -> bytes:
    """The zip, as Lambda has it: the same for all functions."""
    backend = lambda_backends[MOTOS_ACCOUNT][REGION]
    (code,) = {bytes(function.code_bytes) for function in backend.list_functions()}
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert account.configuration(STAGE, "execute")["CodeSha256"] == digest
    return code
