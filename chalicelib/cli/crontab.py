"""Turns a crontab into DAG files. Pure.

The rules are those of crontab(5) on Debian: environment lines apply to the entries below them, an
unescaped `%` ends the command and begins its standard input, `@daily` and its like stand for five
fields, and a system crontab names a user before the command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from chalicelib.dag.schedule.cron import BadSchedule, compile_expression

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")
_SAME = {"@midnight": "@daily", "@annually": "@yearly"}
_ENVIRONMENT = re.compile(r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*""")
_ENTRY = re.compile(r"\s*(@\w+|(?:\S+\s+){4}\S+)\s+(\S.*)")
_QUOTED = re.compile(r"""(["'])(.*)\1""")
_KNOWN_SHELLS = ("/bin/sh", "/bin/bash", "/usr/bin/bash", "/bin/dash", "sh", "bash")
_FOLDERS = {"bin", "usr", "opt", "local", "home", "srv", "sbin", "cd", "env", "sudo", "nice"}
DELIMITER = "CRON_INPUT"


@dataclass(frozen=True, slots=True)
class ConvertedDag:
    """A DAG file. `text` is its YAML."""

    dag_id: str
    text: str


@dataclass
class Crontab:
    """The DAGs of a crontab, and notes on what could not be kept, one line each."""

    dags: list[ConvertedDag] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    schedule: str
    command: str
    stdin: str | None
    user: str
    comment: str


@dataclass(frozen=True, slots=True)
class _Environment:
    variables: tuple[tuple[str, str], ...] = ()
    timezone: str = ""
    mail_to: str | None = None
    shell: str = ""

    def set(self, name: str, value: str) -> _Environment:
        if name in ("CRON_TZ", "TZ"):
            return replace(self, timezone=value)
        if name == "MAILTO":
            return replace(self, mail_to=value)
        if name == "SHELL":
            return replace(self, shell=value)
        kept = tuple(row for row in self.variables if row[0] != name)
        return replace(self, variables=(*kept, (name, value)))


def read(text: str, *, has_user: bool) -> Crontab:
    """Convert the lines of a crontab."""
    crontab, environment, comments = Crontab(), _Environment(), ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped:
            comments = ""
        elif stripped.startswith("#"):
            comments = stripped.lstrip("# ").strip() or comments
        elif match := _ENVIRONMENT.fullmatch(line):
            environment = environment.set(match[1], _unquoted(match[2]))
        else:
            entry = _entry(line, number, comments, has_user=has_user)
            comments = ""
            if entry is None:
                crontab.notes.append(f"line {number} is no crontab entry: {stripped}")
            elif entry.schedule == "@reboot":
                crontab.notes.append(f"line {number}: @reboot has no meaning here: {entry.command}")
            else:
                _add(crontab, entry, environment)
    return crontab


def _unquoted(text: str) -> str:
    match = _QUOTED.fullmatch(text)
    return match[2] if match else text


def _entry(line: str, number: int, comment: str, *, has_user: bool) -> _Entry | None:
    match = _ENTRY.fullmatch(line)
    if match is None:
        return None
    schedule, rest = " ".join(match[1].split()), match[2].rstrip()
    user = ""
    if has_user:
        user, _, rest = rest.partition(" ")
        if not rest.strip():
            return None
    command, stdin = _split_input(rest.strip())
    schedule = _SAME.get(schedule.lower(), schedule)
    return _Entry(number, schedule, command, stdin, user, comment)


def _split_input(text: str) -> tuple[str, str | None]:
    r"""The command, and what `%` makes its standard input: further ones are line ends, `\%` is a
    percent sign."""
    first, *rest = re.split(r"(?<!\\)%", text)
    stdin = "\n".join(rest) if rest else None
    return first.replace(r"\%", "%"), stdin.replace(r"\%", "%") if stdin is not None else None


def _add(crontab: Crontab, entry: _Entry, environment: _Environment) -> None:
    taken = {dag.dag_id for dag in crontab.dags}
    of_entry, of_environment = list(_notes(entry, environment)), list(_general_notes(environment))
    dag_id = _free(_word(entry), taken)
    crontab.notes += [f"line {entry.line}: {note}" for note in of_entry]
    crontab.notes += [note for note in of_environment if note not in crontab.notes]
    text = _yaml(dag_id, entry, environment, [*of_entry, *of_environment])
    crontab.dags.append(ConvertedDag(dag_id, text))


def _schedule_problem(schedule: str) -> str | None:
    try:
        compile_expression(schedule)
    except BadSchedule as error:
        return str(error)
    return None


def _notes(entry: _Entry, environment: _Environment) -> Iterator[str]:
    if entry.schedule.startswith("@") and entry.schedule.lower() not in PRESETS:
        yield f"{entry.schedule} is unknown: set the schedule"
    elif problem := _schedule_problem(entry.schedule):
        yield f"{problem}: correct the schedule"
    if entry.user:
        yield f"the user {entry.user} cannot be kept: commands have no user of their own"
    if "HOME" in dict(environment.variables) or re.search(r"(^|\s)(~|\./)", entry.command):
        yield "cron starts in the home directory, a task in an empty one: use absolute paths or cwd"


def _general_notes(environment: _Environment) -> Iterator[str]:
    """What is said once, however many entries it is about."""
    if environment.mail_to:
        yield f"MAILTO={environment.mail_to}: output is kept as a log; see on_failure for messages"
    if not environment.timezone:
        yield "no CRON_TZ: cron used the machine's time zone; set timezone"
    if environment.shell and environment.shell not in _KNOWN_SHELLS:
        yield f"SHELL={environment.shell}: commands run in bash where there is one, else in sh"


def _word(entry: _Entry) -> str:
    """A name for the DAG, by the program that the command runs."""
    for word in re.split(r"[\s;&|()]+", entry.command):
        name = re.sub(r"[^a-z0-9]+", "_", word.rsplit("/", 1)[-1].lower()).strip("_")
        if name and "=" not in word and not word.startswith("-") and name not in _FOLDERS:
            return name[:60]
    return f"line_{entry.line}"


def _free(word: str, taken: set[str]) -> str:
    if word not in taken:
        return word
    return next(name for n in range(2, len(taken) + 3) if (name := f"{word}_{n}") not in taken)


def _yaml(dag_id: str, entry: _Entry, environment: _Environment, notes: list[str]) -> str:
    lines = [f"# {note}" for note in notes]
    lines += [f"name: {_text(entry.comment or dag_id)}", f"dag_id: {dag_id}"]
    lines.append(f"schedule: {_text(entry.schedule)}")
    if environment.timezone:
        lines.append(f"timezone: {_text(environment.timezone)}")
    variables = [row for row in environment.variables if row[0] != "HOME"]
    if variables:
        lines.append("env:")
        lines += [f"  {name}: {_text(_literal(value))}" for name, value in variables]
    lines += ["tasks:", "  - id: run", f"    command: {_text(_literal(_command(entry)))}"]
    return "\n".join(lines) + "\n"


def _command(entry: _Entry) -> str:
    if entry.stdin is None:
        return entry.command
    return f"{{\n{entry.command}\n}} <<'{DELIMITER}'\n{entry.stdin}\n{DELIMITER}\n"


def _literal(text: str) -> str:
    """`text` for a field in which two braces begin a template."""
    return text.replace("{{", "{{ '{{' }}")


def _text(text: str) -> str:
    """A YAML scalar: JSON's strings are YAML's, too."""
    return json.dumps(text, ensure_ascii=False)
