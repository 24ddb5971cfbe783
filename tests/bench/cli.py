"""The command line: how soon it answers, what a task costs under `run`, and what it costs to
simulate a week."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.dag_files import chain, dag
from tests.bench.local_cloud import local_cloud
from tests.bench.machine import ROOT, bytecode_folder, measured, plain_commands
from tests.bench.report import Line, Target

SAMPLE = ROOT / "examples" / "sample_dag.yaml"
BASELINE = ["-c", "import yaml, click"]
CLI = ["-m", "chalicelib.cli"]
TASKS = 10
WEEK = ("--from", "2026-03-02", "--to", "2026-03-09")
SCHEDULES = ("0 3 * * *", "30 */6 * * *", "0 8 * * 1-5", "15 4 * * 0", "@daily")


def run(is_quick: bool) -> list[Line]:
    runs = 5 if is_quick else 15
    with tempfile.TemporaryDirectory() as folder:
        environ = _environ(Path(folder))
        return [
            _starts(runs, environ),
            _local_run(Path(folder), runs, environ),
            _simulated_week(Path(folder), 100 if is_quick else 1000, environ),
        ]


def _starts(runs: int, environ: Mapping[str, str]) -> Line:
    programs: dict[str, Sequence[str]] = {
        "import_yaml_and_click": BASELINE,
        "help": [*CLI, "--help"],
        "validate": [*CLI, "validate", str(SAMPLE)],
        "validate_new_file": [*CLI, "validate", str(SAMPLE)],
    }
    for arguments in programs.values():
        _call(arguments, environ)  # writes the byte code
    # In turn, so that a busy moment of the machine falls on all of them.
    taken = [
        {name: _cost_ms(args, _cache_for(name, environ)) for name, args in programs.items()}
        for _ in range(runs)
    ]
    wall = {name: statistics.median(turn[name][0] for turn in taken) for name in programs}
    cpu = {name: statistics.median(turn[name][1] for turn in taken) for name in programs}
    baseline = "import_yaml_and_click"
    figures = {
        f"{name}_times_import{kind}": ms[name] / ms[baseline]
        for kind, ms in (("", wall), ("_cpu", cpu))
        for name in ("help", "validate", "validate_new_file")
    }
    return Line(
        name="cli_start",
        runs=runs,
        figures=figures,
        targets=[
            Target("help_times_import", "at most", 1.5),
            Target("validate_times_import", "at most", 1.5),
        ],
        here={f"{name}_ms": ms for name, ms in wall.items()},
        note="fresh interpreters with byte code, next to `python -c 'import yaml, click'`; _cpu is"
        " processor time, which other work on the machine changes least; validate_new_file"
        " remembers no earlier call",
    )


def _cache_for(name: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Without a cache that can be written where nothing is to be remembered."""
    return {**environ, "XDG_CACHE_HOME": os.devnull} if name == "validate_new_file" else environ


def _local_run(folder: Path, runs: int, environ: Mapping[str, str]) -> Line:
    one, many = folder / "one.yaml", folder / "many.yaml"
    one.write_text(chain("one", 1))
    many.write_text(chain("many", TASKS))
    _call([*CLI, "run", str(many)], environ)
    first_output, first_answers, per_task, command = [], [], [], []
    for _ in range(runs):
        first_output.append(_first_output_s(environ))
        with local_cloud() as cloud:
            first_answers.append(cloud.first_answer)
        short = _cost_ms([*CLI, "run", str(one)], environ)[0]
        long = _cost_ms([*CLI, "run", str(many)], environ)[0]
        per_task.append((long - short) / (TASKS - 1))
        command.append(plain_commands(TASKS, threads=1).wall * 1000 / TASKS)
    first, answer = statistics.median(first_output), statistics.median(first_answers)
    task_ms, command_ms = statistics.median(per_task), statistics.median(command)
    return Line(
        name="cli_run",
        runs=runs,
        figures={
            "first_output_s": first,
            "first_output_times_local_cloud": first / answer,
            "task_ms": task_ms,
            "task_on_top_of_its_command_ms": task_ms - command_ms,
        },
        targets=[
            Target("first_output_times_local_cloud", "at most", 1.5),
            Target("task_on_top_of_its_command_ms", "at most", 30),
        ],
        here={"local_cloud_first_answer_s": answer, "bash_c_true_ms": command_ms},
        note="from the start of `run examples/sample_dag.yaml` to what its first task prints;"
        f" task_ms is what each of {TASKS} tasks of a chain of `true` adds to a chain of one",
    )


def _first_output_s(environ: Mapping[str, str]) -> float:
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *CLI, "run", str(SAMPLE)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith("| Task 1\n"):
                took = time.perf_counter() - begun
                process.stdout.read()
                return took
    raise RuntimeError("the sample ended without the output of its first task")


def _simulated_week(folder: Path, count: int, environ: Mapping[str, str]) -> Line:
    dags = folder / "dags"
    dags.mkdir()
    for number in range(count):
        schedule = SCHEDULES[number % len(SCHEDULES)]
        tasks = {"extract": [], "transform": ["extract"], "load": ["transform"]}
        (dags / f"d{number}.yaml").write_text(dag(f"d{number}", tasks, schedule=schedule))
    with measured() as cost:
        answer = _call([*CLI, "simulate", str(dags), *WEEK], environ)
    period, _, counts = answer.splitlines()[0].rpartition(": ")
    return Line(
        name="cli_simulate",
        runs=1,
        figures={"cpu_s": cost.children, "cpu_ms_per_dag": cost.children * 1000 / count},
        here={"dags": count, "what": counts, "period": period},
        note="`simulate` of DAGs of three tasks, four a day to one a week, over a week",
    )


def _environ(folder: Path) -> dict[str, str]:
    """The user's, without the settings of another installation or of Python: byte code is kept, as
    after an installation."""
    foreign = ("AWS_", "ORCHESTRATOR_", "PYTHON")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    return {
        **kept,
        "PYTHONPYCACHEPREFIX": str(bytecode_folder()),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_STATE_HOME": str(folder / "state"),
    }


def _cost_ms(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Milliseconds on the clock, and of the processor."""
    with measured() as cost:
        _call(arguments, environ)
    return cost.wall * 1000, cost.children * 1000


def _call(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
