"""The table of places, and the choice of a place for what a task needs."""

from __future__ import annotations

import pytest

from chalicelib import config
from chalicelib.dag.language.parser import DagFileError, ParsedFile, parse_file
from chalicelib.enums import PlaceKind, WarningCode
from chalicelib.fargate_sizes import MEMORY_MB, FargateSize, round_up
from chalicelib.places import (
    DEFAULT_PLACE,
    Needs,
    NoPlace,
    Place,
    Places,
    fargate_usd_per_second,
    for_each_place,
    installed,
)


def places(**settings: str) -> Places:
    return installed(config.load({f"ORCHESTRATOR_{k.upper()}": v for k, v in settings.items()}))


NOTHING_MORE = places()
EVERYTHING = places(lambda_memory="384,2048,8192", fargate="yes", worker_queues="gpu,on-prem")


def parsed(task: str, table: Places) -> ParsedFile:
    text = f"name: D\ntasks:\n  - {{id: t, command: x, {task}}}\n"
    return parse_file(text.encode(), places=table)


def place_of(task: str, table: Places = EVERYTHING) -> str:
    return parsed(task, table).dag.task("t").place


def problem_of(task: str, table: Places) -> tuple[str, str]:
    with pytest.raises(DagFileError) as raised:
        parsed(task, table)
    (problem,) = raised.value.problems
    return problem.path, problem.message


def test_an_installation_without_further_places_has_the_default_one() -> None:
    (row,) = NOTHING_MORE.rows
    assert (row.name, row.queue, row.memory_mb) == (DEFAULT_PLACE, "orchestrator-tasks", 384)


def test_every_setting_adds_its_rows() -> None:
    rows = [(row.name, row.kind, row.queue, row.function) for row in EVERYTHING.rows]
    assert rows == [
        ("lambda", PlaceKind.LAMBDA, "orchestrator-tasks", "execute"),
        ("lambda-2048", PlaceKind.LAMBDA, "orchestrator-tasks-2048", "execute_2048"),
        ("lambda-8192", PlaceKind.LAMBDA, "orchestrator-tasks-8192", "execute_8192"),
        ("fargate", PlaceKind.FARGATE, "orchestrator-tasks-fargate", "launch"),
        ("queue:gpu", PlaceKind.WORKER, "orchestrator-tasks-queue-gpu", None),
        ("queue:on-prem", PlaceKind.WORKER, "orchestrator-tasks-queue-on-prem", None),
    ]


def test_no_two_places_share_a_name_a_queue_or_a_function() -> None:
    for values in (
        [row.name for row in EVERYTHING.rows],
        [row.queue for row in EVERYTHING.rows],
        [row.function for row in EVERYTHING.rows if row.function],
    ):
        assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("task", "place"),
    [
        ("env: {A: b}", "lambda"),
        ("memory: 128M", "lambda"),
        ("memory: 384M", "lambda"),
        ("memory: 385M", "lambda-2048"),
        ("memory: 2G", "lambda-2048"),
        ("memory: 2.5 GiB", "lambda-8192"),
        ("memory: 8G", "lambda-8192"),
        ("memory: 8193M", "fargate"),
        ("memory: 120G", "fargate"),
        ("cpu: 0.5", "fargate"),
        ("cpu: 16", "fargate"),
        ("image: 'python:3.13-slim'", "fargate"),
        ("execution_timeout: 14m30s", "lambda"),
        ("execution_timeout: 14m31s", "fargate"),
        ("execution_timeout: 3d, memory: 512M", "fargate"),
        ("queue: gpu", "queue:gpu"),
        ("queue: gpu, memory: 500G, cpu: 64, image: cuda, timeout: 13d", "queue:gpu"),
    ],
)
def test_a_task_goes_to_the_cheapest_place_that_has_what_it_needs(task: str, place: str) -> None:
    assert place_of(task) == place


