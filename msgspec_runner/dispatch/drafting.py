"""From rendered rows to messages on the disk, while somebody else looks at the rows: they are rendered once.

Whoever lints a spec and then sends it wants each row judged by the rules and made into a message. So what passes the
rows on to the rules makes the messages on the way (:meth:`Draft.through`), and what forbids to send them is not raised
there but kept: the findings come first, and all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256

from msgspec_runner.audience import RenderedRow
from msgspec_runner.content.segments import segment_count
from msgspec_runner.dispatch.delivery import written
from msgspec_runner.errors import RecipientsError, UnsendableError, UsageError
from msgspec_runner.ledger.spool import PlanSpool
from msgspec_runner.ledger.values import Skip
from msgspec_runner.messages import message_maker
from msgspec_runner.recipients.columns import text_of
from msgspec_runner.rendering import Rendered, Renderer, RowProblem
from msgspec_runner.source.document import Document
from msgspec_runner.spec import Spec
from msgspec_runner.timing import rules_of


class Drafts:
    """The messages of specs that are linted one after the other.

    Args:
        spool: where the messages go.
        origin: see :func:`msgspec_runner.model.identity`.
        leaves_out: see :class:`Draft`.
    """

    def __init__(self, spool: PlanSpool, origin: str, *, leaves_out: bool) -> None:
        self._spool = spool
        self._origin = origin
        self._leaves_out = leaves_out
        self._made: dict[Document, Draft] = {}

    def through(self, renderer: Renderer, rows: Iterable[RenderedRow]) -> Iterator[RenderedRow]:
        """Pass the rows of a spec on; see :meth:`Draft.through`."""
        draft = Draft(renderer, self._spool, self._origin, leaves_out=self._leaves_out)
        self._made[renderer.spec.document] = draft
        return draft.through(rows)

    def of(self, document: Document) -> Draft | None:
        """Return what was made of a spec's rows; None where they were not, or not all of them, passed through here."""
        draft = self._made.get(document)
        return draft if draft is not None and draft.is_complete else None


class Draft:
    """The messages of one spec.

    Attributes:
        is_complete: whether all rows have passed through.

    Args:
        renderer: what rendered the rows.
        spool: where the messages go; nothing else is added to it in the meantime.
        origin: see :func:`msgspec_runner.model.identity`.
        leaves_out: whether rows that cannot be sent are left out, instead of refusing all.
    """

    def __init__(self, renderer: Renderer, spool: PlanSpool, origin: str, *, leaves_out: bool) -> None:
        self._renderer = renderer
        self._spec = renderer.spec
        self._spool = spool
        self._origin = origin
        self._leaves_out = leaves_out
        self._read = _columns_read(self._spec)
        self._refusal: UsageError | UnsendableError | None = None
        self._before = spool.rows
        self._after = self._before
        self.is_complete = False

    def through(self, rows: Iterable[RenderedRow]) -> Iterator[RenderedRow]:
        """Yield the rows as they come, and put what each would send into the spool; up to the first refusal.

        Raises:
            LedgerError: the spool cannot be written.
        """
        take = self._taker()
        try:
            for row in rows:
                if self._refusal is None:
                    try:
                        take(row)
                    except (UsageError, UnsendableError) as error:
                        self._refusal = error
                yield row
        except RecipientsError:
            self._spool.cut(self._before)
            raise
        self._after = self._spool.rows
        self.is_complete = True

    @property
    def is_refused(self) -> bool:
        """Whether a row, or their number, forbids to send any of them."""
        return self._refusal is not None

    def _taker(self) -> Callable[[RenderedRow], None]:
        """Return what puts a row into the spool, or raises why nothing may be sent."""
        spec, put = self._spec, self._spool.put
        make, delivery = message_maker(spec, self._origin), _delivery(spec)
        most = spec.delivery.max_recipients
        count = 0

        def take(row: RenderedRow) -> None:
            nonlocal count
            if count == most:
                raise _too_many(spec)
            count += 1
            if row.problems:
                self._leave_out(row)
                return
            rendered = row.rendered
            put(make(rendered, row.row.number, sms_segments(rendered), delivery(rendered.zone)))

        return take

    def conclude(self, invalid: Collection[int] | None) -> None:
        """Make the spool hold what may be sent of the spec, when all rows have passed.

        Args:
            invalid: numbers of the rows to leave out, beside those that could not be rendered.

        Raises:
            UnsendableError: a row cannot be sent.
            UsageError: a guard rail says no, or cannot be carried out.
        """
        if self._refusal is not None:
            raise self._refusal
        if invalid:
            self._spool.leave_out_rows(self._before, self._after, invalid, "invalid")

    def _leave_out(self, row: RenderedRow) -> None:
        for problem in row.problems:
            # What is wrong with the spec itself would leave everybody out, so it is refused.
            if not self._leaves_out or _is_of_spec(problem, row, self._renderer):
                raise UnsendableError(
                    f"{self._spec.document.file}: row {row.row.number} cannot be sent "
                    f"({problem.rule}: {problem.detail}), and the configuration ignores that rule. Correct the row. "
                    "Nothing was sent."
                )
        to, recipient_key = row.rendered.to, row.rendered.recipient_key
        key = _digest_of_cells(row, self._spec, self._read)
        self._spool.leave_out(
            Skip(self._spec.id, self._spec.edition, row.row.number, "invalid", to, recipient_key, key)
        )


