"""Where tasks are sent, and what becomes of them when the installation's places change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chalicelib.database.reads.wait_reasons import WaitingFor
from chalicelib.enums import WaitingCode
from chalicelib.messages import TaskMessage
from chalicelib.scheduler import registration
from chalicelib.scheduler.wait_reasons import Explainer
from chalicelib.utils.time import iso
from tests.support.fakes import FakeQueue
from tests.support.world import FAIL, Played, World

MakeWorld = Callable[..., World]

EVERYTHING = {
    "lambda_memory": "384,2048,8192",
    "fargate": "yes",
    "worker_queues": "gpu",
}
LARGE = "name: D\ntasks: [{id: t, command: x, memory: 2G}]"


def sent_to(world: World) -> dict[str, list[TaskMessage]]:
    """The messages in the queue of each place that has any."""
    bodies = {name: queue.bodies() for name, queue in world.task_queues.items()}
    return {name: [TaskMessage.decode(b) for b in bodies[name]] for name in bodies if bodies[name]}


def test_each_task_is_sent_to_the_queue_of_its_place_with_what_it_needs(
    make_world: MakeWorld,
) -> None:
    world = make_world(**EVERYTHING)
    world.upload(
        "name: D\ntasks:\n"
        "  - {id: small, command: x}\n"
        "  - {id: large, command: x, memory: 2G}\n"
        "  - {id: boxed, command: x, image: alpine, cpu: 2, memory: 3G, retries: 1}\n"
        "  - {id: far, command: x, queue: gpu}\n"
    )
    run_id = world.request("d")
    messages = {
        place: [
            (m.attempt.task_id, m.place, m.image, m.vcpu, m.memory_mb, m.has_retries) for m in sent
        ]
        for place, sent in sent_to(world).items()
    }
    assert messages == {
        "lambda": [("small", "lambda", None, None, None, False)],
        "lambda-2048": [("large", "lambda-2048", None, None, 2048, False)],
        "fargate": [("boxed", "fargate", "alpine", 2, 3072, True)],
        "queue:gpu": [("far", "queue:gpu", None, None, None, False)],
    }
    world.play(5)
    assert world.run_state(run_id) == "success"


def test_a_task_on_fargate_is_starting_since_its_message_was_sent_until_it_begins(
    make_world: MakeWorld,
) -> None:
    world = make_world(script=lambda _: Played(seconds=60), **EVERYTHING)
    world.upload("name: D\ntasks: [{id: boxed, command: x, image: alpine}]")
    run_id = world.request("d")
    sent_at = world.clock()
    world.clock.advance(20)
    name = (run_id, "boxed", -1)

    def reasons() -> tuple[tuple[WaitingFor, ...], tuple[WaitingFor, ...]]:
        with world.database.read() as tx:
            explainer = Explainer(world.scheduler, tx)
            return explainer.tasks([name])[name], explainer.run(run_id)

    (of_task,), (of_run,) = reasons()
    assert (of_task.code, of_task.since) == (WaitingCode.STARTING, sent_at)
    assert of_task.message.startswith(f"has been starting on Fargate since {iso(sent_at)}")
    assert of_run == replace(of_task, message=f"task boxed {of_task.message}")
    world.play(5)
    assert world.task_states(run_id) == {"boxed": "running"}
    assert reasons() == ((), ())


def test_the_last_try_has_no_retries_left(make_world: MakeWorld) -> None:
    seen: list[bool] = []

    def fail(message: TaskMessage) -> Played:
        seen.append(message.has_retries)
        return FAIL

    world = make_world(fail)
    world.upload("name: D\ntasks: [{id: t, command: x, retries: 1, retry_delay: 1}]")
    world.request("d")
    world.play(120)
    assert seen == [True, False]


def test_a_task_whose_size_was_removed_goes_to_the_next_one_that_has_it(
    make_world: MakeWorld,
) -> None:
    world = make_world(**EVERYTHING)
    world.upload(LARGE)
    world.change_places(lambda_memory="384,8192")
    run_id = world.request("d")
    assert list(sent_to(world)) == ["lambda-8192"]
    world.play(5)
    assert world.run_state(run_id) == "success"


def test_a_message_lost_with_its_queue_is_sent_to_another_place(make_world: MakeWorld) -> None:
    world = make_world(**EVERYTHING)
    world.upload(LARGE)
    run_id = world.request("d")
    assert list(sent_to(world)) == ["lambda-2048"]
    world.change_places(lambda_memory="384", fargate="yes")
    world.clock.advance(200)
    world.tick()
    assert list(sent_to(world)) == ["fargate"]
    world.play(5)
    assert world.run_state(run_id) == "success"


def test_a_task_without_any_place_left_fails_and_says_what_to_deploy(
    make_world: MakeWorld,
) -> None:
    world = make_world(**EVERYTHING)
    world.upload(LARGE)
    waiting = world.request("d")
    world.change_places(lambda_memory="384", fargate="no", worker_queues="")
    failed = world.request("d")
    assert world.run_state(failed) == "failed"
    world.clock.advance(200)
    world.tick()
    assert world.run_state(waiting) == "failed"
    reasons = world.all("SELECT reason FROM task_instances")
    assert all("--lambda-memory 384,2048" in reason for (reason,) in reasons)


def test_a_queue_that_is_gone_keeps_nothing_from_the_others(make_world: MakeWorld) -> None:
    world = make_world(**EVERYTHING)
    world.upload("name: D\ntasks: [{id: a, command: x}, {id: b, command: x, queue: gpu}]")
    queues = {name: queue for name, queue in world.task_queues.items() if name != "queue:gpu"}
    object.__setattr__(world.scheduler, "task_queues", queues)
    world.request("d")
    assert isinstance(queues["lambda"], FakeQueue)
    assert len(queues["lambda"].bodies()) == 1


def problems(world: World) -> list[str]:
    with world.database.read() as tx:
        return [str(row["problems"]) for row in tx.all("SELECT problems FROM import_errors")]


def test_a_file_without_a_place_is_registered_once_there_is_one(make_world: MakeWorld) -> None:
    world = make_world()
    registration.reconcile(world.scheduler)
    world.upload(LARGE)
    assert "--lambda-memory 384,2048" in problems(world)[0]
    assert registration.reconcile(world.scheduler) == 0
    world.change_places(lambda_memory="384,2048")
    assert registration.reconcile(world.scheduler) == 1
    assert problems(world) == []
    world.request("d")
    assert list(sent_to(world)) == ["lambda-2048"]


def test_a_file_whose_place_is_gone_says_so_and_keeps_its_last_version(
    make_world: MakeWorld,
) -> None:
    world = make_world(**EVERYTHING)
    world.upload(LARGE)
    world.upload("name: Other\ntasks: [{id: t, command: x}]", "other.yaml")
    registration.reconcile(world.scheduler)
    world.change_places(lambda_memory="384", fargate="no", worker_queues="")
    registration.reconcile(world.scheduler)
    (problem,) = problems(world)
    assert "no place here has 2 GB of memory" in problem
    versions = dict(world.all("SELECT dag_id, count(*) FROM dag_versions GROUP BY dag_id"))
    assert versions == {"d": 1, "other": 1}
    assert registration.reconcile(world.scheduler) == 0


WIDE = "name: D\nmax_active_tasks: 100\ntasks:\n" + "".join(
    f"  - {{id: t{number}, command: x}}\n" for number in range(30)
)


def test_a_wide_batch_is_spread_over_the_sizes_of_lambda_that_are_alike(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda_memory="384,400,2048", fargate="yes")
    world.upload(WIDE)
    run_id = world.request("d")
    sent = sent_to(world)
    assert {place: len(messages) for place, messages in sent.items()} == {
        "lambda": 15,
        "lambda-400": 15,
    }
    names = [message.attempt.task_id for messages in sent.values() for message in messages]
    assert sorted(names) == sorted(f"t{number}" for number in range(30))
    world.play(5)
    assert world.run_state(run_id) == "success"


def test_a_narrow_batch_and_one_without_a_size_alike_stay_together(make_world: MakeWorld) -> None:
    narrow = make_world(lambda_memory="384,400")
    narrow.upload("name: D\ntasks: [{id: a, command: x}, {id: b, command: x}]")
    narrow.request("d")
    assert {place: len(messages) for place, messages in sent_to(narrow).items()} == {"lambda": 2}
    alone = make_world(lambda_memory="384,2048", worker_queues="gpu")
    alone.upload(WIDE)
    alone.request("d")
    assert {place: len(messages) for place, messages in sent_to(alone).items()} == {"lambda": 30}


def test_a_wide_batch_for_workers_or_a_larger_size_goes_nowhere_else(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda_memory="384,400,2048,2100", worker_queues="gpu,cpu")
    world.upload(WIDE.replace("command: x", "command: x, queue: gpu"))
    world.request("d")
    assert {place: len(messages) for place, messages in sent_to(world).items()} == {"queue:gpu": 30}
    world.play(5)
    world.upload(WIDE.replace("command: x", "command: x, memory: 2G"))
    world.request("d")
    assert {place: len(messages) for place, messages in sent_to(world).items()} == {
        "lambda-2048": 15,
        "lambda-2100": 15,
    }
