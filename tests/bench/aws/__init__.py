"""The deployed system, simulated: the real scheduler on a virtual clock, between queues, pollers
and functions that take as long as AWS's are published to take.

latencies   every assumption about AWS, with its source and date
pollers     Lambda's event source mappings: concurrency, ramp, batches
functions   sandboxes, cold starts, and the share of a processor that memory buys
cloud       scheduler, database lock, queues and executors, connected
deployment  what can be chosen: memory, queues, claims
scenarios   chains, fan-outs, 10,000 DAGs on the hour, and what is measured of them
published   what others were measured to do

Nothing sleeps and nothing depends on this machine's speed: the same seed gives the same figures.
"""

from __future__ import annotations

from tests.bench.aws.deployment import NOW, OTHERS
from tests.bench.aws.published import PUBLISHED
from tests.bench.aws.scenarios import SCENARIOS, Scenario
from tests.bench.report import Line, Target

SEEDS = (1, 2, 3, 4, 5)


def run(is_quick: bool) -> list[Line]:
    """A line for each scenario: the deployment as it is, and beside it what it would be with one
    choice made differently."""
    return [_line(scenario, is_quick=is_quick) for scenario in SCENARIOS]


def _line(scenario: Scenario, *, is_quick: bool) -> Line:
    seeds = SEEDS[:1] if is_quick or scenario.is_large else SEEDS
    others = {
        name: scenario.measure(OTHERS[name], seeds, is_quick=is_quick) for name in scenario.compared
    }
    return Line(
        name=f"aws {scenario.name}",
        runs=len(seeds),
        figures=scenario.measure(NOW, seeds, is_quick=is_quick),
        targets=[Target(*target) for target in scenario.targets],
        here={"with one choice made differently": others},
        published=PUBLISHED.get(scenario.name, {}),
        note=scenario.note,
    )