def sms_segments(rendered: Rendered) -> int | None:
    """Return how many segments a rendered SMS takes; None where it is none."""
    text = rendered.body.get("text")
    if rendered.body.get("provider") != "twlo" or not isinstance(text, str):
        return None
    return segment_count(text)


def _too_many(spec: Spec) -> UsageError:
    return UsageError(
        f"{spec.document.file}: more than {spec.delivery.max_recipients:,} recipients, which delivery.max_recipients "
        "forbids: check the recipients, or raise it in a reviewed commit. Nothing was sent."
    )


def _is_of_spec(problem: RowProblem, row: RenderedRow, renderer: Renderer) -> bool:
    """Say whether no cell can be to blame: the field is the same or broken for everybody, or there are no cells."""
    is_same = problem.field is None or problem.field.template.is_static
    return not row.header or (not problem.column and is_same) or problem in renderer.constant_problems


def _columns_read(spec: Spec) -> frozenset[str] | None:
    """Return the names that a spec's templates read; None where a partial may read any."""
    templates = [field.template for field in (*spec.fields, spec.key, spec.zone) if field is not None]
    if any(template.includes for template in templates):
        return None
    return frozenset(use.name for template in templates for use in template.names)


def _digest_of_cells(row: RenderedRow, spec: Spec, read: Collection[str] | None) -> str:
    """Return what a row without an identity is recognised by: sha256 over the cells that its message is made of, hex.

    Cells that nobody reads do not count: an export's time of day must not make the same bad row another one.

    Args:
        row: one that cannot be sent.
        spec: whose it is.
        read: the names that the spec's templates read; None: all of them.
    """
    cells = row.row.cells
    by_heading = cells if isinstance(cells, Mapping) else dict(zip(row.header, cells, strict=False))
    if read is not None:
        headings = {column.name: column.heading for column in spec.columns}
        names = {*read, *(problem.column for problem in row.problems)}
        by_heading = {heading: by_heading.get(heading) for heading in (headings.get(name, name) for name in names)}
    texts = [(heading, text_of(value) or repr(value)) for heading, value in sorted(by_heading.items())]
    return sha256(json.dumps(["cells", texts]).encode()).hexdigest()


def _delivery(spec: Spec) -> Callable[[str], str | None]:
    """Return what gives a recipient's delivery rules as the ledger keeps them: made once a time zone."""
    given = spec.delivery
    if given.window is None and given.hold is None and given.expires is None:
        return lambda _: None
    return cache(lambda zone: written(rules_of(given, zone, spec.document.file)))
