"""Templates: `{{ ... }}` in a text.

Only `{{ }}` has a meaning; `{%` and `{#` stay text, because `${#name}` is shell. `{{ '{{' }}` gives
the two braces themselves. The engine (Jinja2) is imported when a text contains a template, not
before, because most do not.

compile_budget  limits how many templates are compiled while a lock is held
engine          parses, checks and renders templates with Jinja2
filters         the filters of templates
names           the names that a template uses, and which of them are unknown or missing
numeric         which templates always give a number, whatever a run is given
scope           what a template may name, and the errors of templates
shell_quoting   quotes a value for the place where it stands in a shell script
spans           finds the templates in a text
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from chalicelib.dag.templates.scope import OPEN, Scope, TemplateProblem


def is_template(value: Any) -> bool:
    """Whether any text in this JSON value contains a template."""
    if isinstance(value, str):
        return OPEN in value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(is_template(part) for part in parts)


def precompile(text: str) -> None:
    """Compile the templates of a text ahead of time. Raises TemplateError."""
    if OPEN in text:
        from chalicelib.dag.templates import engine

        engine.precompile(text)


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)


def render(text: str, context: Mapping[str, Any], *, for_shell: bool) -> str:
    """Replace the templates of a text: text values are inserted unchanged, others as JSON.

    With `for_shell`, each value is quoted for the place where it stands, so that the shell takes it
    literally; except after `| raw`, and if the template is only literal text. Raises TemplateError.
    """
    if OPEN not in text:
        return text
    from chalicelib.dag.templates import engine

    return engine.render(text, context, for_shell=for_shell)


def render_value(value: Any, context: Mapping[str, Any], *, stand_in: str = "''") -> Any:
    """Render every text in a JSON value. A text that is a single template becomes the value itself,
    of whatever type.

    Raises TemplateError, which suggests `stand_in` as the `default` for a missing output.
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
    """Return every problem of the templates in a text, without rendering them."""
    if OPEN not in text:
        return []
    from chalicelib.dag.templates import engine

    return engine.check(text, scope, for_shell=for_shell)


def names_in(text: str) -> set[str]:
    """Return the names that the templates use, such as `ds`, `params.rows`, `outputs.load.rows`.

    Raises TemplateError if they cannot be parsed.
    """
    if OPEN not in text:
        return set()
    from chalicelib.dag.templates import engine

    return engine.names_in(text)


def is_single_template(text: str) -> bool:
    """Whether the text is a single template and nothing else, so that its value can have any type.

    Raises TemplateError if it cannot be parsed.
    """
    if OPEN not in text:
        return False
    from chalicelib.dag.templates import engine

    return engine.is_single_word(text)


def with_placeholders(text: str, safe_params: Collection[str]) -> tuple[str, list[int]]:
    """Replace each template by a NUL; also return the indexes of those that may hold user input.

    `safe_params` are the params that cannot. Raises TemplateError if a template cannot be parsed.
    """
    if OPEN not in text:
        return text, []
    from chalicelib.dag.templates import engine

    return engine.with_placeholders(text, safe_params)
