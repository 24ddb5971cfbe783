"""What Fargate sells: which memory goes with which number of vCPUs, and how needs are rounded up.

Source: "Task CPU and memory" in Amazon ECS's developer guide, Linux, as of 2026-11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

GB = 1024

MEMORY_MB: dict[int, tuple[int, ...]] = {
    256: (512, 1 * GB, 2 * GB),
    512: tuple(range(1 * GB, 4 * GB + 1, GB)),
    1024: tuple(range(2 * GB, 8 * GB + 1, GB)),
    2048: tuple(range(4 * GB, 16 * GB + 1, GB)),
    4096: tuple(range(8 * GB, 30 * GB + 1, GB)),
    8192: tuple(range(16 * GB, 60 * GB + 1, 4 * GB)),
    16384: tuple(range(32 * GB, 120 * GB + 1, 8 * GB)),
}
"""The amounts of memory in MB that can be had with each number of CPU units; 1024 are a vCPU."""

UNITS_PER_VCPU = 1024
MAX_VCPU = max(MEMORY_MB) / UNITS_PER_VCPU
MAX_MEMORY_MB = max(map(max, MEMORY_MB.values()))


@dataclass(frozen=True, slots=True)
class FargateSize:
    """A size that Fargate sells."""

    cpu_units: int
    memory_mb: int

    @property
    def vcpu(self) -> float:
        return self.cpu_units / UNITS_PER_VCPU

    def __str__(self) -> str:
        return f"{self.vcpu:g} vCPU and {memory_text(self.memory_mb)}"


def round_up(vcpu: float | None, memory_mb: int | None) -> FargateSize | None:
    """Return the smallest size with at least that much, None for none. Neither is the least."""
    units = math.ceil(round((vcpu or 0) * UNITS_PER_VCPU, 6))
    for cpu_units, amounts in MEMORY_MB.items():
        fitting = [amount for amount in amounts if amount >= (memory_mb or 0)]
        if cpu_units >= units and fitting:
            return FargateSize(cpu_units, fitting[0])
    return None


def memory_text(memory_mb: int) -> str:
    """Return `2 GB` or `384 MB`."""
    return f"{memory_mb / GB:g} GB" if memory_mb % (GB // 2) == 0 else f"{memory_mb} MB"
