"""Spec × recipient → message: the one place that knows what a recipient would get.

:class:`Renderer` is pure. What makes a row unsendable is not an exception but a :class:`RowProblem`, which
names the rule that explains it; the linter puts words and places to it, ``send`` refuses the row. So what was
linted and what is sent cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.config import Config
from msgspec_runner.content.blank import is_blank
from msgspec_runner.conversions import Invalid, check_number, converter, emptied, is_never_empty, to_object
from msgspec_runner.providers import PROVIDERS
from msgspec_runner.spec import CONTENT, Field, Spec
from msgspec_runner.templates import ABSENT, Bound, Environment, Piece, RenderError

if TYPE_CHECKING:
    from msgspec_runner.diagnostics import Fix, Severity
    from msgspec_runner.templates.coverage import Coverage
    from msgspec_runner.templates.problems import InPartial

Values = Mapping[str, object]
"""One recipient's columns by name, converted to their types; an empty cell is ABSENT."""


class RowProblem(NamedTuple):
    """Why a recipient would get a broken message.

    Attributes:
        rule: kebab-case name of the rule that explains it.
        field: the field of the message; None where it is about a cell or the message as a whole.
        detail: what is wrong, for people; never a cell's value, so that equal problems of many rows are one.
        start: offset in the field's text of the offending characters; -1 for the whole field.
        end: end of them, exclusive.
        column: the column that caused it; empty where none or several did.
        severity: over the rule's own, where one case of a rule is worse or milder.
        cost: SMS segments of this row as it is, and as it could be; no part of what makes two problems equal.
        fix: a repair of the spec.
        partial: where it is, if not in the field's text itself.
    """

    rule: str
    field: Field | None
    detail: str
    start: int = -1
    end: int = -1
    column: str = ""
    severity: Severity | None = None
    cost: tuple[int, int] | None = None
    fix: Fix | None = None
    partial: InPartial | None = None


class Rendered(NamedTuple):
    """What one recipient would get.

    Attributes:
        body: the API's parameters; not to be sent where there are problems.
        to: E.164 with ``+``; empty where it is not valid.
        recipient_key: the rendered ``recipients.key``.
        problems: why not to send it; empty where it is sound.
        zone: whose hours ``delivery.window`` means; empty where there is no window, or nothing names a zone.
    """

    body: dict[str, object]
    to: str
    recipient_key: str
    problems: tuple[RowProblem, ...]
    zone: str = ""


class _Step(NamedTuple):
    """One field, ready to be rendered: ``produce`` gives the final value, or None to leave the field out."""

    field: Field
    path: tuple[str, ...]
    produce: Callable[[Values], object]


