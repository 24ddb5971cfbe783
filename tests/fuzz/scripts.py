"""Random shell scripts with places for values, made by a grammar.

Much of what it makes is known to be dangerous, or is no script at all: the reader has to refuse
what it does not know. `RECORD` stands for a command that writes down which words arrive. No word
begins with a slash, and no value holds one at its start: scripts write only into their folder.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

HOLE = "\0"
RECORD = "record"
MAX_DEPTH = 4

_TRAP = ": >$MARK"
"""Is only ever written as text; that it runs means that a value has changed what is text."""


@dataclass
class Writer:
    """Makes one script. `arrivals` are the words that each of its `RECORD` commands must get, by
    tag: texts with a HOLE for each value."""

    random: random.Random
    arrivals: dict[str, list[str]] = field(default_factory=dict)

    def one(self, options: Sequence[str]) -> str:
        return self.random.choice(options)

    def script(self) -> str:
        lines = [self.line() for _ in range(self.random.randint(1, 4))]
        text = "".join(lines)
        if self.random.random() < 0.3:
            text = self._disturbed(text)
        return text

    def line(self) -> str:
        if self.random.random() < 0.12:
            return f"# {self.one(['it is', 'it' + chr(39) + 's', '$(', '`', HOLE])} {HOLE}\n"
        if self.random.random() < 0.12:
            return self.heredoc()
        end = self.one(["\n"] * 6 + [";\n", " &\n", " # it's " + HOLE + "\n", "; ", " || "])
        return self.command(0) + end

    def heredoc(self) -> str:
        delimiter, written = self.one(["E", "EOF", "5"]), ""
        written = self.one([delimiter, f"'{delimiter}'", f'"{delimiter}"', f"\\{delimiter}"])
        dash = self.one(["", "", "-"])
        body = "".join(
            self.one([f"{_TRAP}\n", "it's\n", '"\n', "$(:)\n", f"{HOLE}\n", "`:`\n", "a\\\n", "\t"])
            for _ in range(self.random.randint(0, 3))
        )
        after = self.one(["", f" {self.word()}", f" >{self.word()}", f"; {self.record()}"])
        return f"{self.one(['cat', RECORD + ' x'])} <<{dash}{written}{after}\n{body}{delimiter}\n"

    def command(self, depth: int) -> str:
        makers: list[Callable[[int], str]] = [self.simple, self.simple, self.simple, self.danger]
        if depth < MAX_DEPTH:
            makers += [self.compound, self.compound]
        made = self.random.choice(makers)(depth)
        if self.random.random() < 0.15:
            made += self.redirection()
        if self.random.random() < 0.15 and depth < MAX_DEPTH:
            made += self.one([" && ", " || ", " | ", "; ", " & ", "\n", " &&\n"])
            made += self.command(depth + 1)
        return made

    def simple(self, depth: int) -> str:
        return self.random.choice([self.record, self.record, self.plain])()

    def record(self) -> str:
        tag = f"t{len(self.arrivals)}"
        words = [self.exact() for _ in range(self.random.randint(1, 3))]
        self.arrivals[tag] = [arrives for _, arrives in words]
        prefix = self.one([""] * 6 + [f"X={self.word()} ", "command ", "! ", "time "])
        return f"{prefix}{RECORD} {tag} {' '.join(written for written, _ in words)}"

    def exact(self) -> tuple[str, str]:
        """A word and what must arrive of it."""
        lead, tail = self.one(["", "", "a", "a.b", "-x=", "b/"]), self.one(["", "", "z", "%"])
        written, arrives = self.random.choice(
            [
                (HOLE, HOLE),
                (f'"{HOLE}"', HOLE),
                (f"'{HOLE}'", HOLE),
                (f'"a {HOLE} b"', f"a {HOLE} b"),
                (f"'a {HOLE} b'", f"a {HOLE} b"),
                (f"{HOLE}{HOLE}", f"{HOLE}{HOLE}"),
                (f'"it\'s {HOLE}"', f"it's {HOLE}"),
                (f"'say \"{HOLE}\"'", f'say "{HOLE}"'),
                (f'"\\"{HOLE}\\\\"', f'"{HOLE}\\'),
                (f'"$(printf %s "{HOLE}x")"', f"{HOLE}x"),
                (f"\"$(printf %s '{HOLE}'x)\"", f"{HOLE}x"),
                (f"\"$(printf '%s' {HOLE}x)\"", f"{HOLE}x"),
                (f"\\'{HOLE}\\\"", f"'{HOLE}\""),
                (f'""{HOLE}"$UNSET"', HOLE),
            ]
        )
        return lead + written + tail, lead + arrives + tail

    def word(self) -> str:
        if self.random.random() < 0.7:
            return self.exact()[0]
        return self.one(
            [
                f"~{HOLE}",
                f"*{HOLE}?",
                f"[{HOLE}]",
                "{a," + HOLE + "}",
                "{1.." + HOLE + "}",
                f"${HOLE}",
                f"\\{HOLE}",
                f"$'{HOLE}'",
                f'$"{HOLE}"',
                f"`echo {HOLE}`",
                f"$(({HOLE}+1))",
                f"$[{HOLE}]",
                "${x:-" + HOLE + "}",
                '"${x:-' + HOLE + '}"',
                "${x[" + HOLE + "]}",
                "${x:" + HOLE + "}",
                "${x/a/" + HOLE + "}",
                f"<(printf %s {HOLE})",
                f"$(case x in x) printf %s {HOLE};; esac)",
                f"$(case x in (x) printf %s {HOLE};; esac)",
                f"$(printf %s {HOLE} # it's {HOLE}\n)",
                f"$X{HOLE}",
                f"@({HOLE}|b)",
                f"a#{HOLE}",
                '"${x:-"' + HOLE + '"}"',
                '"$(printf %s "${x:-"$(printf %s "' + HOLE + '")"}")"',
                f"$(cat <<E\n{_TRAP}\nE\nprintf %s {HOLE})",
            ]
        )

    def redirection(self) -> str:
        operator = self.one(
            ["> ", ">> ", ">", "2>", "<<< ", ">| ", "<> ", "&> ", ">& ", "2>&1 >", "<& "]
        )
        return f" {operator}{self.word()}"

    def plain(self) -> str:
        """What uses values as people do."""
        word = self.word
        return self.one(
            [
                f'X={word()}; {RECORD} x "$X"',
                f"export X={word()} Y={word()}",
                f"[ {word()} = {word()} ]",
                f"[ -n {word()} ]",
                f"[ ! -f {word()} ]",
                f"test {word()} -gt 5",
                f"[ {word()} ]",
                f"[ {word()} {word()} ]",
                f"[ {word()} = a -a {word()} = b ]",
                f"[[ {word()} == {word()} ]]",
                f"[[ -n {word()} && ! {word()} != b* ]]",
                f"[[ a == b || {word()} == c ]]",
                f"[[ {word()} =~ ^(a|b)$ ]]",
                f"cd {word()}",
                f"printf '%s %d\\n' {word()} {word()}",
                f"printf {word()}",
                f"printf -- {word()}",
                f"set -- {word()} {word()}",
                f"set {word()}",
                f"exit {word()}",
                f"./x/{HOLE} {word()}",
                f"{HOLE} {word()}",
                f"$X {word()}",
                f"a=({word()} {word()})",
                f"a[1]={word()}",
                f"echo {word()} | cat",
                f": {word()}",
                f"no_such_program -c {word()}",
                f". ./{HOLE}.sh",
                f". {word()}",
                f"command -v {word()}",
                f"exec no_such_program {word()}",
                f"return {word()}",
            ]
        )

    def danger(self, depth: int) -> str:
        """What evaluates its words, under all its names."""
        word, name = self.word, self.one(_EVALUATORS)
        form = self.one(
            ["", "", "", "command ", "builtin ", "\\", "''", "time ", "! ", "X=1 ", "2>&1 "]
        )
        return self.one(
            [
                f"{form}{name} {word()}",
                f"{form}{name} {word()}",
                f"[[ {word()} -gt 5 ]]",
                f"[[ 5 -eq {word()} ]]",
                f"[[ -v {word()} ]]",
                f"[ -v {word()} ]",
                f"[ $(printf %s -v) {word()} ]",
                f"(( {HOLE} ))",
                f"(( x << 2 ))\n{self.record()}\n2",
                f"n[{HOLE}]=1",
                f"n[{HOLE} + 1]=1",
                f"n=([{HOLE}]=1)",
                "{n[" + HOLE + "]}>f",
                f"declare -i n; n={word()}",
                f"declare -n n; n={word()}; echo $n",
                f"declare -a n; n={word()}",
                f"n=(); declare n={word()}",
                f"RANDOM={word()}",
                f"OPTIND={word()}",
                f"for RANDOM in {word()}; do :; done",
                f"PS4={word()}; set -x; :",
                f"alias {RECORD}=eval\n{self.record()}",
                f"eval 'declare -i n'; n={word()}",
                f"for (({HOLE}; 0; )); do :; done",
                f"coproc {self.record()}",
                f"select x in {word()}; do :; done",
                f"shopt -s extglob\n{self.record()}",
                f"set -k; {self.record()}",
                f"{RECORD} x &> f {word()}",
                f"{RECORD} x &> f eval {word()}",
                f"trap {word()} EXIT",
                f'f() {{ {RECORD} x "$1"; }}; f {word()}',
                f'f() {{ "$@"; }}; f eval {word()}',
                f'function f {{ {RECORD} x "$1"; }}; f {word()}',
            ]
        )

    def compound(self, depth: int) -> str:
        inner = self.command(depth + 1)
        return self.one(
            [
                f"{{ {inner}; }}",
                f"( {inner} )",
                f"(({inner}))",
                f"if {inner}; then {self.command(depth + 1)}; fi",
                f"if :; then {inner}\nelse :; fi",
                f"if {inner}\nthen :; elif false; then :; fi",
                f"for i in {self.word()} b; do {inner}; done",
                f"for i in a\ndo {inner}\ndone",
                f"while {self.record()}; do {inner}; break; done",
                f"until :; do {inner}; done",
                f"case {self.word()} in a|{HOLE}) :;; *) {inner};; esac",
                f"case x in\n(x) {inner};;\nesac",
                f"f() {{ {inner}; }}; f",
                f"f() ( {inner} ); f",
                f"X=$({inner})",
                f'{RECORD} x "$({inner})"',
                f"{RECORD} x `{inner}`",
                f'eval "{inner}"',
                f"no_such_shell -c '{self.record()}'",
            ]
        )

    def _disturbed(self, text: str) -> str:
        """The text with something odd in it. Its words may arrive otherwise, then."""
        self.arrivals.clear()
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randint(0, len(text))
            if self.random.random() < 0.3:
                text = text[:at] + text[at + 1 :]
            else:
                text = text[:at] + self.one(_ODD) + text[at:]
        return text


_EVALUATORS = (
    "let", "declare", "declare -i", "typeset", "local", "readonly", "export", "read", "unset",
    "eval", "source", ".", "trap", "alias", "mapfile", "mapfile -C", "getopts a", "printf -v",
    "wait -p", "test -v", "unset -v", "hash", "complete -C", "compgen -C", "bind", "enable -f",
    "ulimit -t", "shift", "break", "return", "exec", "set -o", "shopt -s", "coproc", "readarray",
)  # fmt: skip
_ODD = (
    "\\\n", "\\\n", "\\\n", "'", '"', "`", "$(", ")", "(", "((", "))", "{", "}", "#", " #", "\n",
    ";", "&", "|", "<<E\n", "\nE\n", "<<", "${", "\\", "$", "=", "[", "]", "case x in x) ", " esac",
    "\t", "\r", "\xa0", "!", "~", "then ", "done", "do ", "fi", "[[ ", " ]]", "&>", ">&", "$'",
    "<(",
)  # fmt: skip


def soup(random_: random.Random) -> str:
    """Pieces of scripts in no order at all."""
    pieces = (*_ODD, "echo ", "x", " ", " ", "if true; ", "for i in x; ", "f() ", "$((", "true ")
    parts = ["".join(random_.choices(pieces, k=random_.randint(0, 8))) for _ in range(3)]
    return HOLE.join(parts)