def test_a_task_that_asks_for_little_takes_the_smallest_size_even_if_it_is_not_the_default() -> (
    None
):
    table = places(lambda_memory="2048,256,8192")
    assert place_of("memory: 200M", table) == "lambda-256"
    assert place_of("env: {A: b}", table) == DEFAULT_PLACE
    assert place_of("memory: 1G", table) == DEFAULT_PLACE


def test_defaults_for_all_tasks_may_say_what_they_need() -> None:
    text = (
        "name: D\ndefault_args: {memory: 2G}\ntasks:\n  - {id: a, command: x}\n"
        "  - {id: b, command: x, memory: 200M}\n  - {id: c, trigger_dag_id: e}\n"
    )
    dag = parse_file(text.encode(), places=EVERYTHING).dag
    assert [dag.task(name).place for name in "abc"] == ["lambda-2048", "lambda", "lambda"]


@pytest.mark.parametrize(
    ("task", "path", "remedy"),
    [
        ("memory: 2G", "memory", "--lambda-memory 384,2048"),
        ("memory: 2G", "memory", "--fargate"),
        ("memory: 16G", "memory", "--fargate"),
        ("cpu: 2", "cpu", "--fargate"),
        ("image: alpine", "image", "--fargate"),
        ("execution_timeout: 15m", "execution_timeout", "--fargate"),
        ("queue: gpu", "queue", "queue create gpu"),
    ],
)
def test_without_a_place_that_fits_the_problem_says_what_to_deploy(
    task: str, path: str, remedy: str
) -> None:
    where, message = problem_of(task, NOTHING_MORE)
    assert where == f"tasks[0].{path}"
    assert remedy in message


@pytest.mark.parametrize(
    ("task", "most"),
    [
        ("memory: 121G", "120 GB"),
        ("cpu: 17", "16 vCPU"),
        ("cpu: 0.25, memory: 121G", "120 GB"),
    ],
)
def test_what_not_even_fargate_sells_is_a_problem_that_names_its_limit(
    task: str, most: str
) -> None:
    assert most in problem_of(task, EVERYTHING)[1]


def test_an_unknown_queue_is_a_problem_that_names_those_that_are_known() -> None:
    assert "gpu, on-prem" in problem_of("queue: cpu", EVERYTHING)[1]


def test_where_any_queue_will_do_a_task_makes_the_place_it_names() -> None:
    table = places(worker_queues="*")
    assert place_of("queue: whatever", table) == "queue:whatever"
    made = for_each_place(table, lambda place: place.queue)
    assert list(made) == ["lambda"]
    assert made["queue:whatever"] == "orchestrator-tasks-queue-whatever"
    assert list(made) == ["lambda", "queue:whatever"]
    assert "queue:no good" not in made


def test_something_is_made_once_for_each_place() -> None:
    asked: list[str] = []

    def make(place: Place) -> str:
        asked.append(place.name)
        return place.queue

    made = for_each_place(EVERYTHING, make)
    assert dict(made) == dict(made) == {row.name: row.queue for row in EVERYTHING.rows}
    assert asked == [row.name for row in EVERYTHING.rows]


def test_a_place_chosen_before_is_kept_as_long_as_it_will_do() -> None:
    needs = Needs(memory_mb=300)
    assert EVERYTHING.choose(needs, before="lambda-8192").name == "lambda-8192"
    assert NOTHING_MORE.choose(needs, before="lambda-8192").name == DEFAULT_PLACE
    with pytest.raises(NoPlace):
        NOTHING_MORE.choose(Needs(memory_mb=4096), before="lambda-8192")


@pytest.mark.parametrize(
    ("vcpu", "memory_mb", "size"),
    [
        (None, None, (256, 512)),
        (0.25, 513, (256, 1024)),
        (None, 2049, (512, 3072)),
        (0.3, None, (512, 1024)),
        (1, 3072, (1024, 3072)),
        (1, 1, (1024, 2048)),
        (1.5, 1024, (2048, 4096)),
        (4, 31_000, (8192, 32_768)),
        (8, 17_000, (8192, 20_480)),
        (16, 122_880, (16_384, 122_880)),
    ],
)
def test_needs_are_rounded_up_to_what_fargate_sells(
    vcpu: float | None, memory_mb: int | None, size: tuple[int, int]
) -> None:
    assert round_up(vcpu, memory_mb) == FargateSize(*size)
    assert size[1] in MEMORY_MB[size[0]]


def test_rounding_up_is_said_where_the_file_asks() -> None:
    warnings = parsed("memory: 9000M, cpu: 1.5", EVERYTHING).warnings
    assert [(w.path, w.code) for w in warnings] == [
        ("tasks[0].memory", WarningCode.ROUNDED_UP),
        ("tasks[0].cpu", WarningCode.ROUNDED_UP),
    ]
    assert all("2 vCPU and 9 GB" in w.message for w in warnings)
    assert not parsed("memory: 9G, cpu: 2", EVERYTHING).warnings


def test_an_hour_of_a_vcpu_and_three_gigabytes_costs_what_fargate_bills() -> None:
    assert round(fargate_usd_per_second(1, 3072) * 3600, 4) == 0.0538
    (row,) = [row for row in EVERYTHING.rows if row.kind is PlaceKind.FARGATE]
    assert row.usd_per_second(Needs(vcpu=1, memory_mb=3072)) == fargate_usd_per_second(1, 3072)


def test_on_lambda_a_second_costs_its_size() -> None:
    per_second = {row.name: row.usd_per_second(Needs()) for row in EVERYTHING.rows}
    assert per_second["lambda-2048"] == pytest.approx(2 * 0.0000166667)
    assert per_second["queue:gpu"] is None


@pytest.mark.parametrize(
    "value", ["2", "2 T", "G", "-1G", "1e3M", "0M", "'{{ params.m }}'", "5000G", "[1G]"]
)
def test_what_is_no_amount_of_memory_is_a_problem(value: str) -> None:
    assert problem_of(f"memory: {value}", EVERYTHING)[0] == "tasks[0].memory"


@pytest.mark.parametrize(
    "value",
    ["alpine", "python:3.13-slim", "ghcr.io/a/b_c:1", "localhost:5000/x/y", "a__b/c--d.e:A_.-"],
)
def test_an_image_is_named_as_for_docker(value: str) -> None:
    assert place_of(f"image: '{value}'") == "fargate"


@pytest.mark.parametrize(
    "value", ["A", "a b", "-a", "a:", "a/", "--privileged", "a@sha256:12", "'{{ ds }}'", "a;b"]
)
def test_what_is_no_name_of_an_image_is_a_problem(value: str) -> None:
    assert problem_of(f'image: "{value.strip(chr(39))}"', EVERYTHING)[0] == "tasks[0].image"


@pytest.mark.parametrize("value", ["a b", "-a", "a.b", "x" * 31, "'*'"])
def test_what_is_no_name_of_a_queue_is_a_problem(value: str) -> None:
    assert problem_of(f"queue: {value}", places(worker_queues="*"))[0] == "tasks[0].queue"


@pytest.mark.parametrize("task", ["memory: 2G", "cpu: 1", "image: alpine", "queue: gpu"])
def test_a_task_that_runs_no_command_needs_no_place(task: str) -> None:
    text = f"name: D\ntasks:\n  - {{id: t, trigger_dag_id: e, {task}}}\n"
    with pytest.raises(DagFileError, match="has no effect with trigger_dag_id"):
        parse_file(text.encode(), places=EVERYTHING)


def test_without_an_installation_every_need_is_valid() -> None:
    text = "name: D\ntasks:\n  - {id: t, command: x, queue: gpu}\n"
    assert parse_file(text.encode()).dag.task("t").queue == "gpu"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lambda_memory", "127"),
        ("lambda_memory", "10241"),
        ("lambda_memory", "384,384"),
        ("lambda_memory", "384,x"),
        ("lambda_memory", "128,129,130,131,132,133,134"),
        ("fargate", "maybe"),
        ("worker_queues", "a b"),
    ],
)
def test_a_setting_that_names_no_places_is_refused(name: str, value: str) -> None:
    with pytest.raises(config.BadSetting, match=name.upper()):
        places(**{name: value})
