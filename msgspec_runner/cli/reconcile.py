"""``msgspec-runner reconcile``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from msgspec_runner.cli import completing_runs
from msgspec_runner.cli.connection import Api, api_options, choose_api, read_api_key
from msgspec_runner.cli.options import Terminal, common
from msgspec_runner.cli.runs import (
    KEY_SHOWN,
    SHOWN,
    asking_options,
    check_confirmed,
    check_origin,
    find_run,
    message_line,
    past_ledger,
    read_moment,
    who,
)
from msgspec_runner.dispatch.settling import Remaining, Seen, Settled, settle
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger import Entry, Ledger, Stored
from msgspec_runner.model import State
from msgspec_runner.project import configure
from msgspec_runner.reports.run_summary import shown
from msgspec_runner.reports.text import count, printable
from msgspec_runner.reports.text import released as released_words
from msgspec_runner.sociocs.client import Client
from msgspec_runner.sociocs.lookups import Lookups
from msgspec_runner.sociocs.network import check_network

SHORTEST_KEY = 8
"""Characters of a key that say which message is meant."""

LONGEST_REASON = 500
"""Characters of a reason that the ledger keeps."""

_CHUNK = 500
"""Keys that are released in one transaction."""


@dataclass(frozen=True, slots=True)
class _Giving:
    """What is to be given up for another try.

    Attributes:
        keys: of ``--release``.
        before: of ``--release-all --before``; None: not asked for.
        reason: in the person's words.
        yes: do not ask.
    """

    keys: tuple[str, ...]
    before: datetime | None
    reason: str
    yes: bool

    def __bool__(self) -> bool:
        return bool(self.keys) or self.before is not None


@click.command("reconcile", short_help="Settle messages in doubt by asking the API.")
@click.argument("run", required=False, shell_complete=completing_runs.runs)
@click.option("--release", "keys", metavar="KEY", multiple=True, help="Give this message up, to be sent again.")
@click.option("--release-all", is_flag=True, help="Give up all that the API does not list; needs --before.")
@click.option("--before", metavar="TIME", help="With --release-all: tried before 2031-01-31, or with a time.")
@click.option("--reason", metavar="TEXT", help="With --release or --release-all: why; the ledger keeps it.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="Form of the output.")
@asking_options
@api_options
@common
def command(
    *,
    run: str | None,
    keys: tuple[str, ...],
    release_all: bool,
    before: str | None,
    reason: str | None,
    output: str,
    yes: bool,
    api_key_file: Path | None,
    timeout: float | None,
    show_numbers: bool,
    base_url: str | None,
    ledger: str | None,
    profile: str | None,
    terminal: Terminal,
) -> int:
    """Ask the API which messages in doubt it got: those of RUN, or all. What it lists is recorded as accepted.

    What it does not list stays in doubt: nothing found is no proof. To have such a message sent again, find out what
    became of it, and then release it: the next `send` texts its recipient once more.

    \b
    Examples:
      msgspec-runner reconcile
      msgspec-runner reconcile 20261123-114501-x7k2 --output json
      msgspec-runner reconcile --release-all --before 2031-01-31 --reason lost
    """
    giving = _giving(keys, before, reason, release_all=release_all, yes=yes)
    config = configure((), profile)
    api = choose_api(base_url)
    check_network(api.base_url)
    with past_ledger(ledger, config, api, terminal) as book:
        chosen = find_run(book, run) if run is not None else None
        origin = check_origin(chosen, api, "reconciled") if chosen is not None else api.origin
        run_id = chosen.id if chosen is not None else None
        doubts = list(book.stored(run_id, {State.IN_DOUBT}, origin))
        named = _named(doubts, giving.keys)
        settled = Settled({}, [], Seen())
        if doubts:
            key = read_api_key(api_key_file)
            terminal.note(f"asking {printable(api.origin)} about {count(len(doubts), 'message')} in doubt")
            settled = asyncio.run(_ask(book, api, key, origin, run_id, timeout or config.timeout))
        accepted = [stored for stored in doubts if stored.message.key in settled.accepted]
        if output == "text":
            _tell(accepted, settled, terminal, show_numbers=show_numbers)
        released = _release(book, settled, named, giving, terminal)
        left = [each for each in settled.remaining if each.stored.message.key not in released]
        if output == "json":
            terminal.report(_json(book, origin, run_id, settled, released, left))
        elif released:
            terminal.report(released_words(len(released)))
        _say_what_next(left, settled, terminal)
        return 3 if left else 0


def _giving(keys: tuple[str, ...], before: str | None, reason: str | None, *, release_all: bool, yes: bool) -> _Giving:
    """Read what is to be released.

    Raises:
        UsageError: the flags do not fit together.
    """
    nothing = "Nothing was released."
    if release_all and before is None:
        raise UsageError(f"--release-all needs --before TIME: what was tried later is left as it is. {nothing}")
    if before is not None and not release_all:
        raise UsageError(f"--before is for --release-all. {nothing}")
    if keys and release_all:
        raise UsageError(f"--release names messages, --release-all takes all: leave one out. {nothing}")
    short = next((key for key in keys if len(key) < SHORTEST_KEY), None)
    if short is not None:
        raise UsageError(f"--release {short}: write {SHORTEST_KEY} characters of the key, or more. {nothing}")
    words = (reason or "").strip()
    if (keys or release_all) and not words:
        raise UsageError(f'say why with --reason "…": the ledger keeps it, with your name. {nothing}')
    if words and not (keys or release_all):
        raise UsageError(f"--reason is for --release and --release-all. {nothing}")
    if len(words) > LONGEST_REASON or not words.isprintable():
        raise UsageError(f"--reason must be one line of at most {LONGEST_REASON} characters. {nothing}")
    return _Giving(keys, read_moment("--before", before) if before is not None else None, words, yes)


def _named(doubts: Sequence[Stored], prefixes: Sequence[str]) -> set[str]:
    """Return the keys that some beginnings mean.

    Raises:
        UsageError: one means none, or several.
    """
    named = set()
    for prefix in prefixes:
        found = [stored.message.key for stored in doubts if stored.message.key.startswith(prefix.lower())]
        if len(found) != 1:
            what = "no message in doubt has a key" if not found else f"{len(found)} messages in doubt have keys"
            raise UsageError(f"--release {prefix}: {what} that begins like this. Nothing was released.")
        named.add(found[0])
    return named


async def _ask(book: Ledger, api: Api, key: str, origin: str, run: str | None, seconds: float) -> Settled:
    async with Client(api.base_url, key, concurrency=1, timeout=seconds) as client:
        return await settle(book, Lookups(client, key), origin, run, datetime.now(UTC))


def _tell(accepted: Sequence[Stored], settled: Settled, terminal: Terminal, *, show_numbers: bool) -> None:
    """Say what is settled now, and what is not."""
    found = [(stored.message, settled.accepted[stored.message.key]) for stored in accepted]
    open_ = []
    for each in settled.remaining:
        why = each.why if show_numbers else shown(each.why)
        open_.append((each.stored.message, f"{_since(each.stored)}  {why}"))
    if not found and not open_:
        terminal.report("nothing is in doubt")
    for words, lines in (("accepted: the API lists them", found), ("still in doubt", open_)):
        if lines:
            terminal.report(f"{len(lines):,} {words}")
        for message, said in lines[:SHOWN]:
            terminal.report(message_line(message, said, show_numbers=show_numbers))
        if len(lines) > SHOWN:
            terminal.report(f"  and {len(lines) - SHOWN:,} more: `--output json` has all")


def _since(stored: Stored) -> str:
    """Return when a message was tried, to the minute."""
    return f"{(stored.claimed_at or stored.updated_at)[:16]}Z"


def _release(
    book: Ledger, settled: Settled, named: Collection[str], giving: _Giving, terminal: Terminal
) -> frozenset[str]:
    """Give up what was chosen and is still in doubt; return the keys.

    Raises:
        UsageError: nobody confirmed it, or the API could not be asked about all of them.
    """
    if not giving:
        return frozenset()
    chosen = [each.stored for each in settled.remaining if _is_chosen(each, named, giving)]
    if not chosen:
        terminal.warn("nothing to release")
        return frozenset()
    if giving.before is not None and settled.seen.troubles:
        raise UsageError(
            f"the API did not answer everything ({shown(settled.seen.troubles[0])}), so it may list some of them: "
            "run this again, or release single messages with --release KEY. Nothing was released."
        )
    number = count(len(chosen), "message")
    check_confirmed(
        f"Release {number}? The next `send` texts {'it' if len(chosen) == 1 else 'them'} again, "
        "also who got the first one.",
        "nothing was released",
        yes=giving.yes,
    )
    by = who()
    for first in range(0, len(chosen), _CHUNK):
        keys = [stored.message.key for stored in chosen[first : first + _CHUNK]]
        book.release(keys, giving.reason, by=by, only={State.IN_DOUBT})
    keys = [stored.message.key for stored in chosen]
    return frozenset(key for key, entry in _entries(book, keys) if entry.state is State.RELEASED)


def _is_chosen(each: Remaining, named: Collection[str], giving: _Giving) -> bool:
    if giving.before is None:
        return each.stored.message.key in named
    tried = datetime.fromisoformat(each.stored.claimed_at or each.stored.updated_at)
    return tried < giving.before and not each.is_listed


def _entries(book: Ledger, keys: Sequence[str]) -> Iterator[tuple[str, Entry]]:
    for first in range(0, len(keys), _CHUNK):
        yield from book.entries(keys[first : first + _CHUNK]).items()


def _json(
    book: Ledger,
    origin: str,
    run: str | None,
    settled: Settled,
    released: Collection[str],
    left: Sequence[Remaining],
) -> str:
    """Return the report with the one message object, as ``status`` has it."""
    why = {each.stored.message.key: each.why for each in left}
    lists: dict[str, list[dict[str, object]]] = {"accepted": [], "released": [], "in_doubt": []}
    for record in book.messages(run=run, origin=origin):
        if record.state is State.SKIPPED:
            continue
        for name, keys in (("accepted", settled.accepted), ("released", released), ("in_doubt", why)):
            if record.key in keys:
                lists[name].append({**record.as_dict()})
    seen = settled.seen
    report = {"version": 1, "origin": origin, "run": run, **lists, "why": why, "troubles": seen.troubles}
    return json.dumps(report, ensure_ascii=False, indent=2)


def _say_what_next(left: Sequence[Remaining], settled: Settled, terminal: Terminal) -> None:
    for trouble in settled.seen.troubles:
        terminal.warn(f"the API did not answer everything: {shown(trouble)}. Run the command again")
    if settled.seen.unread:
        terminal.warn(f"{count(settled.seen.unread, 'object')} in the API's lists show no id or no recipient")
    if left:
        example = left[0].stored.message.key[:KEY_SHOWN]
        terminal.warn(
            "not found is no proof: a message may have been sent all the same, so it is not sent again by itself. "
            "Look in app.sociocs.com, or ask who should have got it. To have it sent again: "
            f'`msgspec-runner reconcile --release {example} --reason "…"`'
        )
