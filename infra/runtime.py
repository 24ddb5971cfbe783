"""The functions' Python version and architecture, whatever `deploy` itself runs on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.local.python_versions import ON_LAMBDA, SUPPORTED
from infra.errors import InfraError

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's names of architectures, and Linux's."""

AMAZON_LINUX_2_GLIBC, AMAZON_LINUX_2023_GLIBC = 26, 34
"""Minor version of glibc 2 in Lambda's images: Amazon Linux 2 for Python 3.11, 2023 for others."""

OLDEST_GLIBC = 17
"""The oldest glibc that wheels for these Pythons are built for (manylinux2014)."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Raises InfraError for an unsupported combination."""

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
                "--architecture arm64 needs --python 3.12 or newer: SQLite 3.7 in Lambda's Python"
                " 3.11 is too old, and no SQLite package exists for arm64"
            )

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Runtime:
        """Reads the parameters or outputs of a stack; older stacks have neither value."""
        return cls(values.get("Python", ON_LAMBDA), values.get("Architecture", "x86_64"))

    @property
    def lambda_name(self) -> str:
        """Lambda's name of the runtime: "python3.13"."""
        return f"python{self.python}"

    @property
    def abi(self) -> str:
        """The ABI tag of wheels: "cp313"."""
        return "cp" + self.python.replace(".", "")

    @property
    def machine(self) -> str:
        return MACHINES[self.architecture]

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags of wheels that its glibc can load, best first. pip does not derive
        older ones from newer ones, so all are listed."""
        newest = AMAZON_LINUX_2_GLIBC if self.python == "3.11" else AMAZON_LINUX_2023_GLIBC
        minors = range(newest, OLDEST_GLIBC - 1, -1)
        return (
            *(f"manylinux_2_{minor}_{self.machine}" for minor in minors),
            f"manylinux2014_{self.machine}",
        )

    @property
    def markers(self) -> dict[str, str]:
        """The environment for evaluating the markers of requirements (PEP 508)."""
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
