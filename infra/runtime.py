"""What the functions run on: a version of Python and a kind of processor. Pure.

Neither is the deployer's: the bundle is made for the functions, whatever `deploy` runs on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.local.python_versions import ON_LAMBDA, SUPPORTED
from infra.errors import InfraError

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's words for processors, and those of Linux."""

GLIBC = {"3.11": 26}
"""The minor version of glibc 2 in Lambda's image: Amazon Linux 2 for Python 3.11, else 2023."""
GLIBC_OF_2023 = 34
OLDEST_GLIBC = 17
"""Older wheels than those for this one do not exist for these Pythons."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Raises InfraError for a combination that cannot run this."""

    python: str = ON_LAMBDA
    architecture: str = "x86_64"

    def __post_init__(self) -> None:
        if self.python not in SUPPORTED:
            raise InfraError(f"--python {self.python}: use one of {', '.join(SUPPORTED)}")
        if self.architecture not in MACHINES:
            raise InfraError(
                f"--architecture {self.architecture}: use one of {', '.join(MACHINES)}"
            )
        if self.architecture == "arm64" and self.python == "3.11":
            raise InfraError(
                "--architecture arm64 needs --python 3.12 or newer: SQLite 3.7 of Lambda's Python"
                " 3.11 is too old, and there is no other one to ship for arm64"
            )

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Runtime:
        """From a stack's parameters or outputs; those of a stack of earlier times have neither."""
        return cls(values.get("Python", ON_LAMBDA), values.get("Architecture", "x86_64"))

    @property
    def lambdas_name(self) -> str:
        """As Lambda has it: "python3.13"."""
        return f"python{self.python}"

    @property
    def abi(self) -> str:
        """As wheels have it: "cp313"."""
        return "cp" + self.python.replace(".", "")

    @property
    def machine(self) -> str:
        return MACHINES[self.architecture]

    @property
    def platforms(self) -> tuple[str, ...]:
        """Those of wheels that its glibc can load, best first; pip takes each by its word."""
        newest = GLIBC.get(self.python, GLIBC_OF_2023)
        minors = range(newest, OLDEST_GLIBC - 1, -1)
        return (
            *(f"manylinux_2_{minor}_{self.machine}" for minor in minors),
            f"manylinux2014_{self.machine}",
        )

    @property
    def markers(self) -> dict[str, str]:
        """The environment that markers of requirements are judged in (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }
