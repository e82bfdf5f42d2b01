"""Repairs: of every rule that has one, and of any edits at all."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.config import load_config
from msgspec_runner.diagnostics import Diagnostic, Edit, Fix, Severity
from msgspec_runner.linting.fixes import MAX_ROUNDS, apply_fixes, fix
from msgspec_runner.linting.linter import Linter, LintResult
from msgspec_runner.linting.rule import Rule
from msgspec_runner.linting.rules import RULES
from msgspec_runner.source.document import Document, parse_document, read_document

FIXTURES = Path(__file__).parent.parent / "rules"
PARSE_ERRORS = {"MSG101", "MSG102", "MSG103", "MSG110"}

FORMS: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "windows": lambda text: text.replace("\n", "\r\n").encode(),
    "old mac": lambda text: text.replace("\n", "\r").encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "no final newline": lambda text: text.rstrip("\n").encode(),
    "emoji in front": lambda text: f"# 👩‍👩‍👧 ﷽\n{text}".encode(),
}


def bad_specs() -> list[Path]:
    return sorted(path for path in FIXTURES.glob("*/bad/*.yaml") if path.is_file())


def makes_fixes(rule: Rule) -> bool:
    function = rule.check or rule.row_check or rule.check_project or rule.wording or rule.check_suppressions
    module = inspect.getmodule(function)
    assert module is not None
    source = inspect.getsource(module)
    return "Fix(" in source or "fix=" in source or "replacement(" in source or "problem_findings(" in source


def linter(path: Path, monkeypatch: pytest.MonkeyPatch) -> Linter:
    monkeypatch.chdir(path.parent.parent)
    return Linter(load_config(path.parent.parent))


def written(document: Document) -> bytes:
    return ("\ufeff" * document.bom + document.text).encode()


def repaired(lint: Linter, document: Document) -> tuple[Document, LintResult, int]:
    fixed = fix(lint.lint, [document], unsafe=True)
    _, after = fixed.changed.get(document.file, (document, document))
    return after, fixed.result, fixed.repaired


def test_every_rule_with_a_repair_is_repaired_here(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for path in bad_specs():
        document = read_document(f"bad/{path.name}", path.read_bytes())
        found = linter(path, monkeypatch).lint([document]).diagnostics
        seen |= {item.code for item in found if item.fix is not None}
    expected = {rule.code for rule in RULES if makes_fixes(rule)}
    without = {"MSG401", "MSG407", "MSG410"}  # share their findings' making with 403, which has the suggestions
    assert seen == expected - without


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", bad_specs(), ids=lambda path: path.relative_to(FIXTURES).as_posix())
def test_a_repaired_finding_is_gone_and_nothing_else_changes(
    path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lint = linter(path, monkeypatch)
    try:
        data = FORMS[form](path.read_bytes().decode())
    except UnicodeDecodeError:
        return
    document = read_document(f"bad/{path.name}", data)
    before = lint.lint([document]).diagnostics
    fixes = [item for item in before if item.fix is not None]
    if not fixes:
        return
    after, result, count = repaired(lint, document)
    assert count >= 1
    assert not any(item.fix for item in result.diagnostics), "every repair was made"
    had, has = Counter(item.code for item in before), Counter(item.code for item in result.diagnostics)
    for item in fixes:
        assert has[item.code] < had[item.code]
    for code in PARSE_ERRORS:
        assert has[code] <= had[code], "still valid YAML"
    assert repaired(lint, after) == (after, result, 0), "a second time changes nothing"
    # All that is no edit is there still, byte for byte: line ends, quotes, comments, the mark.
    assert written(after).startswith(b"\xef\xbb\xbf") == data.startswith(b"\xef\xbb\xbf")
    assert written(after).endswith(b"\n") == data.endswith(b"\n")
    for end in ("\r\n", "\r", "\n"):
        assert (end in after.text) == (end in document.text)
    kept = {comment.text for comment in document.comments() if "msgspec:" not in comment.text}
    assert kept <= {comment.text for comment in after.comments()}


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('"to": "{{ phone }}"\n  "txt": Hi', '"to": "{{ phone }}"\n  "text": Hi'),
        ("to: x\n  {quote}txt{quote}: Hi".format(quote="'"), "to: x\n  'text': Hi"),
        ("to: '{{ phnoe }}'\n  text: Hi", "to: '{{ phone }}'\n  text: Hi"),
        ('to: "{{ \\u0020phnoe }}"\n  text: Hi', 'to: "{{ \\u0020phone }}"\n  text: Hi'),
        ("to: x\n  name: yes  # sic\n  text: Hi", 'to: x\n  name: "yes"  # sic\n  text: Hi'),
        ("to: x\n  text: |2+ # sic\n    Hi", "to: x\n  text: |2- # sic\n    Hi"),
    ],
)
def test_quotes_and_comments_stay(text: str, rest: str, project: Path) -> None:
    head, tail = "spec: s\nmessage:\n  ", '\nrecipients:\n  rows: [{phone: "+16175551212"}]\n'
    document = parse_document("s.yaml", head + text + tail)
    after, _, _ = repaired(Linter(load_config(project)), document)
    assert after.text == head + rest + tail


@pytest.mark.parametrize(
    "message",
    ['{"txt":"Hi","provider":"twilio","image_urls":"https://a.example/b.png"}', "{provider: twilio, txt: yes}"],
)
def test_in_braces_it_stays_yaml(message: str, project: Path) -> None:
    after, result, _ = repaired(
        Linter(load_config(project)), parse_document("s.yaml", f"spec: s\nmessage: {message}\n")
    )
    assert not after.problems
    assert {"text", "provider"} <= set(after.value["message"])  # type: ignore[index, call-overload]
    assert not {"MSG104", "MSG107", "MSG206", "MSG207"} & {item.code for item in result.diagnostics}


@pytest.mark.parametrize("given_names", [("text", "txt"), ("txt", "texxt"), ("image_url", "image_urls")])
def test_no_key_gets_the_name_of_another(given_names: tuple[str, str], project: Path) -> None:
    message = "".join(f"  {name}: https://placehold.co/a.png\n" for name in given_names)
    after, result, _ = repaired(Linter(load_config(project)), parse_document("s.yaml", f"spec: s\nmessage:\n{message}"))
    assert not after.problems
    assert {"MSG107", "MSG207"} & {item.code for item in result.diagnostics}


def test_safe_repairs_only_unless_asked(project: Path) -> None:
    text = 'spec: s\nmessage:\n  provider: twilio\n  channel_key: yes\n  to: "+16175551212"\n  text: Hi\n'
    lint = Linter(load_config(project)).lint
    safe = fix(lint, [parse_document("s.yaml", text)], unsafe=False)
    assert safe.changed["s.yaml"][1].text == text.replace("yes", '"yes"')
    assert [item.code for item in safe.result.diagnostics] == ["MSG206"]
    both = fix(lint, [parse_document("s.yaml", text)], unsafe=True)
    assert both.changed["s.yaml"][1].text == text.replace("yes", '"yes"').replace("twilio", "twlo")
    assert (safe.repaired, both.repaired) == (1, 2)


def test_several_specs_and_those_without_a_repair(project: Path) -> None:
    good = 'spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: "+16175551212"\n  text: Hi\n'
    documents = [
        parse_document("a.yaml", good.replace("spec: s", "spec: a")),
        parse_document("b.yaml", good.replace("spec: s", "spec: b").replace("Hi", "|\n    Hi")),
        read_document("c.yaml", b"\xff\xfespec"),
    ]
    fixed = fix(Linter(load_config(project)).lint, documents, unsafe=False)
    assert list(fixed.changed) == ["b.yaml"]
    assert list(fixed.result.documents) == ["a.yaml", "b.yaml", "c.yaml"]


# --- any edits at all


def finding(document: Document, edits: Sequence[tuple[int, int, str]], safety: str = "safe") -> Diagnostic:
    span = document.span(0, 0)
    made = tuple(Edit(document.span(first, last), text) for first, last, text in edits)
    return Diagnostic("s.yaml", "MSG999", "x", Severity.INFO, "x", span, fix=Fix(safety, made))


def test_what_collides_waits() -> None:
    document = parse_document("s.yaml", "abcdefgh")
    items = [
        finding(document, [(2, 4, "X")]),
        finding(document, [(0, 1, ""), (3, 5, "Y")]),  # as a whole or not at all
        finding(document, [(2, 4, "X")]),  # the same edit repairs both
        finding(document, [(4, 4, "+")]),
        finding(document, [(4, 6, "Z")]),  # which of the two would come first?
        finding(document, [(6, 8, "!")], "unsafe"),
    ]
    assert apply_fixes(document, items, unsafe=False) == ("abX+efgh", 3)
    assert apply_fixes(document, items, unsafe=True) == ("abX+ef!", 4)


def test_repairs_that_undo_each_other_come_to_an_end() -> None:
    rounds = []

    def lint(documents: Sequence[Document]) -> LintResult:
        rounds.append(1)
        (document,) = documents
        other = {"a": "b", "b": "a"}[document.text[0]]
        return LintResult((finding(document, [(0, 1, other)]),), {"s.yaml": document})

    fixed = fix(lint, [parse_document("s.yaml", "abc")], unsafe=False)
    assert fixed.changed["s.yaml"][1].text == "bbc"
    assert len(rounds) == 2


def test_repairs_that_never_end_are_stopped() -> None:
    def lint(documents: Sequence[Document]) -> LintResult:
        (document,) = documents
        return LintResult((finding(document, [(0, 0, "a")]),), {"s.yaml": document})

    fixed = fix(lint, [parse_document("s.yaml", "abc")], unsafe=False)
    assert fixed.changed["s.yaml"][1].text == "a" * MAX_ROUNDS + "abc"


TEXTS = st.text("ab\r\n\t é👍", max_size=30)


@settings(max_examples=200)
@given(TEXTS, st.data())
def test_any_edits(text: str, data: st.DataObject) -> None:
    document = parse_document("s.yaml", text)
    place = st.integers(0, len(document.text))
    edits = data.draw(st.lists(st.lists(st.tuples(place, place, st.text("xy\n", max_size=3)), min_size=1, max_size=1)))
    # The middle of a line break has no line and column of its own.
    ordered = [[(min(a, b), max(a, b), new) for a, b, new in group] for group in edits]
    ordered = [
        group
        for group in ordered
        if all(document.offset(document.position(edge)) == edge for edit in group for edge in edit[:2])
    ]
    after, count = apply_fixes(document, [finding(document, group) for group in ordered], unsafe=False)
    # What a plain reading of the rule gives: the first come first, those that touch the same wait.
    taken: list[tuple[int, int, str]] = []
    expected = 0
    for (edit,) in ordered:
        clash = any(
            edit != other and (edit[0] == other[0] or (edit[0] < other[1] and other[0] < edit[1])) for other in taken
        )
        if not clash:
            expected += 1
            taken += [edit] if edit not in taken else []
    plain = list(document.text)
    for first, last, new in sorted(taken, reverse=True):
        plain[first:last] = new
    assert (after, count) == ("".join(plain), expected)
    assert apply_fixes(document, [], unsafe=True) == (document.text, 0)
