"""The table of contents: the entry points and the REST API, implemented in chalicelib."""

from __future__ import annotations

import os
import sys
from typing import Any

if os.environ.get("AWS_CHALICE_CLI_MODE"):  # never in Lambda
    from chalicelib.local import (
        check_packages,
        check_python_version,
        check_settings,
        install_if_deploying,
    )

    check_python_version()
    check_packages("croniter", "jinja2", "re2", "yaml")
    check_settings()
    install_if_deploying()
if os.environ.get("_HANDLER") == "app.execute":  # in Lambda, where commands run beside it
    from chalicelib.executor.sandbox import close_program

    close_program(sys.orig_argv)

from chalice.app import Chalice, Cron, Rate

from chalicelib import bootstrap, config, web
from chalicelib.enums import PlaceKind
from chalicelib.places import installed
from chalicelib.utils.logging import configure as configure_logging

settings = config.load()
configure_logging(settings.log_level, warnings=config.unknown())

app = Chalice(app_name="orchestrator", configure_logs=False)  # its handler would double ours
web.register(app, auth=settings.auth)


@app.on_s3_event(bucket=settings.dags_bucket, events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
def register(event: Any) -> None:
    """Register a DAG file that was uploaded, changed or removed, or a file beside one."""
    from chalicelib.scheduler import file_events

    file_events.register(bootstrap.scheduler(), file_events.keys_of(event.to_dict()))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def tick(event: Any) -> None:  # noqa: ARG001 - the clock says all
    """Create what is due and repair what went silent, once a minute."""
    from chalicelib.scheduler.tick import tick as run_tick

    run_tick(bootstrap.scheduler())


@app.schedule(Cron("17", "3", "*", "*", "?", "*"))
def backup(event: Any) -> dict[str, Any]:  # noqa: ARG001 - there is one thing to do
    """Back up the database, once a day."""
    from chalicelib.admin import backup as database_backup

    return database_backup.back_up(bootstrap.backup_context())


# IAM decides who may invoke it: no event and no route leads here.
@app.lambda_function(name="admin")
def admin(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Create access tokens, back up, or restore, for an administrator."""
    from chalicelib.admin import commands

    return commands.execute(event, bootstrap.scheduler, bootstrap.backup_context)


# Two at once: more would only wait for SQLite's one write lock.
@app.on_sqs_message(queue=settings.results_queue, batch_size=10, maximum_concurrency=2)
def apply(event: Any) -> None:
    """Apply the reports of executors."""
    from chalicelib.scheduler import results

    results.apply_backlog(bootstrap.scheduler(), [record.body for record in event])


# The places whose queue starts a function; which those are, the settings say.
for place in installed(settings).with_functions:
    from_queue = app.on_sqs_message(queue=place.queue, batch_size=1, name=place.function)

    if place.kind is PlaceKind.LAMBDA:

        @from_queue
        def execute(event: Any) -> None:
            """Run a task that is ready: a function for each Lambda size."""
            for record in event:
                bootstrap.executor().handle(
                    record.body,
                    time_left=lambda: event.context.get_remaining_time_in_millis() / 1000,
                )

    elif place.kind is PlaceKind.FARGATE:

        @from_queue
        def launch(event: Any) -> dict[str, Any]:
            """Start tasks on Fargate, or renew the session of the container beside a command."""
            return bootstrap.launcher().handle_event(event.to_dict())


if os.environ.get("AWS_CHALICE_CLI_MODE"):  # never in Lambda
    from chalicelib.local import start_if_serving

    start_if_serving(app)
