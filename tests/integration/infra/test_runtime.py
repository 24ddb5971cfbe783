"""The Python and the processors of the functions, with the real Chalice and the real packages."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from chalicelib.local.python_versions import ON_LAMBDA
from infra.bundle import interpreters
from infra.errors import InfraError
from infra.functions import FUNCTIONS
from infra.resources.stack import describe
from tests.integration.infra.account import Account

STAGE = "runs"


@pytest.fixture(scope="module")
def plain(account: Account) -> Account:
    """An account with a stage for which nothing was chosen."""
    account.deploy(STAGE, Python=ON_LAMBDA)
    return account


def runs_on(account: Account) -> set[tuple[str, str]]:
    told = [account.configuration(STAGE, function.name) for function in FUNCTIONS]
    return {(now["Runtime"], *now["Architectures"]) for now in told}


def compiled_for(account: Account) -> set[str]:
    """What the names of the bundle's compiled modules say: Python and processor."""
    names = zipfile.ZipFile(account.bundle()).namelist()
    return set(re.findall(r"\.cpython-(\d+-\w+)-linux-gnu\.so", " ".join(names)))


def tops(account: Account) -> set[str]:
    return {name.split("/")[0] for name in zipfile.ZipFile(account.bundle()).namelist()}


def test_the_functions_run_on_python_3_13_whichever_deploys_them(plain: Account) -> None:
    assert runs_on(plain) == {("python3.13", "x86_64")}
    assert compiled_for(plain) == {"313-x86_64"}
    assert "pysqlite3" in tops(plain)
    assert "  runtime: Python 3.13, x86_64" in plain.said


@pytest.mark.skipif(interpreters.find(ON_LAMBDA) is None, reason=f"needs Python {ON_LAMBDA}")
def test_the_bundle_starts_in_python_3_13_and_need_not_be_compiled(
    plain: Account, tmp_path: Path
) -> None:
    zipfile.ZipFile(plain.bundle()).extractall(tmp_path)
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import app, chalicelib.database, re2"
    code += "; print([m.__cached__ for m in (app, chalicelib.database, re2)])"
    python = str(interpreters.find(ON_LAMBDA))
    done = subprocess.run(
        [python, "-S", "-B", "-W", "error", "-c", code],
        env={"AWS_DEFAULT_REGION": "us-east-1", "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    cached = [Path(name) for name in re.findall(r"'(.*?)'", done.stdout)]
    assert [path for path in cached if not path.is_file()] == []


def test_arm64_is_chosen_kept_and_taken_back(plain: Account) -> None:
    said = len(plain.said)
    plain.deploy(STAGE, Architecture="arm64")
    assert runs_on(plain) == {("python3.13", "arm64")}
    assert compiled_for(plain) == {"313-aarch64"}
    assert "pysqlite3" not in tops(plain)
    assert [line for line in plain.said[said:] if "no SQLite package exists for arm64" in line]

    plain.deploy(STAGE)
    assert runs_on(plain) == {("python3.13", "arm64")}

    plain.deploy(STAGE, Architecture="x86_64")
    assert runs_on(plain) == {("python3.13", "x86_64")}
    assert compiled_for(plain) == {"313-x86_64"}
    assert "pysqlite3" in tops(plain)


def test_what_cannot_run_is_refused_before_anything_is_changed(account: Account) -> None:
    with pytest.raises(InfraError, match=r"arm64 needs --python 3\.12 or newer"):
        account.deploy("never", Python="3.11", Architecture="arm64")
    assert describe(account.aws, "orchestrator-never").status == ""


def test_a_package_without_a_wheel_ends_the_deployment_with_its_name(account: Account) -> None:
    requirements = account.project.folder / "requirements.txt"
    kept = requirements.read_text()
    requirements.write_text(f"{kept}chalice==0.0.0.dev0\n")
    with pytest.raises(
        InfraError,
        match=r"could not download the packages for Python 3\.1\d on x86_64(.|\n)*chalice",
    ):
        account.deploy("lacking")
    requirements.write_text(kept)
    account.remove("lacking")
