"""Names with a meaning of their own in a shell: builtins, keywords, variables, options.

Sources: the manuals of bash 5.3 and dash 0.5.12, POSIX.1-2024, and those of ksh93, mksh, zsh
and BusyBox ash for further builtins that a script's shell may have.
"""

from __future__ import annotations

import re


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


BUILTINS = word_set(
    """
    . : [ alias autoload bg bind break builtin caller cd chdir command compgen complete compopt
    continue declare dirs disown echo emulate enable eval exec exit export false fc fg float getopts
    global hash help hist history integer jobs kill let local logout mapfile nameref newgrp
    nocorrect noglob popd print printf pushd pwd read readarray readonly return sched set setopt
    shift shopt source suspend test times trap true type typeset ulimit umask unalias unset unsetopt
    vared wait whence zcompile zformat zle zmodload zparseopts zregexparse zstyle
    """
)

KEYWORDS = word_set(
    """
    ! case coproc do done elif else esac fi for function if in select then time until while { }
    [[ ]]
    """
)

SHELL_COMMANDS = word_set(
    """
    . : alias bg break builtin cd command continue declare dirs eval exec exit export fc fg getopts
    hash jobs let local popd pushd read readonly return set shift shopt source times trap type
    typeset ulimit umask unalias unset wait
    """
)
"""Builtins of bash that no program can stand in for, because they act on the shell itself."""

DECLARATIONS = word_set(
    """
    declare export local readonly typeset
    """
)
"""Builtins whose arguments may be assignments, also of arrays."""

SHELL_VARIABLES = word_set(
    """
    BASH BASHOPTS BASHPID CDPATH CHILD_MAX COMPREPLY COMP_CWORD COMP_KEY COMP_LINE COMP_POINT
    COMP_TYPE COMP_WORDBREAKS COMP_WORDS COPROC DIRSTACK ENV EPOCHREALTIME EPOCHSECONDS EUID
    EXECIGNORE FIGNORE FPATH FUNCNAME FUNCNEST GLOBIGNORE GLOBSORT GROUPS HISTCMD HISTCONTROL
    HISTFILE HISTFILESIZE HISTIGNORE HISTSIZE HISTTIMEFORMAT IFS IGNOREEOF INSIDE_EMACS KSH_VERSION
    LINENO MAILCHECK MAPFILE OLDPWD OPTARG OPTERR OPTIND PIPESTATUS POSIXLY_CORRECT PPID
    PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 PS4 PWD RANDOM READLINE_ARGUMENT READLINE_LINE
    READLINE_MARK READLINE_POINT SECONDS SHELLOPTS SHLVL SRANDOM TIMEFORMAT TMOUT UID _ auto_resume
    histchars
    """
)


def is_shell_variable(name: str) -> bool:
    """Whether the shell itself acts on the variable.

    The shell runs PS4 and BASH_ENV as code and evaluates RANDOM and OPTIND. It only looks up PATH,
    HOME and the variables of the locale, which do not count.
    """
    return name in SHELL_VARIABLES or name.startswith("BASH_")


HARMLESS_OPTIONS = word_set(
    """
    allexport errexit errtrace functrace globasciiranges globskipdots globstar dotglob failglob
    inherit_errexit lastpipe monitor nocaseglob nocasematch noclobber noexec noglob nounset
    nullglob pipefail verbose xtrace
    """
)
"""Options of `set -o` and `shopt` that do not change how a script is read."""

HARMLESS_LETTERS = re.compile(r"[-+][abCeEfmnTuvx]*o?")

VERBATIM_DECLARATION_OPTIONS = re.compile(r"-[rxglu]+")
"""Options of `declare` that leave the values of variables unchanged."""
