"""When an open text is looked at, and what is shown of it: never anything that is about another version of it.

After a change, and a short wait in which more may be typed, the spec is linted as it is written. Its recipients follow
in a process of their own. If they are few, only the whole is shown; if they take their time, what is known of the spec
is shown meanwhile. Whatever is still under way when the text changes again is given up.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Final, cast

from msgspec_runner.config import is_spec_name
from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.editor.helpers import Helper, Unanswered
from msgspec_runner.editor.positions import Units
from msgspec_runner.editor.questions import Check, Checked, CheckRows, Desk, Question, Settings

logger = logging.getLogger(__name__)

PAUSE: Final = 0.15
"""Seconds without a change after which a text is looked at: about as long as between two quick keystrokes."""

PATIENCE: Final = 0.3
"""Seconds in which recipients may still be awaited before the spec alone is spoken of."""

SECONDS: Final = 10.0
"""How long any other answer may take; a usual one takes milliseconds."""

_ID: Final = re.compile(r"^[\"']?spec[\"']?[ \t]*:([^\r\n]*)", re.MULTILINE)

Publish = Callable[["Text", Checked], None]


class Text:
    """One open text.

    Attributes:
        uri: what the client calls it.
        path: of its file, absolute.
        text: its characters.
        version: the client's number of it; None where the client counts none.
        checked: what was found in this version; None while it is not known.
        looking: what looks at it now.
    """

    def __init__(self, uri: str, path: str, text: str, version: int | None) -> None:
        self.uri = uri
        self.path = path
        self.text = text
        self.version = version
        self.checked: Checked | None = None
        self.looking: asyncio.Task[None] | None = None

    @property
    def may_be_spec(self) -> bool:
        """Whether its name is a spec's; what is none may be a partial of any other text."""
        return is_spec_name(self.path)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """What is known of this version."""
        return tuple(item.diagnostic for item in self.checked.found) if self.checked is not None else ()


class Session:
    """The open texts of one client.

    Args:
        publish: shows what was found in a text.
    """

    def __init__(self, publish: Publish) -> None:
        self.settings = Settings()
        self.units: Units = "utf-16"
        self.texts: dict[str, Text] = {}
        self._publish = publish
        self._answers = Helper("answers")
        self._rows = Helper("rows", nice=True)
        self._turn = asyncio.Lock()
        self._rows_of: Text | None = None

    def begin(self) -> None:
        """Start the helpers."""
        self._answers.warm()
        self._rows.warm()

    async def close(self) -> None:
        """End everything."""
        for text in self.texts.values():
            if text.looking is not None:
                text.looking.cancel()
        await asyncio.gather(self._answers.close(), self._rows.close())

    def open(self, uri: str, path: str, characters: str, version: int | None) -> None:
        """Take a text that was opened."""
        self.forget(uri)
        self.texts[uri] = text = Text(uri, path, characters, version)
        self._look(text, pause=0)
        self.look_again(but=text)

    def change(self, uri: str, characters: str, version: int | None) -> None:
        """Take a text that was changed."""
        text = self.texts.get(uri)
        if text is None:
            return
        before = text.text
        text.text, text.version, text.checked = characters, version, None
        self._look(text, pause=PAUSE)
        if not text.may_be_spec or _id_in(before) != _id_in(characters):
            self.look_again(but=text)

    def forget(self, uri: str) -> Text | None:
        """Give up a text that was closed; others that it was a part of are looked at again, with its file."""
        text = self.texts.pop(uri, None)
        if text is not None:
            self._stop(text)
            self.look_again()
        return text

    def look_again(self, *, but: Text | None = None) -> None:
        """Look at all texts once more, because something around them is not as it was."""
        for text in self.texts.values():
            if text is not but:
                self._look(text, pause=PAUSE, patient=True)

    def desk(self, text: Text) -> Desk:
        """Return a text and what is open beside it, as a helper needs it."""
        opened = {each.path: each.text for each in self.texts.values()}
        return Desk(text.path, text.text, opened, self.settings, self.units)

    async def ask(self, question: Question) -> object:
        """Return the answer to a question; None where there is none."""
        try:
            return await self._answers.ask(question, SECONDS)
        except Unanswered:
            return None

    def _look(self, text: Text, *, pause: float, patient: bool = False) -> None:
        self._stop(text)
        text.looking = asyncio.create_task(self._looked(text, pause, patient=patient))
        text.looking.add_done_callback(_report)

    def _stop(self, text: Text) -> None:
        if text.looking is not None and not text.looking.done():
            text.looking.cancel()
        if self._rows_of is text:
            self._give_up_rows()

    def _give_up_rows(self) -> None:
        """End the process that reads recipients, and begin another one while nobody waits."""
        self._rows_of = None
        self._rows.end()
        self._rows.warm()

    async def _looked(self, text: Text, pause: float, *, patient: bool) -> None:
        await asyncio.sleep(pause)
        desk = self.desk(text)
        checked = cast("Checked | None", await self.ask(Check(desk)))
        if checked is None:
            return
        if not checked.is_spec or checked.trouble:
            self._show(text, checked)
            return
        if self._rows_of is not None and not patient:
            waiting = self._rows_of
            self._give_up_rows()
            self._look(waiting, pause=PAUSE, patient=True)
        whole = asyncio.create_task(self._with_rows(text, desk, checked))
        try:
            await asyncio.wait({whole}, timeout=PATIENCE)
            if not whole.done():
                self._show(text, checked)
            self._show(text, await whole)
        finally:
            whole.cancel()

    async def _with_rows(self, text: Text, desk: Desk, checked: Checked) -> Checked:
        """Return what is found with every recipient; without them where they cannot be read in time."""
        question = CheckRows(desk, checked.others)
        try:
            async with self._turn:
                self._rows_of = text
                try:
                    return cast("Checked", await self._rows.ask(question, self.settings.row_seconds))
                finally:
                    if self._rows_of is text:
                        self._rows_of = None
        except Unanswered:
            return checked

    def _show(self, text: Text, checked: Checked) -> None:
        text.checked = checked
        self._publish(text, checked)


def _id_in(text: str) -> str:
    """Return what is written as a spec's id: where it changes, what is said of specs with the same one changes too."""
    found = _ID.search(text)
    return found[1] if found is not None else ""


def _report(looking: asyncio.Task[None]) -> None:
    if not looking.cancelled() and (error := looking.exception()) is not None:
        logger.error("a bug while looking at a text; please report it", exc_info=error)
