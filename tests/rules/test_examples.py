"""Every rule's docstring is its page: what it calls Bad must give the rule's code, what it calls Good must not.

The examples are fragments. They are laid over a plain spec the way a reader would: what the fragment has replaces
what is there, and a message that names both its provider and its recipient is meant as a whole.
"""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from msgspec_runner.config import Config
from msgspec_runner.linting.linter import Linter
from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.linting.selection import OPT_IN
from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import CONTENT

MESSAGE = {
    "provider": "  provider: twlo",
    "channel_key": "  channel_key: your_channel_key",
    "to": '  to: "{{ phone }}"',
    "text": "  text: See you tomorrow.",
}
SAMPLES = '  samples: [{phone: "+16175551212", first_name: Ann}]'
NEIGHBOUR = """\
spec: hello
message:
  provider: twlo
  channel_key: your_channel_key
  to: "+16175551212"
  text: Hello! Reply STOP to opt out.
"""

NOW = datetime(2030, 12, 15, 12, tzinfo=UTC)
"""When the examples are linted: schedules in the first days of 2031 are near."""

CATALOGS = {
    "twlowa": """\
provider: twlowa
templates:
  - {id: HX0123456789abcdef0123456789abcdef, name: order_shipped, status: approved, variables: [1, 2]}
  - {id: HXfedcba9876543210fedcba9876543210, name: back_in_stock, status: paused, variables: []}
  - {id: HX89abcdef0123456789abcdef01234567, name: sale, status: approved, category: MARKETING, variables: []}
""",
    "gswa": """\
provider: gswa
templates:
  - {id: 7a3e14cf-4b35-4b8a-9d0c-0f8a1f4ad1c5, name: parcel, status: approved, media: image, variables: {Body: [1]}}
""",
}
"""What the examples of the rules about catalogs call the catalog; the others have none."""

EXAMPLES = [
    pytest.param(rule, kind, example, id=f"{rule.code}-{kind}-{number}")
    for rule in RULES
    for number, (kind, example) in enumerate(
        re.findall(r"^(Bad|Good)::\n\n((?:(?: {4}.*)?\n)+)", inspect.cleandoc(rule.doc) + "\n", re.MULTILINE), 1
    )
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_docstring_says_what_the_pattern_is_and_shows_it(rule: Rule) -> None:
    page = inspect.cleandoc(rule.doc)
    assert re.match(r"[^\n]+[.?]\n\n", page), "the first line is one sentence"
    assert page.index("\nBad::\n") < page.index("\nGood::\n")


@pytest.mark.parametrize(("rule", "kind", "example"), EXAMPLES)
def test_the_examples_are_true(
    rule: Rule, kind: str, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipients.csv").write_text("phone,first_name\n+16175551212,Ann\n", encoding="utf-8")
    text = laid_over_a_plain_spec(dedent(example))
    documents = [parse_document("hello.yaml", NEIGHBOUR), parse_document("example.yaml", text)]
    for name, catalog in CATALOGS.items():
        (tmp_path / f"{name}.yaml").write_text(catalog, encoding="utf-8")
    catalogs = ("*.yaml",) if "In the catalog of these examples" in rule.doc else ()
    # A rule that is opt-in is selected beside those that run anyway.
    select = tuple(each.code for each in RULES if each is rule or not each.code.startswith(OPT_IN))
    found = Linter(Config(root=tmp_path, select=select, catalogs=catalogs), now=NOW).lint(documents).diagnostics
    codes = {item.code for item in found}
    said = "\n".join(f"{item.code} {item.message}" for item in found)
    if kind == "Bad":
        assert rule.code in codes, f"{text}\ngives only: {said}"
    else:
        assert not found, f"{text}\ngives: {said}"


def laid_over_a_plain_spec(fragment: str) -> str:
    blocks = {block.partition(":")[0]: block.rstrip() for block in re.split(r"\n(?=\w)", fragment)}
    message = blocks.pop("message", "message:")
    given = set(re.findall(r"^  (\w+):", message, re.MULTILINE))
    if not given >= {"provider", "to"}:
        given |= {"text"} if given & set(CONTENT) else set()
        key, _, body = message.partition("\n")
        message = "\n".join([key, *(line for name, line in MESSAGE.items() if name not in given), body])
    recipients = blocks.pop("recipients", "recipients:")
    if not re.search(r"^  (rows|samples|file):", recipients, re.MULTILINE):
        recipients += f"\n{SAMPLES}"
    spec = blocks.pop("spec", "spec: example")
    return "\n".join([spec, *blocks.values(), recipients, message]) + "\n"
