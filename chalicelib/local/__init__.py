"""The local cloud: what `chalice local` runs beside its HTTP server. Never imported in Lambda.

app.py --start_if_serving--> start.py: may we? --> cloud.py: moto, disk, database, loops

api_server       the HTTP server of page and API under `chalice local`
aws_env          what this process and the commands know of AWS
cloud            the whole cloud in one process
command_line     what was asked of the chalice command line
dags_bucket      A bucket's other half
dags_folder      the folder of DAG files, copied into the dags bucket at the start and at every
deploy_command   `chalice deploy` is the whole installation
durable_bucket   the runs bucket of the local cloud
events           events and contexts as Lambda hands them to the entry points
folder_bucket    A Bucket in a folder
folder_scan      what lies in the folder of DAG files
home             the folder in which the local cloud keeps its state, and the lock that makes it
http_guard       what both HTTP servers of the local cloud do before they answer a request
loops            what calls the entry points
moto_events      every object that is made or removed in moto's S3, told in the thread that does
moto_queue       moto's SQS queue, made fit for threads and for a backlog
moto_server      what the endpoint of the local S3 and SQS is made of
orphans          commands that outlive the local cloud, and their end
python_versions  which Pythons can run this
s3_endpoint      the HTTP endpoint of the local S3 and SQS
start            the start of the local cloud
startup_error    the local cloud's way to say that it cannot start
"""

from __future__ import annotations

from typing import Any


def start_if_serving(app: Any) -> None:
    """Start the local cloud if this is the process of `chalice local` that serves; else do nothing.
    Ends the process, with one line on stderr, if it cannot be started."""
    from chalicelib.local.command_line import what_is_served

    serving = what_is_served()
    if serving is not None:
        from chalicelib.local.start import start
        from chalicelib.web import answer_unknown_paths

        answer_unknown_paths(app)
        start(app.handler_map, serving)


def install_if_deploying() -> None:
    """Let `chalice deploy` be the whole installation."""
    from chalicelib.local import deploy_command

    deploy_command.install_if_deploying()


def refuse_other_pythons() -> None:
    """End any chalice command under a Python that this does not support, with one line that names
    it."""
    from chalicelib.local import python_versions

    problem = python_versions.refusal()
    if problem:
        from chalicelib.local.startup_error import Refusal, leave

        leave(Refusal(problem))


def refuse_missing_packages(*names: str) -> None:
    """End the process, with one line instead of a traceback, if one of them cannot be imported."""
    from importlib import import_module

    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            from chalicelib.local.startup_error import Refusal, leave

            missing = error.name or name
            leave(
                Refusal(
                    f"the package {missing} is missing; run `pip install -r requirements-dev.txt`"
                    " in the environment of this chalice"
                )
            )


def refuse_bad_settings() -> None:
    """End any chalice command whose settings cannot be used, with one line instead of a
    traceback."""
    from chalicelib import config

    try:
        config.load()
    except config.BadSetting as error:
        from chalicelib.local.startup_error import WRONG_REQUEST, Refusal, leave

        leave(Refusal(str(error), WRONG_REQUEST))
