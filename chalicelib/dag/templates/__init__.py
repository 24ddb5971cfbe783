"""Templates: `{{ ... }}` in a text.

Only `{{ }}` means something; `{%` and `{#` stay text, for `${#name}` is shell. `{{ '{{' }}` stands
for the two braces themselves. The engine (Jinja2) is loaded when a text holds a template, not
before, because most do not.

compile_budget  how many templates may be compiled where there is no time for many
engine          templates by Jinja2
filters         the filters of templates
names           which names a template uses, and which of them are wrong or missing
numeric         which templates always give a number, whatever the run's params and outputs are
scope           what a template may name, and the errors of templates
shell_quoting   how a value is written where it stands in a shell script
spans           where the templates of a text are
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from chalicelib.dag.templates.scope import OPEN, Scope, TemplateProblem


def is_template(value: Any) -> bool:
    """Whether a text in this value of JSON holds a template."""
    if isinstance(value, str):
        return OPEN in value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(is_template(part) for part in parts)


def precompile(text: str) -> None:
    """Compile its templates, where there is time for it. Raises TemplateError."""
    if OPEN in text:
        from chalicelib.dag.templates import engine

        engine.precompile(text)


def texts_in(value: Any) -> Iterator[str]:
    """The texts in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)


def render(text: str, context: Mapping[str, Any], *, for_shell: bool) -> str:
    """The text with its templates replaced: by texts as they are, by everything else as JSON.

    With `for_shell` each value is quoted as the place demands where it stands, so that the shell
    takes it as it is; not so behind `| raw`, nor where the template is only a text that the author
    wrote. Without, values stand as they are. Raises TemplateError.
    """
    if OPEN not in text:
        return text
    from chalicelib.dag.templates import engine

    return engine.render(text, context, for_shell=for_shell)


def render_value(value: Any, context: Mapping[str, Any], *, stand_in: str = "''") -> Any:
    """A value of JSON with the texts in it rendered. A text that is one template and nothing else
    becomes the value itself, of whatever type.

    Raises TemplateError, which names `stand_in` as what `default` may give for a missing output.
    """
    if isinstance(value, dict):
        return {key: render_value(item, context) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [render_value(item, context) for item in value]
    if not isinstance(value, str) or OPEN not in value:
        return value
    from chalicelib.dag.templates import engine

    return engine.render_value(value, context, stand_in)


def check(text: str, scope: Scope, *, for_shell: bool = False) -> list[TemplateProblem]:
    """All that is wrong with the templates of a text, before there is anything to render."""
    if OPEN not in text:
        return []
    from chalicelib.dag.templates import engine

    return engine.check(text, scope, for_shell=for_shell)


def names_in(text: str) -> set[str]:
    """The names that its templates use, such as `ds`, `params.rows` and `outputs.load.rows`.

    Raises TemplateError where they cannot be read.
    """
    if OPEN not in text:
        return set()
    from chalicelib.dag.templates import engine

    return engine.names_in(text)


def is_single_template(text: str) -> bool:
    """Whether the text is one template and nothing else, and so may become a value of any type.

    Raises TemplateError where it cannot be read.
    """
    if OPEN not in text:
        return False
    from chalicelib.dag.templates import engine

    return engine.is_single_word(text)


def with_placeholders(text: str, safe_params: Collection[str]) -> tuple[str, list[int]]:
    """The text with a NUL for each template, and which of them, from 0, may stand for a text that
    somebody gave to the run. `safe_params` are the params that cannot hold one.

    Raises TemplateError where they cannot be read.
    """
    if OPEN not in text:
        return text, []
    from chalicelib.dag.templates import engine

    return engine.with_placeholders(text, safe_params)
