"""Where things come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editor.conftest import Mark
from tests.editor.desks import At
from tests.editor.test_completion import HX, WHATSAPP
from tests.editor.texts import CONFIG, PEOPLE, SPEC


@pytest.fixture
def at(root: Path):  # type: ignore[no-untyped-def]
    return lambda marked, name="specs/hello.yaml", **more: At(root / name, marked, **more)


def test_a_column_is_declared_in_the_spec_and_named_in_the_file(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    place = at(mark("Hi {{ first_name }}", "Hi {{ first▮_name }}"))
    assert place.targets() == [("hello.yaml", "first_name"), ("people.csv", "First name")]
    assert at(mark("first_name: {h", "first▮_name: {h")).targets() == [("people.csv", "First name")]
    assert at(mark("{{ clinic }}", "{{ Stra▮ße }}")).targets() == [("people.csv", "Straße")]
    assert at(mark("First name: Eve", "First▮ name: Eve")).targets() == [
        ("hello.yaml", "first_name"),
        ("people.csv", "First name"),
    ]


def test_a_header_in_quotes_and_behind_a_byte_order_mark(at, mark: Mark, root: Path) -> None:  # type: ignore[no-untyped-def]
    (root / "people.csv").write_text("\ufeff" + PEOPLE.replace("First name", '"First name"'), encoding="utf-8")
    assert at(mark("Hi {{ first_name }}", "Hi {{ first▮_name }}")).targets()[1] == ("people.csv", "First name")
    assert at(mark('to: "{{ phone', 'to: "{{ pho▮ne')).targets()[1] == ("people.csv", "phone")


def test_a_column_of_samples_only(at) -> None:  # type: ignore[no-untyped-def]
    marked = 'spec: a\nmessage: {to: "{{ pho▮ne }}"}\nrecipients:\n  samples: [{phone: "+16175550100"}]\n'
    assert at(marked).targets() == [("hello.yaml", "phone")]


def test_the_recipients_file(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("../people.csv", "../peo▮ple.csv")).targets() == [("people.csv", "line 1")]
    assert at(mark("../people.csv", "../../../etc/pas▮swd")).targets() == []
    assert at(mark("../people.csv", "../abs▮ent.csv")).targets() == []


def test_a_var_where_it_has_its_value(at, mark: Mark, root: Path) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("{{ clinic }}", "{{ cli▮nic }}")).targets() == [("hello.yaml", "clinic")]
    company = at(mark("{{ clinic }}", "{{ comp▮any }}"))
    assert company.targets() == [("msgspec-runner.toml", "company")]
    (root / "msgspec-runner.toml").write_text('vars = {company = "Deer Park"}\n', encoding="utf-8")
    assert company.targets() == [("msgspec-runner.toml", "company")]
    profiles = '[profiles.live.vars]\ncompany = "Elm"\n[vars]\ncompany = "Deer Park"\n'
    (root / "msgspec-runner.toml").write_text(profiles, encoding="utf-8")
    assert company.lines() == [2]
    unchosen = profiles.replace('company = "Elm"', 'other = "Elm"')
    (root / "msgspec-runner.toml").write_text(unchosen, encoding="utf-8")
    assert company.lines() == [4]
    other = '[profiles.live]\n[profiles.test.vars]\ncompany = "Oak"\n["vars"]\n"company" = "Deer Park"\n'
    (root / "msgspec-runner.toml").write_text(other, encoding="utf-8")
    assert company.lines() == [5]


def test_a_var_of_pyproject(at, mark: Mark, root: Path) -> None:  # type: ignore[no-untyped-def]
    (root / "msgspec-runner.toml").unlink()
    table = CONFIG.replace("[vars]", "[tool.msgspec-runner.vars]")
    (root / "pyproject.toml").write_text(f"[project]\ncompany = 1\n[tool.msgspec-runner]\n{table}", encoding="utf-8")
    place = at(mark("{{ clinic }}", "{{ comp▮any }}"))
    assert place.targets() == [("pyproject.toml", "company")]


def test_a_partial(at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("signature.txt", "sig▮nature.txt")).targets() == [("signature.txt", "line 1")]
    assert at(mark("signature.txt", "../../../etc/pas▮swd")).targets() == []


def test_a_template_and_its_variables_in_the_catalog(at) -> None:  # type: ignore[no-untyped-def]
    line = [("catalog.yaml", "line 3")]
    assert at(WHATSAPP % (f"HX▮{HX[2:]}", '"1": x')).targets() == line
    assert at(WHATSAPP % (HX, '"▮1": x')).targets() == line
    assert at(WHATSAPP % ("HX▮1", '"1": x')).targets() == []


@pytest.mark.parametrize("marked", ["  pro▮vider: twlo", "  provider: tw▮lo"])
def test_what_comes_from_nowhere(marked: str, at, mark: Mark) -> None:  # type: ignore[no-untyped-def]
    assert at(mark("  provider: twlo", marked)).targets() == []
    assert at(SPEC.replace("spec:", "▮# spec:")).targets() == []
