"""What a rule is: a typed function with a code, a severity and a docstring that is its page.

There are five kinds, by what they look at:

* a **spec rule** looks at one spec as written (:class:`Subject`) and yields findings;
* a **row rule** looks at every rendered row and yields what is wrong with it. It is a function of what is known
  before the first row (:class:`RowContext`) that returns the check of a row, or None where it has nothing to look
  for in this spec: what is the same for all rows is decided once. A spec rule may have one beside it, for what the
  spec as written leaves to the row (a provider that is a template);
* a **project rule** looks at all specs of a run at once, and names the file of each finding;
* a **verdict rule** gives words to what :mod:`msgspec_runner.rendering` or the recipients' columns already
  decided makes a row unsendable; rendering decides, so that ``send`` and ``lint`` never differ;
* a **suppression rule** looks at a spec's suppressions when everything else has been found.

The function's name, in kebab-case, is the rule's name; its docstring is its documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec_runner.diagnostics import Fix, Related, Rows, Severity, Span
from msgspec_runner.rendering import RowProblem

if TYPE_CHECKING:
    from msgspec_runner.audience import RenderedRow
    from msgspec_runner.linting.review import Review
    from msgspec_runner.linting.row_context import RowContext
    from msgspec_runner.linting.subject import Subject


class Finding(NamedTuple):
    """What a spec rule yields; the linter adds code, name, severity and file.

    Attributes:
        span: the offending characters.
        message: what is wrong and what to type next.
        path: dotted key path.
        fix: a repair.
        related: other places.
        severity: over the rule's own, where one case of a rule is milder.
        rows: which recipients share it, where data is the cause.
    """

    span: Span
    message: str
    path: str = ""
    fix: Fix | None = None
    related: tuple[Related, ...] = ()
    severity: Severity | None = None
    rows: Rows | None = None


SpecCheck = Callable[["Subject"], Iterable[Finding]]
RowCheck = Callable[["RenderedRow"], Iterable[RowProblem]]
RowCheckMaker = Callable[["RowContext"], RowCheck | None]
ProjectCheck = Callable[[Sequence["SpecFacts"]], Iterable[tuple[str, Finding]]]
Wording = Callable[[RowProblem], str]
SuppressionCheck = Callable[["Review"], Iterable[Finding]]


class SpecFacts(NamedTuple):
    """What a project rule knows of each spec; all that a process need tell another of it.

    Attributes:
        file: the file as shown to the user.
        id: empty where it is missing.
        place: of the id, or of the file's first key.
    """

    file: str
    id: str
    place: Span


class Rule(NamedTuple):
    """One rule.

    Attributes:
        code: ``MSG`` and three digits, stable for ever.
        name: kebab-case name of the bad pattern.
        severity: unless configured.
        doc: its docstring.
        check: of a spec rule, else None.
        row_check: makes the check of a row: of a row rule, or of a spec rule that leaves something to the row.
        check_project: of a project rule, else None.
        wording: of a verdict rule, else None.
        check_suppressions: of a suppression rule, else None.
    """

    code: str
    name: str
    severity: Severity
    doc: str
    check: SpecCheck | None = None
    row_check: RowCheckMaker | None = None
    check_project: ProjectCheck | None = None
    wording: Wording | None = None
    check_suppressions: SuppressionCheck | None = None


def spec_rule(
    code: str, severity: Severity = Severity.WARNING, *, for_rows: RowCheckMaker | None = None
) -> Callable[[SpecCheck], Rule]:
    """Make a rule of a function over one spec.

    Args:
        code: of the rule.
        severity: unless configured.
        for_rows: makes the check of a row, for what the spec as written does not decide.
    """
    return lambda check: Rule(code, _name(check), severity, check.__doc__ or "", check=check, row_check=for_rows)


def row_rule(code: str, severity: Severity = Severity.WARNING) -> Callable[[RowCheckMaker], Rule]:
    """Make a rule of a function that makes the check of a rendered row."""
    return lambda maker: Rule(code, _name(maker), severity, maker.__doc__ or "", row_check=maker)


def project_rule(code: str, severity: Severity = Severity.WARNING) -> Callable[[ProjectCheck], Rule]:
    """Make a rule of a function over all specs of a run."""
    return lambda check: Rule(code, _name(check), severity, check.__doc__ or "", check_project=check)


def verdict_rule(code: str, severity: Severity = Severity.ERROR) -> Callable[[Wording], Rule]:
    """Make a rule of a function that words a verdict of rendering."""
    return lambda wording: Rule(code, _name(wording), severity, wording.__doc__ or "", wording=wording)


def suppression_rule(code: str, severity: Severity = Severity.WARNING) -> Callable[[SuppressionCheck], Rule]:
    """Make a rule of a function over a spec's suppressions."""
    return lambda check: Rule(code, _name(check), severity, check.__doc__ or "", check_suppressions=check)


def _name(function: Callable[..., object]) -> str:
    return function.__name__.replace("_", "-")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean `x`?`` for the closest known word, or nothing where none is close."""
    close = closest(word, known)
    return f"; did you mean `{close}`?" if close else ""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` most likely was meant to be, or None.

    Case and the difference between ``-`` and ``_`` count for nothing.
    """
    from difflib import get_close_matches

    folded = {_fold(item): item for item in sorted(known)}
    match = get_close_matches(_fold(word), folded, n=1, cutoff=0.7)
    return folded[match[0]] if match else None


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")
