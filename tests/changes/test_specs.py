"""Which specs a change touches, why, and which version of each came before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from msgspec_runner.changes.specs import CONFIGURATION, ITSELF, Changes
from msgspec_runner.errors import UsageError
from tests.changes.conftest import FindChanges
from tests.git.repo import Repo


def touched(changes: Changes) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    """Return where each touched spec stood before, and why it is touched."""
    return {
        change.after.file: (change.before.file if change.before is not None else None, change.because)
        for change in changes.specs
        if change.after is not None
    }


def deleted(changes: Changes) -> list[str]:
    return [change.before.file for change in changes.deleted if change.before is not None]


@pytest.fixture(autouse=True)
def two(repo: Repo) -> None:
    repo.spec("one")
    repo.spec("two")
    repo.commit()


def test_nothing_changed(changes: FindChanges) -> None:
    found = changes()
    assert (touched(found), found.deleted, len(found.documents)) == ({}, (), 2)


def test_a_spec_that_is_other_and_one_that_is_new(repo: Repo, changes: FindChanges) -> None:
    repo.replace("specs/one.yaml", "Hi", "Hello")
    repo.spec("three")
    because = (ITSELF, "specs/three.csv")
    assert touched(changes()) == {
        "specs/one.yaml": ("specs/one.yaml", (ITSELF,)),
        "specs/three.yaml": (None, because),
    }


def test_recipients_that_are_others(repo: Repo, changes: FindChanges) -> None:
    repo.rows("specs/two.csv", 4)
    assert touched(changes()) == {"specs/two.yaml": ("specs/two.yaml", ("specs/two.csv",))}


def test_a_file_that_no_spec_needs_changes_nothing(repo: Repo, changes: FindChanges) -> None:
    repo.write("recipients/nobody.csv", "phone\n")
    repo.write("partials/unused.txt", "x")
    repo.write("pyproject.toml", "[project]\nname = 'x'\n")
    assert touched(changes()) == {}


def test_partials_and_those_that_they_include(repo: Repo, changes: FindChanges) -> None:
    repo.write("partials/outer.txt", "{% include 'deep/inner.txt' %}")
    repo.write("partials/deep/inner.txt", "Bye")
    repo.spec("two", text="Hi {{ name }} {% include 'outer.txt' %}")
    repo.commit()
    repo.write("partials/deep/inner.txt", "Bye!")
    assert touched(changes()) == {"specs/two.yaml": ("specs/two.yaml", ("partials/deep/inner.txt",))}


def test_partials_that_include_each_other_end(repo: Repo, changes: FindChanges) -> None:
    repo.write("partials/a.txt", "{% include 'b.txt' %}")
    repo.write("partials/b.txt", "{% include 'a.txt' %}{% include '../../etc/passwd' %}")
    repo.spec("two", text="{% include 'a.txt' %}")
    repo.commit()
    (repo.root / "partials/b.txt").unlink()
    assert touched(changes()) == {"specs/two.yaml": ("specs/two.yaml", ("partials/b.txt",))}


@pytest.mark.parametrize("name", ["msgspec-runner.toml", "pyproject.toml"])
def test_the_configuration_is_everybody_s(name: str, repo: Repo, changes: FindChanges) -> None:
    head = "[tool.msgspec-runner]\n" if name == "pyproject.toml" else ""
    repo.write(name, f'{head}locale = "en_US"\n')
    repo.commit()
    repo.write(name, f'# words\n{head}locale = "en_US"\n')
    assert touched(changes()) == {}, "a comment is no change"
    repo.write(name, f'{head}locale = "de_DE"\n')
    assert {because for _, because in touched(changes()).values()} == {(CONFIGURATION,)}
    (repo.root / name).unlink()
    assert set(touched(changes())) == {"specs/one.yaml", "specs/two.yaml"}


def test_a_configuration_that_was_broken_is_told(repo: Repo, changes: FindChanges) -> None:
    repo.write("msgspec-runner.toml", "locale = [")
    repo.commit()
    repo.write("msgspec-runner.toml", 'locale = "en_US"\n')
    found = changes()
    assert set(touched(found)) == {"specs/one.yaml", "specs/two.yaml"}
    [note] = found.notes
    assert note.startswith("the configuration before could not be read (msgspec-runner.toml: not valid TOML")


@pytest.mark.parametrize("profile", [None, "prod"])
def test_lists_of_suppressions_of_any_profile_are_everybody_s(
    profile: str | None, repo: Repo, changes: FindChanges
) -> None:
    repo.write("msgspec-runner.toml", '[profiles.prod]\nsuppressions = ["lists/stop.txt"]\n')
    repo.write("lists/stop.txt", "+16175550001\n")
    repo.commit()
    repo.write("lists/stop.txt", "+16175550002\n")
    assert {because for _, because in touched(changes(profile=profile)).values()} == {("lists/stop.txt",)}


def test_catalogs_are_those_of_specs_with_a_template(repo: Repo, changes: FindChanges) -> None:
    repo.write("msgspec-runner.toml", 'catalogs = ["catalogs/*.json", "more.json"]\n')
    repo.write("catalogs/a.json", "{}")
    repo.write("catalogs/gone.json", "{}")
    repo.write("more.json", "{}")
    repo.replace("specs/two.yaml", '  text: "Hi {{ name }}"\n', "  template: {id: HX1}\n")
    repo.commit()
    repo.write("catalogs/a.json", "[]")
    repo.write("catalogs/new.json", "{}")
    (repo.root / "catalogs/gone.json").unlink()
    names = ("catalogs/a.json", "catalogs/gone.json", "catalogs/new.json")
    assert touched(changes()) == {"specs/two.yaml": ("specs/two.yaml", names)}


def test_a_rename_is_known_by_the_id(repo: Repo, changes: FindChanges) -> None:
    repo.git("mv", "specs/one.yaml", "specs/eins.yaml")
    found = changes()
    assert touched(found) == {"specs/eins.yaml": ("specs/one.yaml", (ITSELF,))}
    assert found.specs[0].is_renamed
    assert not found.specs[0].has_new_id
    assert deleted(found) == []


def test_a_rename_with_other_words_too(repo: Repo, changes: FindChanges) -> None:
    repo.git("mv", "specs/one.yaml", "specs/eins.yaml")
    repo.replace("specs/eins.yaml", "Hi {{ name }}", "Something else")
    assert touched(changes()) == {"specs/eins.yaml": ("specs/one.yaml", (ITSELF,))}


def test_a_copy_with_an_id_of_its_own_is_new(repo: Repo, changes: FindChanges) -> None:
    text = (repo.root / "specs/one.yaml").read_text()
    repo.write("specs/copy.yaml", text.replace("spec: one", "spec: copy"))
    assert touched(changes()) == {"specs/copy.yaml": (None, (ITSELF,))}


def test_a_copy_with_the_same_id_takes_nobody_s_place(repo: Repo, changes: FindChanges) -> None:
    repo.write("specs/again.yaml", (repo.root / "specs/one.yaml").read_text())
    repo.replace("specs/one.yaml", "Hi", "Hello")
    assert touched(changes()) == {
        "specs/again.yaml": (None, (ITSELF,)),
        "specs/one.yaml": ("specs/one.yaml", (ITSELF,)),
    }


def test_another_id_in_the_same_file_is_told(repo: Repo, changes: FindChanges) -> None:
    repo.replace("specs/one.yaml", "spec: one", "spec: uno")
    [change] = changes().specs
    assert change.has_new_id
    assert change.before is not None
    assert change.before.spec.id == "one"


def test_ids_that_change_places(repo: Repo, changes: FindChanges) -> None:
    repo.replace("specs/one.yaml", "spec: one", "spec: two")
    repo.replace("specs/two.yaml", "spec: two", "spec: one")
    found = changes()
    assert {file: before for file, (before, _) in touched(found).items()} == {
        "specs/one.yaml": "specs/two.yaml",
        "specs/two.yaml": "specs/one.yaml",
    }
    assert not any(change.has_new_id for change in found.specs)


def test_what_is_gone_is_told(repo: Repo, changes: FindChanges) -> None:
    repo.git("rm", "--quiet", "specs/one.yaml")
    found = changes()
    assert (touched(found), deleted(found)) == ({}, ["specs/one.yaml"])
    assert deleted(changes("specs/two.yaml")) == []
    assert deleted(changes("specs")) == ["specs/one.yaml"]
    assert deleted(changes(".")) == ["specs/one.yaml"]


def test_a_spec_that_is_excluded_now_is_gone(repo: Repo, changes: FindChanges) -> None:
    repo.write("msgspec-runner.toml", 'exclude = ["specs/one.yaml"]\n')
    assert deleted(changes()) == ["specs/one.yaml"]


def test_only_the_specs_that_are_named(repo: Repo, changes: FindChanges) -> None:
    repo.replace("specs/one.yaml", "Hi", "Hello")
    repo.replace("specs/two.yaml", "Hi", "Hello")
    assert list(touched(changes("specs/two.yaml"))) == ["specs/two.yaml"]


def test_a_renamed_spec_that_is_named_is_still_known(repo: Repo, changes: FindChanges) -> None:
    repo.git("mv", "specs/one.yaml", "specs/eins.yaml")
    assert touched(changes("specs/eins.yaml")) == {"specs/eins.yaml": ("specs/one.yaml", (ITSELF,))}


def test_specs_outside_the_project_are_refused(repo: Repo, changes: FindChanges, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("spec: b\n")
    with pytest.raises(UsageError, match=r"b.yaml lies outside of .*repo: name specs of one project"):
        changes("specs/one.yaml", str(tmp_path / "b.yaml"))


def test_from_a_folder_below(repo: Repo, changes: FindChanges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root / "specs")
    repo.rows("specs/two.csv", 4)
    assert touched(changes()) == {"specs/two.yaml": ("specs/two.yaml", ("specs/two.csv",))}
    assert touched(changes("two.yaml")) == {"specs/two.yaml": ("specs/two.yaml", ("specs/two.csv",))}


def test_a_broken_spec_before_or_after_is_one_by_its_file(repo: Repo, changes: FindChanges) -> None:
    repo.write("specs/one.yaml", "spec: [")
    assert touched(changes()) == {"specs/one.yaml": ("specs/one.yaml", (ITSELF,))}
    repo.commit()
    repo.spec("one")
    assert touched(changes()) == {"specs/one.yaml": ("specs/one.yaml", (ITSELF,))}


def test_a_spec_in_a_submodule_that_moved_is_new_and_that_is_told(
    repo: Repo, changes: FindChanges, tmp_path: Path
) -> None:
    other = Repo(tmp_path / "other")
    other.spec("three")
    other.commit()
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "specs/sub")
    repo.commit()
    assert touched(changes()) == {}
    repo.replace("specs/sub/specs/three.yaml", "Hi", "Hello")
    repo.git("-C", "specs/sub", "commit", "--quiet", "--all", "--message", "more")
    found = changes()
    assert touched(found)["specs/sub/specs/three.yaml"][0] is None
    assert found.notes == (
        "specs/sub/specs/three.yaml lies in a submodule: its version before is not known, so it is new here",
    )


@pytest.mark.parametrize("file", ['"a\\0b.csv"', "../../../etc/passwd", "/etc/passwd", "''", ".", "x" * 300])
def test_hostile_recipients_are_nobody_s_business_here(file: str, repo: Repo, changes: FindChanges) -> None:
    repo.spec("one", file=file)
    assert touched(changes())["specs/one.yaml"][1] == (ITSELF,)


def test_a_hostile_name_is_a_name(repo: Repo, changes: FindChanges) -> None:
    name = os.fsdecode(b"specs/-x \n\xff$(id)`id`.yaml")
    repo.write(name, (repo.root / "specs/one.yaml").read_text().replace("spec: one", "spec: odd"))
    repo.commit()
    repo.replace("specs/one.yaml", "Hi", "Hello")
    (repo.root / name).write_text("spec: odd\n")
    assert touched(changes())[name] == (name, (ITSELF,))
