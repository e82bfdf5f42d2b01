"""The face of the templates: bind a template to a locale, a time zone and partials, then render it for many rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec_runner.templates.limits import LONG_TEXT, MAX_OUTPUT, MAX_PARTIALS, MAX_STEPS, Budget
from msgspec_runner.templates.names_only import text_of, value_of
from msgspec_runner.templates.parsing import parse
from msgspec_runner.templates.problems import Refusal, RenderError, put_in_partial
from msgspec_runner.templates.template import Part, Template

if TYPE_CHECKING:
    from msgspec_runner.templates.coverage import Coverage
    from msgspec_runner.templates.runtime import Evaluate, Mark, Run, Watched, Write
    from msgspec_runner.templates.statements import Statements
    from msgspec_runner.templates.syntax import Tree


class Piece(NamedTuple):
    """A part of a rendered text and the characters of the source that made it.

    Attributes:
        text: the part.
        start: offset of the first character that made it: of the fixed text, or of the expression.
        end: offset behind the last one.
        literal: the source's characters are the text, one for one (unless it has ``\\r\\n``).
    """

    text: str
    start: int
    end: int
    literal: bool


class Bound:
    """A template ready to be rendered; made by :meth:`Environment.bind`. Not for two threads at once."""

    __slots__ = ("_alone", "_budget", "_dynamic", "_evaluate", "_fixed", "_make_run", "_run", "template")

    def __init__(self, template: Template, budget: Budget) -> None:
        self.template = template
        self._budget = budget
        # What writes it part by part with places; made when somebody first needs that.
        self._make_run: Callable[[], Run] | None = None
        self._run: Run | None = None
        self._evaluate: Evaluate | None = None
        # A template that only writes and chooses: its fixed texts with gaps, and the closures that fill the gaps.
        self._fixed: list[str] | None = None
        self._dynamic: list[tuple[int, Callable[[Mapping[str, Any]], str]]] = []
        # The one gap of a template that is nothing else.
        self._alone: Callable[[Mapping[str, Any]], str] | None = None

    def render(self, values: Mapping[str, object]) -> str:
        """Return the text for these values.

        Args:
            values: what the names mean; :data:`~msgspec_runner.templates.ABSENT` for an optional one without value.

        Raises:
            RenderError: with the offending characters.
        """
        fixed = self._fixed
        if fixed is None:
            texts: list[str] = []
            self._write(values, lambda text, _: texts.append(text))
            return "".join(texts)
        budget = self._budget
        if budget.steps < MAX_STEPS:  # most templates spend nothing
            budget.reset()
            if budget.steps <= 0:
                raise self._beyond(budget.exhausted().message)
        try:
            if self._alone is not None:
                result = self._alone(values)
            else:
                texts = fixed.copy()
                for index, text in self._dynamic:
                    texts[index] = text(values)
                result = "".join(texts)
        except RecursionError:
            raise self._too_deep() from None
        length = len(result)
        if length > LONG_TEXT:
            budget.steps -= length >> 5
            if length > MAX_OUTPUT:
                raise self._beyond(f"the text gets longer than {MAX_OUTPUT:,} characters")
        return result

    def native(self, values: Mapping[str, object]) -> object:
        """Return the value of a template that is one sole expression, without making it a text.

        Args:
            values: as for :meth:`render`.

        Raises:
            RenderError: as for :meth:`render`; an absent value is an error here too.
            ValueError: the template is no sole expression.
        """
        if self._evaluate is None:
            self._refuse_problems()
            raise ValueError("only a template that is one {{ expression }} has a value")
        self._budget.reset()
        try:
            return self._evaluate(values)
        except RecursionError:
            raise self._too_deep() from None

    def pieces(self, values: Mapping[str, object]) -> tuple[Piece, ...]:
        """Return the text for these values in parts that know where they come from.

        Args:
            values: as for :meth:`render`.

        Raises:
            RenderError: as for :meth:`render`.
        """
        made: list[Piece] = []
        self._write(values, lambda text, mark: made.append(Piece(text, *mark)))
        return tuple(piece for piece in made if piece.text)

    def _write(self, values: Mapping[str, object], take: Write) -> None:
        """Hand over the text part by part, each with its place."""
        if self._make_run is None:
            self._refuse_problems()
            source = self.template.source
            take(_unify_newlines(source), (0, len(source), True))
            return
        from msgspec_runner.templates.runtime import Scope

        run = self._run = self._run or self._make_run()
        budget = self._budget
        budget.reset()

        def write(text: str, mark: Mark) -> None:
            budget.write(len(text))
            take(text, mark)

        try:
            run(Scope(values), write)
        except RecursionError:
            raise self._too_deep() from None

    def _too_deep(self) -> RenderError:
        return self._beyond("this is nested too deeply")

    def _beyond(self, message: str) -> RenderError:
        return RenderError(message, 0, len(self.template.source), "bound")

    def _refuse_problems(self) -> None:
        for problem in self.template.problems:
            raise RenderError(problem.message, problem.start, problem.end, "value")


class Environment:
    """What templates of one spec share.

    Args:
        locale: for the filters that write dates and numbers, as ``en_US``; None makes them say that it is missing.
        timezone: IANA name for the filters that need one; None makes them say that it is missing.
        partials: gives the source of a partial by its name, None where there is none.
        coverage: notes which branches of the templates are taken, those of partials left out; None notes nothing.
    """

    def __init__(
        self,
        locale: str | None = None,
        timezone: str | None = None,
        partials: Callable[[str], str | None] = lambda _: None,
        coverage: Coverage | None = None,
    ) -> None:
        self.locale = locale
        self.timezone = timezone
        self._partials = partials
        self._coverage = coverage
        self._budget = Budget()
        self._bound: dict[str, Bound] = {}
        self._bodies: dict[str, Run | None] = {}
        self._open: list[str] = []
        self._filters: dict[str, Callable[..., Any]] = {}

    def next_recipient(self) -> None:
        """Say that what is rendered from here on is for another recipient: each brings some steps of work."""
        self._budget.earn()

    def bind(self, template: Template) -> Bound:
        """Return the template ready to be rendered; the same one for the same source.

        A template with problems can be bound too: rendering it raises the first one.
        """
        bound = self._bound.get(template.source)
        if bound is None:
            bound = self._bound[template.source] = self._compile(template)
        return bound

    def _compile(self, template: Template) -> Bound:
        bound = Bound(template, self._budget)
        tree = template.tree
        if template.problems:
            return bound
        if template.parts:
            _bind_names(bound, template.parts)
            return bound
        if template.is_static or tree is None:
            bound._fixed = [_unify_newlines(template.source)]
            return bound
        from msgspec_runner.templates.joining import Joiner

        statements = self._statements(tree, self._coverage.watch(tree).marked if self._coverage is not None else None)
        bound._make_run = lambda: statements.body(tree.body)
        texts = Joiner(statements.expressions).texts(tree.body)
        if texts is not None:
            bound._fixed = [text if isinstance(text, str) else "" for text in texts]
            bound._dynamic = [(index, text) for index, text in enumerate(texts) if not isinstance(text, str)]
        if template.sole_expression:
            from jinja2 import nodes

            assert isinstance(tree.body[0], nodes.Output)
            expression = tree.body[0].nodes[0]
            evaluate = statements.expressions.compile(expression)
            missing = statements.expressions.missing
            bound._evaluate = _never_absent(evaluate, lambda: missing(expression))
        return bound

    def _statements(self, tree: Tree, watched: Watched | None = None, partial: str | None = None) -> Statements:
        from msgspec_runner.templates.runtime import unwatched
        from msgspec_runner.templates.statements import Statements

        if not self._filters:
            from msgspec_runner.templates.allowed import all_filters

            self._filters = all_filters(self.locale, self.timezone, self._budget)
        return Statements(tree, self._filters, self._budget, self._body, watched or unwatched, partial)

    def _body(self, name: str) -> Run | None:
        """Return the compiled partial of a name, guarded against partials that include themselves."""
        if name not in self._bodies:
            self._bodies[name] = self._load(name)
        body = self._bodies[name]
        if body is None:
            return None
        found = body

        def run(scope: Any, write: Any) -> None:
            if len(self._open) >= MAX_PARTIALS:
                raise Refusal("bound", f"partials include one another more than {MAX_PARTIALS} levels deep")
            self._open.append(name)
            try:
                found(scope, write)
            finally:
                self._open.pop()

        return run

    def _load(self, name: str) -> Run | None:
        source = self._partials(name)
        if source is None:
            return None
        # A partial of 32 KB is a tree of 10 MB, and a spec has room for thousands of names of partials.
        self._budget.spend(2 * len(source))
        template = parse(source)
        if template.parts:
            from msgspec_runner.templates.analysis import analyse

            template = analyse(source)
        for problem in template.problems:
            refusal = Refusal(problem.kind, problem.message)
            put_in_partial(refusal, name, source, problem.start)
            raise refusal
        if template.tree is None:
            text = _unify_newlines(source)
            mark = (0, len(source), True)
            return lambda _, write: write(text, mark)
        from msgspec_runner.templates.statements import count

        inner: Run = self._statements(template.tree, partial=name).body(template.tree.body)
        cost = count(template.tree.body)
        budget = self._budget

        def run(scope: Any, write: Any) -> None:
            budget.spend(cost)
            try:
                inner(scope, write)
            except RenderError as error:
                found = RenderError(error.message, error.start, error.end, error.kind, error.name, error.partial)
                put_in_partial(found, name, source, error.start)
                raise found from None

        return run


def _bind_names(bound: Bound, parts: tuple[Part, ...]) -> None:
    """Make a template of text and names ready."""
    bound._make_run = lambda: _run_of(parts)
    bound._fixed = [part.text if part.literal else "" for part in parts]
    bound._dynamic = [(index, text_of(part)) for index, part in enumerate(parts) if not part.literal]
    if bound.template.sole_expression:
        bound._alone = text_of(parts[0])
        bound._evaluate = value_of(parts[0])


def _run_of(parts: tuple[Part, ...]) -> Run:
    """Return what writes a template of text and names part by part, each with its place."""
    pieces = [(part.text if part.literal else text_of(part), (part.start, part.end, part.literal)) for part in parts]

    def run(values: Mapping[str, Any], write: Any) -> None:
        for text, mark in pieces:
            try:
                write(text if isinstance(text, str) else text(values), mark)
            except Refusal as refusal:
                raise RenderError(refusal.message, mark[0], mark[1], refusal.kind) from None

    return run


def _never_absent(evaluate: Evaluate, missing: Callable[[], RenderError]) -> Evaluate:
    from msgspec_runner.templates.values import ABSENT

    def value(values: Mapping[str, Any]) -> Any:
        result = evaluate(values)
        if result is ABSENT:
            raise missing()
        return result

    return value


def _unify_newlines(text: str) -> str:
    """Make every line break one ``\\n``, as Jinja does in a template's text."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
