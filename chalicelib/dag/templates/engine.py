"""The template engine: Jinja2's expressions on JSON values, with a few filters of our own.

Templates call no functions and reach no attributes of Python objects: a dot selects a key. Text
that grows without bound is refused, because templates are rendered next to the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.exceptions import UndefinedError
from jinja2.parser import Parser
from jinja2.sandbox import SandboxedEnvironment

from chalicelib.dag.json_values import unwrap_verbatim
from chalicelib.dag.problems import MAX_PROBLEMS, did_you_mean, quote
from chalicelib.dag.shell.insertion_points import insertion_points
from chalicelib.dag.shell.interpreters import template_refusal
from chalicelib.dag.shell.placeholders import InsertionPoint
from chalicelib.dag.shell.source import PLACEHOLDER
from chalicelib.dag.templates.compile_budget import NotCompiled, spend_on_expression, spend_on_text
from chalicelib.dag.templates.filters import FILTERS, MAX_TEXT, refuse_undefined
from chalicelib.dag.templates.names import (
    explain_missing,
    missing_message,
    paths,
    task_id_hint,
    wrong_names,
)
from chalicelib.dag.templates.numeric import always_number, is_number
from chalicelib.dag.templates.scope import OPEN, Scope, TemplateError, TemplateProblem
from chalicelib.dag.templates.shell_quoting import quote_for, refusal, script_refusal
from chalicelib.dag.templates.spans import BRACES, Span, UnreadableTemplate, split
from chalicelib.dag.text import BadText, to_text_or_empty

MAX_EXPRESSION_LENGTH = 1000
_FAILURES = (JinjaError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
_ALLOWED = (
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
    nodes.CondExpr,
    nodes.List,
    nodes.Dict,
    nodes.Pair,
    nodes.Tuple,
    nodes.Keyword,
)


class _Environment(SandboxedEnvironment):
    """Jinja's sandbox, restricted further."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj  # keeps the name that was missing first
        try:
            if isinstance(obj, dict | list | str):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(missing_message(argument), name=str(argument))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        for value in (left, right):
            refuse_undefined(value)
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator in ("**", "%", "*") and not numbers:
            raise TypeError(f"{operator} works with numbers only")
        if operator == "**" and (abs(left) > 1_000_000 or abs(right) > 16):
            raise ValueError("this power is too large")
        texts = isinstance(left, str) and isinstance(right, str)
        lists = isinstance(left, list) and isinstance(right, list)
        if not (numbers or texts or lists):
            raise TypeError("+ works with two numbers, two texts or two lists")
        return super().call_binop(context, operator, left, right)


def _environment() -> _Environment:
    environment = _Environment(undefined=StrictUndefined, autoescape=False, cache_size=0)
    environment.globals.clear()
    environment.filters = dict(FILTERS)
    return environment


_ENVIRONMENT = _environment()


@dataclass(frozen=True, slots=True)
class _Expression:
    """The expression of one template.

    `author_text` is set if it is only a literal text; `is_raw` if `| raw` ends it.
    """

    span: Span
    tree: nodes.Expr
    author_text: str | None
    is_raw: bool


@dataclass(frozen=True, slots=True)
class _Program:
    """A compiled text: `literals` with one of `expressions` between each two.

    `evaluators` evaluate the expressions; `insertion_points` say where their values stand in a
    shell script, or are None for values that are not quoted.
    """

    literals: tuple[str, ...]
    expressions: tuple[_Expression, ...]
    evaluators: tuple[TemplateExpression, ...]
    insertion_points: tuple[InsertionPoint | None, ...]


def precompile(text: str) -> None:
    _program(text)


def render(text: str, context: Mapping[str, Any], *, for_shell: bool) -> str:
    program = _program(text)
    parts = [program.literals[0]]
    left = MAX_TEXT - len(program.literals[0])
    for index in range(len(program.expressions)):
        value = _text(program, index, context)
        if for_shell and (point := program.insertion_points[index]):
            value = _quoted(value, point)
        parts += [value, program.literals[index + 1]]
        left -= len(value) + len(program.literals[index + 1])
        if left < 0:
            raise TemplateError(f"the rendered text has more than {MAX_TEXT} characters")
    return "".join(parts)


