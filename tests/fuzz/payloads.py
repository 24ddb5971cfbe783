"""Values that run, or change what is run, wherever a shell does not take them as plain text."""

from __future__ import annotations

import random

_RUN = ": >$MARK"
_CORES = (
    f"$({_RUN})",
    f"`{_RUN}`",
    f"a[$({_RUN})]",
    f"a[`{_RUN}`]",
    f"-va[$({_RUN})]",
    f"n[$({_RUN})]=1",
    f"[$({_RUN})]=1",
    f"($({_RUN}))",
    f"${{x[$({_RUN})]}}",
    f"1+a[$({_RUN})]",
    f"<({_RUN})",
    f"${{x:=$({_RUN})}}",
)
_BREAKS = (
    f"\n{_RUN}\n",
    f";{_RUN};",
    f"';{_RUN};'",
    f'";{_RUN};"',
    f"'\n{_RUN}\n'",
    f"\nE\n{_RUN}\n",
    f"\nEOF\n{_RUN}\n",
    f"\n5\n{_RUN}\n",
    f")\n{_RUN};(",
    f"))\n{_RUN};((",
    f"}}\n{_RUN};{{",
    f"\\';{_RUN} #",
    f"& {_RUN} &",
    f"|| {_RUN} ||",
    f";; x) {_RUN};; esac; {_RUN}",
    f"x'\"$({_RUN})`{_RUN}`\n{_RUN}\n}}\n))\n)\n{_RUN}\n",
    f"*/\n{_RUN}\n#",
)
_ODD = (
    "", " ", "\n", "\t", "'", '"', "\\", "\\\n", "a b", "*", "?", "[a]", "{a,b}", "~", "~root",
    "-v", "-f", "--", "-e", "!", "(", ")", "=", "if", "let", "eval", "x=1", "#", "# x", "$", "$$",
    "$HOME", "${x}", "%s", "%n", "\\n", "2", "0", "-1", "é", "\u2028", "\x7f", "\r", "a\nb", "E",
    "EOF", "5", "do", "done", "esac", "&1", "a/b", "../a", ".", "$'", "a\\", "'\"'\"'",
)  # fmt: skip


def payload(random_: random.Random) -> str:
    chosen = random_.random()
    if chosen < 0.35:
        return random_.choice(_CORES)
    if chosen < 0.65:
        return random_.choice(_BREAKS)
    if chosen < 0.85:
        return random_.choice(_ODD)
    pieces = (*_CORES, *_BREAKS, *_ODD)
    return "".join(random_.choices(pieces, k=random_.randint(2, 4)))


NUMBERS = ("0", "5", "-5", "1e+16", "5.0", "1e-07", "12345678901234567890", "2", "1")