class Renderer:
    """Renders one spec for any number of recipients.

    Attributes:
        spec: the spec.
        constant_problems: what is wrong with fields that are no templates; every row has them too.

    Args:
        spec: the spec; its templates must have no problems (such fields are left out).
        variables: the vars, already merged by precedence.
        locale: locale of the filters; None where none is configured.
        timezone: time zone of the filters; None where none is configured.
        partials: reads what ``{% include %}`` names.
        coverage: notes which branches of the templates are taken; None notes nothing.
    """

    def __init__(
        self,
        spec: Spec,
        variables: Values,
        *,
        locale: str | None = None,
        timezone: str | None = None,
        partials: Callable[[str], str | None] = lambda _: None,
        coverage: Coverage | None = None,
    ) -> None:
        self.spec = spec
        self._coverage = coverage
        self._variables = dict(variables)
        self._environment = Environment(
            locale=spec.locale or locale,
            timezone=spec.timezone or timezone,
            partials=partials,
            coverage=coverage,
        )
        self._required = {column.name for column in spec.columns if column.required and column.default is None}
        key = spec.key
        # Whatever the linter was told to ignore: a message without a field that it should have is never sent.
        self.constant_problems = [
            _broken(field)
            for field in (*spec.fields, key, spec.zone)
            if field is not None and not _is_usable(field, partials)
        ]
        self._broken = tuple(self.constant_problems)
        usable = [field for field in spec.fields if _is_usable(field, partials)]
        steps = [_Step(field, field.path[1:], self._producer(field)) for field in usable]
        self._head = _same_for_all(steps)
        self._steps = tuple(steps[len(self._head) :])
        self._key = self._text(key) if key is not None and _is_usable(key, partials) else None
        self._zone = self._zone_of(spec, timezone, partials) if spec.delivery.window is not None else None
        self._may_be_sms = spec.provider is None
        # A template that cannot be rendered may have been the content: its own problem is said elsewhere.
        content = [field for field in spec.fields if field.path[1] in CONTENT]
        self._content_is_known = all(field in usable for field in content)
        self._content_is_template = any(not field.template.is_static for field in content)

    def render(self, values: Values) -> Rendered:
        """Return what the recipient with these values would get, or why it would be broken."""
        self._environment.next_recipient()
        frame = {**self._variables, **values} if self._variables else values
        body = self._head.copy()
        problems = list(self._broken)
        for field, path, produce in self._steps:
            try:
                value = produce(frame)
            except (RenderError, Invalid) as error:
                problems.append(self._broke_off(field, error, frame))
            else:
                if value is not None and len(path) == 1:
                    body[path[0]] = value
                elif value is not None:
                    _put(body, path, value)
        recipient_key = ""
        if self._key is not None:
            try:
                recipient_key = self._key(frame)
            except RenderError as error:
                assert self.spec.key is not None
                problems.append(self._broke_off(self.spec.key, error, frame))
        if (
            self._content_is_known
            and not _has_content(body)
            and not any(problem.field is not None and problem.field.path[1] in CONTENT for problem in problems)
        ):
            problems.append(self._no_content(body))
        if self._may_be_sms and "template" in body and _is_sms(body):
            # The API uses a template for WhatsApp only; a spec whose provider differs by row has one for those rows.
            del body["template"]
        zone = ""
        if self._zone is not None:
            try:
                zone = self._zone(frame)
            except (RenderError, Invalid) as error:
                assert self.spec.zone is not None
                problems.append(self._broke_off(self.spec.zone, error, frame))
        to = body.get("to")
        return Rendered(body, to if isinstance(to, str) else "", recipient_key, tuple(problems), zone)

    @property
    def variables(self) -> Values:
        """The vars that the templates see."""
        return self._variables

    def pieces(self, field: Field, values: Values) -> tuple[Piece, ...]:
        """Return the rendered text of one field in pieces that know the template's characters they came from."""
        return self._environment.bind(field.template).pieces({**self._variables, **values})

    def _broke_off(self, field: Field, error: RenderError | Invalid, values: Values) -> RowProblem:
        if isinstance(error, Invalid):
            return _field_problem(field, error, self._variables)
        if self._coverage is not None:
            self._coverage.fail(field.template)
        name = error.name or field.only_name
        column = name.partition(".")[0].partition("[")[0]
        if error.kind != "missing" or column in self._required or not self._is_emptied(field, values):
            return _render_problem(field, error)
        empty = emptied(field, name, is_var=column in self._variables)
        return RowProblem(empty.rule, field, empty.detail, error.start, error.end, column)

    def _is_emptied(self, field: Field, values: Values) -> bool:
        """Say whether a field that is never empty has nothing but columns that are."""
        if not is_never_empty(field) or field.template.sole_expression:
            return is_never_empty(field)
        written = {name: "" if value is ABSENT else value for name, value in values.items()}
        try:
            return is_blank(self._bind(field).render(written))
        except RenderError:
            return False

    def _no_content(self, body: Mapping[str, object]) -> RowProblem:
        first = next((field for field in self.spec.fields if field.path[1] in CONTENT), None)
        if "template" in body:
            # Of a provider that is written out, MSG301 has said so.
            rule = "renders-empty" if self.spec.provider is None else "no-content"
            field = next((field for field in self.spec.fields if field.path[1] == "template"), None)
            cause = f"`{body.get('provider')}` sends no templates"
            return RowProblem(rule, field, f"{cause}, {_NOTHING_LEFT}: write `text` for these recipients")
        if self._content_is_template:
            cause = f"`{first.name if first is not None else 'message'}` renders to nothing"
            cure = "write an `else`, a default, or leave these recipients out"
            return RowProblem("renders-empty", first, f"{cause}, {_NOTHING_LEFT}: {cure}")
        return RowProblem("no-content", first, "there is neither text, image, video, file nor template")

    def _text(self, field: Field) -> Callable[[Values], str]:
        if field.template.is_static:
            text = field.node.text
            return lambda _: text
        return self._bind(field).render

    def _zone_of(
        self, spec: Spec, configured: str | None, partials: Callable[[str], str | None]
    ) -> Callable[[Values], str]:
        """Return what gives a recipient's time zone for ``delivery.window``: the window's own, or the spec's."""
        field = spec.zone
        if field is None:
            name = spec.timezone or configured or ""
            return lambda _: name
        if not _is_usable(field, partials):
            return lambda _: ""
        if field.template.is_static:
            # MSG109 has said of the spec that it is no zone.
            name = field.node.text
            return lambda _: name
        text, convert = self._bind(field).render, converter(field)
        return lambda values: str(convert(text(values)))

    def _bind(self, field: Field) -> Bound:
        return self._environment.bind(field.template)

    def _producer(self, field: Field) -> Callable[[Values], object]:
        """Return the function that gives the field's final value: chosen once, called for every row."""
        if field.kind == "object":
            return self._object(field)
        if field.template.is_static:
            return self._constant(field)
        if field.template.sole_expression and field.optional:
            text = _empty_for_absent(self._bind(field))
        else:
            text = self._text(field)
        convert = converter(field)
        return lambda values: convert(text(values))

    def _constant(self, field: Field) -> Callable[[Values], object]:
        """Convert a field that is no template once; an error in it is an error of every row."""
        result: object
        try:
            if field.kind == "string":
                result = converter(field)(field.node.text if field.node.value is not None else "")
            else:
                result = None if field.optional and field.blank else field.constant
                check_number(result)
        except Invalid as error:
            self.constant_problems.append(_field_problem(field, error))
            return _raiser(error)
        return lambda _: result

    def _object(self, field: Field) -> Callable[[Values], object]:
        if field.template.is_static:
            # MSG109 has said of the spec that an object or a template belongs here.
            error = Invalid("it is plain text", "wrong-type")
            self.constant_problems.append(_field_problem(field, error))
            return _raiser(error)
        bound = self._bind(field)
        sole = field.template.sole_expression

        def produce(values: Values) -> object:
            value = bound.native(values) if sole else bound.render(values)
            return to_object(field.path[-1], value)

        return produce