def _quoted(value: str, point: InsertionPoint) -> str:
    if not value and point.allows_numbers:
        raise TemplateError(
            "a template cannot be rendered: a number is needed here, but it has no value: give "
            "the param a default, or end the template with | default(0)"
        )
    try:
        return quote_for(value, point, is_number=is_number(value))
    except ValueError as error:
        raise TemplateError(f"a template cannot be rendered: {error}") from None


def render_value(text: str, context: Mapping[str, Any], stand_in: str) -> Any:
    program = _program(text)
    if program.literals == ("", ""):
        return unwrap_verbatim(_value(program, 0, context, stand_in))
    return render(text, context, for_shell=False)


def check(text: str, scope: Scope, *, for_shell: bool) -> list[TemplateProblem]:
    try:
        literals, spans = split(text)
    except UnreadableTemplate as error:
        return [TemplateProblem(error.opening, str(error))]
    if for_shell and (refused := list(_refused_by_script(literals, spans))):
        return refused
    tasks = frozenset(scope.tasks)
    problems: list[TemplateProblem] = []
    expressions: list[_Expression | None] = []
    for span in spans:
        expression, wrong = _read_and_check(span, scope)
        expressions.append(expression)
        if wrong and (odd := task_id_hint(span.source, tasks)):
            wrong = [odd]
        problems += [TemplateProblem(span.opening, message) for message in wrong]
        if len(problems) >= MAX_PROBLEMS:
            return problems  # no more are shown, and each search for a similar name takes time
    if for_shell:
        problems += _unsafe_values(literals, expressions, scope)
    return sorted(problems, key=lambda problem: problem.opening)


def _read_and_check(span: Span, scope: Scope) -> tuple[_Expression | None, list[str]]:
    """Parse the expression, and return it with its problems."""
    try:
        expression = _read(span)
    except UnreadableTemplate as error:
        return None, [str(error)]
    return expression, list(wrong_names(expression.tree, scope))


def _unsafe_values(
    literals: Sequence[str], expressions: Sequence[_Expression | None], scope: Scope
) -> Iterator[TemplateProblem]:
    """Yield a problem for each template whose value the shell may not take literally."""
    for expression, point in zip(
        expressions, _insertion_points(literals, expressions), strict=True
    ):
        if expression is None or point is None or not point.reason:
            continue
        if not point.allows_numbers or not always_number(expression.tree, scope.numbers):
            yield TemplateProblem(expression.span.opening, refusal(point))


def _refused_by_script(literals: Sequence[str], spans: Sequence[Span]) -> Iterator[TemplateProblem]:
    """Yield a problem for each value in a script that can hold none, whatever it is."""
    before, refusing = literals[0], ""
    for span, literal in zip(spans, literals[1:], strict=True):
        text = _author_text(span)
        refusing = refusing or (template_refusal(before) if text is None else "")
        if text is None and refusing:
            yield TemplateProblem(span.opening, script_refusal(refusing))
        elif text is None:
            return
        before += (text or "") + literal


def _author_text(span: Span) -> str | None:
    try:
        return _read(span).author_text
    except UnreadableTemplate:
        return None


def is_single_word(text: str) -> bool:
    return split(text)[0] == ["", ""]


def names_in(text: str) -> set[str]:
    program = _program(text)
    return {".".join(path) for expression in program.expressions for path in paths(expression.tree)}


def with_placeholders(text: str, safe_params: Collection[str]) -> tuple[str, list[int]]:
    program = _program(text)
    written, given = [program.literals[0]], []
    for expression, literal in zip(program.expressions, program.literals[1:], strict=True):
        if expression.author_text is not None:
            written.append(expression.author_text + literal)
            continue
        if _may_hold_given_text(expression.tree, safe_params):
            given.append(sum(part.startswith(PLACEHOLDER) for part in written))
        written.append(PLACEHOLDER + literal)
    return "".join(written), given


def _may_hold_given_text(tree: nodes.Expr, safe_params: Collection[str]) -> bool:
    """Whether the value may be text that a user gave to the run, or that a command wrote."""
    if always_number(tree, safe_params):
        return False
    return any(
        path[0] == "outputs" or (path[0] == "params" and not (path[1:] and path[1] in safe_params))
        for path in paths(tree)
    )


