"""The programs that run scripts: which of them are shells, and what their scripts must not hold."""

from __future__ import annotations

import re

from chalicelib.dag.shell.mode_changes import is_harmless_set
from chalicelib.dag.shell.shell_names import word_set
from chalicelib.shebang import (
    Interpreter,
    is_script,
    read_shebang,
    several_arguments_message,
    shebang_problem,
)

_VERSION = r"(?:-static)?(?:-?[0-9][0-9A-Za-z.+_-]*)?"
_SHELLS = re.compile(rf"(?:r?bash|sh|dash|ash|r?zsh|(?:r|m|rm|l|rl|o|pd)?ksh){_VERSION}")
_CALCULATING = re.compile(rf"(?:r?zsh|[a-z]*ksh){_VERSION}")
_HARMLESS_OPTIONS = word_set("--login -l --noprofile --norc --posix")

CALCULATING_SHELL_VARIABLES = word_set(
    """
    ARGC BAUD COLUMNS CORRECT_IGNORE DIRSTACKSIZE EGID ERRNO GID KEYTIMEOUT LINES LISTMAX LOGCHECK
    MODULE_PATH NULLCMD PROMPT PROMPT2 PROMPT3 PROMPT4 PSVAR READNULLCMD RPROMPT RPROMPT2 RPS1 RPS2
    SAVEHIST SPROMPT TIMEFMT TRY_BLOCK_ERROR TRY_BLOCK_INTERRUPT TTYIDLE USERNAME WATCH WATCHFMT
    WORDCHARS ZDOTDIR ZLS_COLORS ZSH_EVAL_CONTEXT aliases argv builtins cdpath commands dirstack
    dis_aliases dis_functions fignore fpath functions functions_source galiases history historywords
    jobdirs jobstates jobtexts keymaps mailpath manpath module_path modules nameddirs options
    parameters patchars path pipestatus prompt psvar reswords saliases signals status sysparams
    termcap terminfo userdirs usergroups watch widgets zsh_eval_context
    """
)
"""Further variables that zsh or ksh acts on: it evaluates their values, runs them, or looks there
for code. From zsh's manual, chapters "Parameters" and "The zsh/parameter Module"."""


def is_shell(interpreter: Interpreter | None) -> bool:
    return interpreter is not None and _SHELLS.fullmatch(interpreter.name) is not None


def is_read_by_a_shell(command: str) -> bool:
    """Whether the command is in a shell's language: no script, or the script of a shell."""
    shebang = read_shebang(command)
    return shebang is None or is_shell(shebang.interpreter)


def is_calculating(script: str) -> bool:
    """Whether the script is one of ksh or zsh, which take more text for arithmetic than others."""
    shebang = read_shebang(script)
    name = shebang.interpreter.name if shebang and shebang.interpreter else ""
    return _CALCULATING.fullmatch(name) is not None


def script_problem(command: str) -> str:
    """Return why the command, if it is a script, cannot run, and what to write; else nothing."""
    shebang = read_shebang(command)
    if problem := shebang_problem(command):
        return problem
    if shebang and shebang.has_several_arguments and is_shell(shebang.interpreter):
        instead = f"/usr/bin/env -S {shebang.name}"
        return several_arguments_message(shebang, instead)
    return ""


def template_refusal(before: str) -> str:
    """Return why no template may stand in a command, or nothing; `before` is its text up to the
    first value."""
    if not is_script(before):
        return ""
    if "\n" not in before:
        return "the first line of a script, which names its program, cannot hold a template"
    shebang = read_shebang(before)
    interpreter = shebang.interpreter if shebang else None
    if shebang is None or not is_shell(interpreter):
        name = interpreter.name if interpreter and interpreter.name else "its program"
        return f"only scripts of a shell can hold templates, because {name} may read values as code"
    if interpreter is not None and not _are_harmless(interpreter.arguments):
        options = " ".join(interpreter.arguments)
        return (
            "templates are only allowed in a script that is understood completely, and the options "
            f"{options} on its first line may change how it is read"
        )
    return ""


def _are_harmless(arguments: tuple[str, ...]) -> bool:
    options = [text for text in arguments if text not in _HARMLESS_OPTIONS]
    has_operand = any(text[:1] not in ("-", "+") for text in _without_names(options))
    return not has_operand and is_harmless_set([*options])


def _without_names(options: list[str]) -> list[str]:
    """Drop the words after `-o`, which are names of options."""
    pairs = zip(["", *options], options, strict=False)
    return [text for before, text in pairs if not re.fullmatch(r"[-+][a-zA-Z]*o", before)]
