"""What no configuration and no suppression lets through: a spec whose text is not what would be sent."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec_runner.config import Config
from msgspec_runner.linting.rule import Finding, Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.subject import Subject
from msgspec_runner.source.document import Document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import build_spec

UNSENDABLE = frozenset({"MSG101", "MSG102", "MSG103", "MSG108", "MSG109", "MSG110", "MSG210"})
"""Rules about what a reader of the file and :func:`~msgspec_runner.spec.build_spec` would understand differently."""


def unsendable(document: Document, config: Config) -> Iterator[tuple[Rule, Finding]]:
    """Yield why a document must not be sent, whatever is selected, ignored, downgraded or suppressed.

    Building a spec leaves out what does not fit, so that the linter can go on. Sending what is left would send
    ``text: [Hello]`` as a message without its text.
    """
    subject = Subject(document, build_spec(document), config, Partials(config.root), {}, None)
    for rule in RULES:
        if rule.code in UNSENDABLE and rule.check is not None:
            for finding in rule.check(subject):
                yield rule, finding
