"""The stage's part of Chalice's configuration."""

from __future__ import annotations

import pytest
from chalice.app import ScheduledEventConfig

from chalicelib import config
from infra.errors import InfraError
from infra.functions import FUNCTIONS, LEAST_COMPRESSED_BYTES, stage_config
from infra.names import Stage
from tests.unit.infra.installation import OUTPUTS, PROD


def test_every_function_of_the_app_is_in_the_table() -> None:
    import app

    handlers = {source.name for source in app.app.event_sources}
    handlers |= {function.name for function in app.app.pure_lambda_functions}
    assert handlers | {"api_handler"} == {function.name for function in FUNCTIONS}


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_the_variables_of_every_function_are_settings_that_it_can_read(function: str) -> None:
    whole = stage_config(PROD.stage, OUTPUTS)
    own = whole["lambda_functions"][function].get("environment_variables", {})
    settings = config.load({**whole["environment_variables"], **own})
    assert settings.dags_bucket == OUTPUTS["DagsBucket"]
    assert settings.runs_bucket == OUTPUTS["RunsBucket"]
    assert settings.tasks_queue == OUTPUTS["TasksQueue"]
    assert settings.results_queue == OUTPUTS["ResultsQueue"]
    assert settings.dead_letter_queue == OUTPUTS["TasksDeadQueue"]
    assert settings.backups_bucket == OUTPUTS["BackupsBucket"]
    assert settings.database.startswith("/mnt/") == (function != "execute")


def test_only_the_executor_is_told_the_task_role() -> None:
    functions = stage_config(PROD.stage, OUTPUTS)["lambda_functions"]
    for name, found in functions.items():
        told = found.get("environment_variables", {}).get("ORCHESTRATOR_TASK_ROLE")
        assert told == (OUTPUTS["TaskRoleArn"] if name == "execute" else None)


def test_everything_that_the_app_has_scheduled_is_scheduled_in_the_table() -> None:
    import app

    scheduled = {s.name for s in app.app.event_sources if isinstance(s, ScheduledEventConfig)}
    assert scheduled == {function.name for function in FUNCTIONS if function.is_scheduled}


def test_the_functions_run_on_the_python_and_the_processors_of_the_stack() -> None:
    def chosen(**outputs: str) -> tuple[str, str]:
        whole = stage_config(PROD.stage, {**OUTPUTS, **outputs})
        settings = config.load(whole["environment_variables"])
        assert settings.architecture == whole["lambda_architecture"]  # for the price of runs
        return whole["lambda_python_version"], whole["lambda_architecture"]

    assert chosen() == ("python3.13", "x86_64")
    assert chosen(Python="3.14", Architecture="arm64") == ("python3.14", "arm64")


def test_with_ipv6_the_database_functions_use_the_names_that_have_such_addresses() -> None:
    functions = stage_config(PROD.stage, {**OUTPUTS, "Network": "ipv6"})["lambda_functions"]
    for name, found in functions.items():
        used = found.get("environment_variables", {}).get("AWS_USE_DUALSTACK_ENDPOINT")
        assert used == (None if name == "execute" else "true")


def test_the_api_is_regional_and_roles_are_not_guessed_by_chalice() -> None:
    whole = stage_config(PROD.stage, OUTPUTS)
    assert whole["api_gateway_endpoint_type"] == "REGIONAL"
    assert whole["minimum_compression_size"] == LEAST_COMPRESSED_BYTES
    assert whole["autogen_policy"] is False
    files = [found["iam_policy_file"] for found in whole["lambda_functions"].values()]
    assert len(set(files)) == len(FUNCTIONS)


@pytest.mark.parametrize("name", ["", "Prod", "my-prod", "1a", "a" * 17, "prod\n"])
def test_a_stage_name_that_would_make_names_collide_or_fail_is_refused(name: str) -> None:
    with pytest.raises(InfraError, match="--stage"):
        Stage(name)


def test_the_names_of_two_stages_never_meet() -> None:
    stages = [Stage("x"), Stage("xtick"), Stage("prod"), Stage("prod2")]
    names = [s.function(f.name) for s in stages for f in FUNCTIONS]
    assert len(set(names)) == len(names)
