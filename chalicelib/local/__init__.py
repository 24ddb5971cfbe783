"""The local cloud: what `chalice local` runs beside its HTTP server. Never imported on Lambda.

app.py --start_if_serving--> start.py: check everything, open the database, then serve the API
                                |
                                '--after the first answer--> cloud.py: moto, buckets, queues, loops

Starting
  command_line       does this process serve `chalice local`, and at which address
  deploy_command     makes `chalice deploy` install everything
  python_versions    the supported Python versions
  start              starts the local cloud: first everything that may fail
  wiring             which class is behind which port
  late_ports         ports that wait until what is behind them is built
  startup_error      why it cannot start: one line on stderr and an exit code
  home               the state folder and its lock
  aws_env            the AWS variables of this process and of commands
  lambda_path        a PATH with no more programs than Lambda's image has

Running
  cloud              builds everything behind the ports, and starts the loops
  loops              call the entry points: the schedule, bucket events, the two queues
  events             events and contexts as Lambda passes them

Storage
  dags_folder        copies the folder of DAG files to the dags bucket
  folder_scan        which entries of that folder can be copied
  files_beside       the files that a DAG file of that folder wants beside it
  dags_bucket        a copy of each bucket on disk
  durable_bucket     the runs bucket: a folder, mirrored in moto on demand
  folder_bucket      a Bucket in a folder
  journaled_bucket   the same, with creations that share one write to the disk
  creation_journal   the journal of these creations
  in_process_bucket  a Bucket on moto's objects, without botocore between
  in_process_queue   a Queue on moto's queues, without botocore between
  moto_queue         moto's SQS queue, safe for threads and fast with a backlog
  moto_events        a listener for every change in moto's S3

HTTP
  api_server         the server of the page and the API
  download_links     signed links to objects that it streams
  s3_endpoint        the server of S3 and SQS
  moto_server        its socket, moto, and what a request is about
  http_guard         rejects requests of other web pages and malformed HTTP, for both servers
"""

from __future__ import annotations

from typing import Any


def start_if_serving(app: Any) -> None:
    """Start the local cloud if this process serves `chalice local`. Ends the process, with one line
    on stderr, if it cannot start."""
    from chalicelib.local.command_line import serve_options

    serving = serve_options()
    if serving is not None:
        from chalicelib.local.start import start
        from chalicelib.web import answer_unknown_paths

        answer_unknown_paths(app)
        start(app.handler_map, serving)


def install_if_deploying() -> None:
    """Make `chalice deploy` install everything."""
    from chalicelib.local import deploy_command

    deploy_command.install_if_deploying()


def check_python_version() -> None:
    """End any chalice command that runs on an unsupported Python, with one line that names it."""
    from chalicelib.local import python_versions

    problem = python_versions.refusal()
    if problem:
        from chalicelib.local.startup_error import StartupError, exit_with

        exit_with(StartupError(problem))


def check_packages(*names: str) -> None:
    """End the process, with one line instead of a traceback, if a package cannot be imported."""
    from importlib import import_module

    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            from chalicelib.local.startup_error import StartupError, exit_with

            missing = error.name or name
            exit_with(
                StartupError(
                    f"the package {missing} is missing; run `pip install -r requirements-dev.txt`"
                    " in the environment of this `chalice`"
                )
            )


def check_settings() -> None:
    """End any chalice command with invalid settings, with one line instead of a traceback."""
    from chalicelib import config

    try:
        config.load()
    except config.BadSetting as error:
        from chalicelib.local.startup_error import USAGE_ERROR, StartupError, exit_with

        exit_with(StartupError(str(error), USAGE_ERROR))
