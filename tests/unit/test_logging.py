from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.utils.logging import JsonFormatter, ReadableFormatter, bind, configure

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "orchestrator-dev-tick"}
log = logging.getLogger("orchestrator.scheduler")


@pytest.fixture(autouse=True)
def _the_log_as_it_was() -> Iterator[None]:
    loggers = [logging.getLogger(), logging.getLogger("orchestrator")]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
def on_lambda() -> io.StringIO:
    stream = io.StringIO()
    configure("INFO", environ=LAMBDA, stream=stream)
    return stream


@pytest.fixture
def at_home() -> io.StringIO:
    stream = io.StringIO()
    configure("INFO", environ={}, stream=stream)
    return stream


def only_line(stream: io.StringIO) -> dict[str, Any]:
    """Fails unless exactly one line was written."""
    (line,) = stream.getvalue().splitlines()
    value: dict[str, Any] = json.loads(line)
    return value


def fail() -> None:
    raise ValueError("first line\nsecond line")


def test_a_line_on_lambda_is_one_json_object_with_its_ids(on_lambda: io.StringIO) -> None:
    log.info("run admitted", extra={"dag_id": "sample_dag", "run_id": "r1", "try_number": 2})
    line = only_line(on_lambda)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "orchestrator.scheduler",
        "message": "run admitted",
        "dag_id": "sample_dag",
        "run_id": "r1",
        "try_number": 2,
    }


def test_bound_ids_are_on_every_line_inside_and_on_none_outside(on_lambda: io.StringIO) -> None:
    with bind(dag_id="a", run_id="r1"):
        with bind(run_id="r2", task_id="t"):
            log.info("inner")
        log.info("outer")
    log.info("none")
    lines = [json.loads(line) for line in on_lambda.getvalue().splitlines()]
    ids = [[line.get(name) for name in ("dag_id", "run_id", "task_id")] for line in lines]
    assert ids == [["a", "r2", "t"], ["a", "r1", None], [None, None, None]]


def test_the_ids_of_the_call_win_over_bound_ones(on_lambda: io.StringIO) -> None:
    with bind(task_id="bound"):
        log.info("x", extra={"task_id": "given"})
    assert only_line(on_lambda)["task_id"] == "given"


def test_bound_ids_end_with_an_exception(on_lambda: io.StringIO) -> None:
    with pytest.raises(ValueError, match="first"), bind(dag_id="a"):
        fail()
    log.info("after")
    assert "dag_id" not in only_line(on_lambda)


def test_an_exception_becomes_fields_of_its_one_line(on_lambda: io.StringIO) -> None:
    try:
        fail()
    except ValueError:
        log.exception("could not\ntick")
    error = only_line(on_lambda)["error"]
    assert error["type"] == "ValueError"
    assert error["message"] == "first line\nsecond line"
    assert "in fail" in error["trace"]


def test_a_library_s_warning_is_json_too_and_its_info_is_left_out(on_lambda: io.StringIO) -> None:
    logging.getLogger("botocore").info("noise")
    logging.getLogger("botocore").warning("slow down")
    assert only_line(on_lambda)["message"] == "slow down"


def test_an_endless_line_is_cut_but_still_json(on_lambda: io.StringIO) -> None:
    # Twelve bytes each when escaped, the worst there is.
    huge = "\U0001f600" * 1_000_000
    try:
        raise ValueError(huge)
    except ValueError:
        log.exception(huge, extra={"reason": huge})
    line = only_line(on_lambda)
    assert "characters cut" in line["message"]
    assert "characters cut" in line["reason"]
    assert len(on_lambda.getvalue()) < 256_000


@pytest.mark.parametrize(
    "value",
    [float("nan"), object(), {("a", "b"): 1}, {1, 2}, b"\xff", "\udcff"],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_json_cannot_say_is_logged_as_text(
    on_lambda: io.StringIO, value: object
) -> None:
    log.info("x", extra={"odd": value})
    assert isinstance(only_line(on_lambda)["odd"], str)


def test_counts_keep_their_shape(on_lambda: io.StringIO) -> None:
    log.info("ticked", extra={"did": {"runs_created": 3}, "level": "high", "absent": None})
    line = only_line(on_lambda)
    assert line["did"] == {"runs_created": 3}
    assert (line["level"], line["level_"]) == ("INFO", "high")
    assert "absent" not in line


def test_a_wrong_format_string_does_not_lose_the_line() -> None:
    record = logging.makeLogRecord({"name": "orchestrator", "msg": "%d runs", "args": ("three",)})
    for formatter in (JsonFormatter(), ReadableFormatter()):
        assert "'%d runs' ('three',)" in formatter.format(record)


def test_a_line_at_home_reads_well_and_carries_the_ids(at_home: io.StringIO) -> None:
    with bind(dag_id="a"):
        log.warning("attempt lost", extra={"task_id": "t"})
    clock, text = at_home.getvalue().split(" ", 1)
    assert len(clock) == len("10:00:00.123")
    assert text == "WARNING scheduler: attempt lost  dag_id=a task_id=t\n"


def test_a_trace_at_home_stands_below_its_line(at_home: io.StringIO) -> None:
    try:
        fail()
    except ValueError:
        log.exception("could not tick")
    head, *trace = at_home.getvalue().splitlines()
    assert head.endswith("ERROR   scheduler: could not tick")
    assert trace[0].startswith("Traceback")


def test_the_level_holds_for_our_own_lines(at_home: io.StringIO) -> None:
    configure("WARNING", environ={}, stream=at_home)
    log.info("quiet")
    assert at_home.getvalue() == ""


def test_no_line_appears_twice_whatever_was_configured_before() -> None:
    runtime, chalice, ours = io.StringIO(), io.StringIO(), io.StringIO()
    logging.getLogger().addHandler(LambdaLoggerHandler(runtime))
    logging.getLogger().addHandler(logging.StreamHandler(chalice))
    app_log = logging.getLogger("orchestrator")
    app_log.addHandler(logging.StreamHandler(chalice))
    app_log.propagate = False
    configure("INFO", environ=LAMBDA, stream=ours)
    configure("INFO", environ=LAMBDA, stream=ours)
    log.info("once")
    assert (runtime.getvalue(), chalice.getvalue()) == ("", "")
    assert only_line(ours)["message"] == "once"


def test_handlers_that_capture_are_left_in_place(caplog: pytest.LogCaptureFixture) -> None:
    configure("INFO", environ={}, stream=io.StringIO())
    log.info("seen")
    assert caplog.messages == ["seen"]


class LambdaLoggerHandler(logging.StreamHandler[io.StringIO]):
    """Has the name that awslambdaric's own handler has."""
