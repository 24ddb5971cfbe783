"""Runs one command, and words whatever a user can get wrong in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from chalicelib.cli.failure import FAILED, INTERRUPTED, USAGE, CliFailure
from chalicelib.cli.verbs import VerbGroup
from chalicelib.errors import OrchestratorError

PROGRAM = "orchestrator"


@click.group(
    cls=VerbGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 fine; 1 a run, a test or a file failed; 2 wrong usage; 3 no installation"
    " that answers.",
)
def root() -> None:
    """Check, run, test and operate DAGs of shell commands.

    \b
    orchestrator run examples/sample_dag.yaml
    orchestrator trigger sample_dag --follow
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of `arguments`, or of the command line. Returns the exit code."""
    stdout = sys.stdout
    try:
        result = root.main(
            args=None if arguments is None else list(arguments),
            prog_name=PROGRAM,
            standalone_mode=False,
        )
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _fail(_usage_line(error), USAGE)
    except CliFailure as failure:
        return _fail(failure.message, failure.exit_code)
    except OrchestratorError as error:
        return _fail(error.message)
    except BrokenPipeError:
        return _after_broken_pipe()
    except SystemExit as end:
        if sys.stdout is not stdout:  # click replaces it when it meets a broken pipe
            return 0
        return end.code if isinstance(end.code, int) else FAILED
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except OSError as error:
        return _fail(_file_line(error))
    except UnicodeDecodeError:
        return _fail("the file is not UTF-8 text: save it as UTF-8")
    return result if isinstance(result, int) else 0


def _usage_line(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see {ctx.command_path} --help)" if ctx is not None else message


def _file_line(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{(error.strerror or str(error)).lower()}"


def _fail(message: str, exit_code: int = 1) -> int:
    sys.stderr.write(f"error: {message}\n")
    return exit_code


def _after_broken_pipe() -> int:
    """The reader, such as `head`, has read enough. Python would complain at exit, when it flushes
    stdout once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