def merged_variables(config: Config, spec: Spec, flags: Values) -> dict[str, object]:
    """Return the vars of a spec: ``--var`` over the chosen profile over the spec over the configuration.

    Args:
        config: the configuration, a profile laid over it where one is chosen.
        spec: the spec.
        flags: of ``--var``.
    """
    profile = config.profiles.get(config.profile, {}).get("vars", {})
    return {**config.vars, **spec.vars, **profile, **flags}


def _raiser(error: Invalid) -> Callable[[Values], object]:
    def produce(_: Values) -> object:
        raise error

    return produce


def _same_for_all(steps: Iterable[_Step]) -> dict[str, object]:
    """Return what every body begins with, mostly the provider and the channel: it is not made anew for each."""
    head: dict[str, object] = {}
    for field, path, produce in steps:
        if not field.template.is_static or len(path) > 1:
            break
        try:
            value = produce({})
        except Invalid:
            break
        if value is None:
            break
        head[path[0]] = value
    return head


def _empty_for_absent(bound: Bound) -> Callable[[Values], str]:
    """A lone ``{{ nick }}`` in a field that may be left out: no nick means no field, not an error."""

    def text(values: Values) -> str:
        try:
            return bound.render(values)
        except RenderError as error:
            if error.kind == "missing" and error.name is not None and values.get(error.name) is ABSENT:
                return ""
            raise

    return text


def _is_usable(field: Field, partials: Callable[[str], str | None]) -> bool:
    """Say whether a template can be rendered at all: it has no problems, and the partials that it names exist."""
    template = field.template
    if template.problems or not template.includes:
        return not template.problems
    return all(use.optional or partials(use.name) is not None for use in template.includes)


def _broken(field: Field) -> RowProblem:
    if not field.template.problems:
        return RowProblem("missing-include", field, "it includes a partial that is not there")
    problem = field.template.problems[0]
    return RowProblem(_RULES[problem.kind], field, problem.message)


def _put(body: dict[str, object], path: tuple[str, ...], value: object) -> None:
    target = body
    for name in path[:-1]:
        target = target.setdefault(name, {})  # type: ignore[assignment]  # containers are made here only
    target[path[-1]] = value


def _is_sms(body: Mapping[str, object]) -> bool:
    provider = PROVIDERS.get(str(body.get("provider")))
    return provider is not None and not provider.is_whatsapp


_SENT_BY_ALL = frozenset(CONTENT) - {"template"}


def _has_content(body: Mapping[str, object]) -> bool:
    return "text" in body or not _SENT_BY_ALL.isdisjoint(body) or ("template" in body and not _is_sms(body))


_NOTHING_LEFT = "so there is no content left to send"
_RULES = {
    "missing": "empty-cell", "undefined": "undefined-variable", "include": "missing-include",
    "syntax": "template-syntax", "unknown-filter": "unknown-filter", "unknown-test": "unknown-filter",
    "bound": "unsafe-expression", "unsafe": "unsafe-expression",
}  # fmt: skip


def _render_problem(field: Field, error: RenderError) -> RowProblem:
    mistaken = "filter-type-mismatch" if error.kind == "type" and error.partial else "invalid-rendered-field"
    rule, name = _RULES.get(error.kind, mistaken), error.name or ""
    return RowProblem(rule, field, str(error.message), error.start, error.end, name, partial=error.partial)


def _field_problem(field: Field, error: Invalid, variables: Values | None = None) -> RowProblem:
    """Point at the whole field; at the cell instead where the field is nothing but one column."""
    column = field.sole_name if field.kind != "object" else ""
    if error.rule == "invalid-phone-cell":
        if field.template.is_static:
            return RowProblem("invalid-phone-number", field, error.detail)
        if not column or column in (variables or ()):
            return RowProblem("invalid-rendered-field", field, error.detail, column=column)
    return RowProblem(error.rule, field, error.detail, column=column)