@lru_cache(maxsize=8192)
def _program(text: str) -> _Program:
    spend_on_text(text, text.count(OPEN))
    literals, spans = split(text)
    expressions = tuple(map(_read, spans))
    try:
        evaluators = tuple(_compile(span.source) for span in spans)
    except NotCompiled:
        raise NotCompiled(text) from None
    return _Program(
        tuple(literals), expressions, evaluators, tuple(_insertion_points(literals, expressions))
    )


def _read(span: Span) -> _Expression:
    if not span.source:
        raise UnreadableTemplate(span.opening, f"this template is empty; {BRACES}")
    if len(span.source) > MAX_EXPRESSION_LENGTH:
        raise UnreadableTemplate(
            span.opening, f"a template can have at most {MAX_EXPRESSION_LENGTH} characters"
        )
    try:
        parser = Parser(_ENVIRONMENT, span.source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError(f"unexpected {quote(parser.stream.current.value)}", 1)
    except _FAILURES as error:
        why = error.message if isinstance(error, TemplateSyntaxError) else str(error)
        raise UnreadableTemplate(span.opening, f"invalid template: {why}; {BRACES}") from None
    _check_nodes(tree, span)
    own = tree.value if isinstance(tree, nodes.Const) else None
    return _Expression(span, tree, own if isinstance(own, str) else None, _is_raw(tree))


@lru_cache(maxsize=1024)
def _compile(source: str) -> TemplateExpression:
    spend_on_expression(source)
    try:
        return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)
    except (*_FAILURES, SyntaxError, MemoryError) as error:
        raise TemplateError(f"this template is too complex: {error}") from None


def _insertion_points(
    literals: Sequence[str], expressions: Sequence[_Expression | None]
) -> list[InsertionPoint | None]:
    """Return where each value stands, or None for values that are not quoted.

    Literal text of the author is part of the script, quotation marks included.
    """
    script, raw = [literals[0]], set()
    for expression, literal in zip(expressions, literals[1:], strict=True):
        if expression and expression.author_text is not None:
            script[-1] += expression.author_text + literal
            continue
        if expression is None or expression.is_raw:
            raw.add(len(script) - 1)
        script.append(literal)
    points_of_values = iter(insertion_points(script, raw))
    points: list[InsertionPoint | None] = []
    for expression in expressions:
        is_text = expression is not None and expression.author_text is not None
        point = None if is_text else next(points_of_values)
        points.append(None if expression is None or expression.is_raw else point)
    return points


def _is_raw(tree: nodes.Node) -> bool:
    return isinstance(tree, nodes.Filter) and tree.name == "raw"


def _check_nodes(tree: nodes.Expr, span: Span) -> None:
    for node in (tree, *tree.find_all(nodes.Node)):
        message = _refused(node, is_whole=node is tree)
        if message:
            raise UnreadableTemplate(span.opening, message)


def _refused(node: nodes.Node, *, is_whole: bool) -> str | None:
    if isinstance(node, nodes.Call):
        return "templates cannot call anything: use a filter such as ds | replace('-', '')"
    if isinstance(node, nodes.Concat):
        return "templates do not support ~: write two templates next to each other"
    if not isinstance(node, _ALLOWED):
        return f"templates do not support this; {BRACES}"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        hint = did_you_mean(node.name, FILTERS) or f"; choose from {', '.join(FILTERS)}"
        return f"unknown filter {quote(node.name)}{hint}"
    if _is_raw(node) and not is_whole:
        return "raw must be the last filter of a template"
    return None


def _value(program: _Program, index: int, context: Mapping[str, Any], stand_in: str = "''") -> Any:
    try:
        value = program.evaluators[index](**context)
        refuse_undefined(value)
    except UndefinedError as error:
        why = explain_missing(program.expressions[index].tree, context, str(error), stand_in)
        raise TemplateError(f"a template cannot be rendered: {why}") from None
    except _FAILURES as error:
        raise TemplateError(f"a template cannot be rendered: {error}") from None
    return value


def _text(program: _Program, index: int, context: Mapping[str, Any]) -> str:
    try:
        return to_text_or_empty(_value(program, index, context))
    except BadText as error:
        raise TemplateError(f"a template cannot be rendered: {error}") from None
