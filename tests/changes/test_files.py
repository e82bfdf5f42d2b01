"""Which files changed: judged by content, without git looking at the working tree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from msgspec_runner.changes.before import Before
from tests.git.repo import Repo

Old = Callable[[], Before]


def test_what_came_what_went_and_what_is_other(repo: Repo, old: Old) -> None:
    for name in ("same", "other", "gone"):
        repo.write(name, name)
    repo.commit()
    repo.write("other", "another")
    repo.write("new", "new")
    (repo.root / "gone").unlink()
    files = old().files
    assert {name: files.changed(name) for name in ("same", "other", "gone", "new", "never")} == {
        "same": False,
        "other": True,
        "gone": True,
        "new": True,
        "never": False,
    }


@pytest.mark.parametrize(
    ("committed", "here", "changed"),
    [
        ("a\nb\n", "a\r\nb\r\n", False),
        ("a\nb\n", "a\r\nc\r\n", True),
        ("a\nb\n", "a\rb\n", True),
        ("a\n", "a\n\r", True),
        ("x" * (1 << 20) + "\nb\n", "x" * (1 << 20) + "\r\nb\r\n", False),
        ("x" * ((1 << 20) - 1) + "\nb\n", "x" * ((1 << 20) - 1) + "\r\nb\r\n", False),
    ],
    ids=["windows", "other", "cr", "end", "behind a chunk", "over two chunks"],
)
def test_a_checkout_on_windows_changes_nothing(committed: str, here: str, changed: bool, repo: Repo, old: Old) -> None:
    repo.write("file.csv", committed)
    repo.commit()
    repo.write("file.csv", here)
    assert old().files.changed("file.csv") is changed


def test_what_is_ignored_is_no_change_and_kept_out(repo: Repo, old: Old) -> None:
    repo.write(".gitignore", "*.csv\n")
    repo.commit()
    repo.write("people.csv", "x")
    files = old().files
    assert not files.changed("people.csv")
    assert files.is_kept_out("people.csv")
    assert not files.is_kept_out(".gitignore")


def test_what_goes_through_a_filter_is_judged_by_the_index(repo: Repo, old: Old) -> None:
    """Git LFS and git-crypt keep other bytes than those on the disk."""
    repo.write("people.csv", "version https://git-lfs.github.com/spec/v1\n")
    repo.commit()
    repo.write(".gitattributes", "*.csv filter=lfs\n")
    repo.write("people.csv", "phone\n+16175550001\n")
    files = old().files
    assert not files.changed("people.csv")
    assert files.is_kept_out("people.csv")
    repo.git("-c", "filter.lfs.clean=cat", "add", "people.csv")
    assert old().files.changed("people.csv")


def test_a_link_changes_with_its_target_and_with_what_it_leads_to(repo: Repo, old: Old) -> None:
    repo.write("shared/a", "a")
    (repo.root / "link").symlink_to("shared/a")
    (repo.root / "folder").symlink_to("shared")
    repo.commit()
    files = old().files
    assert [files.changed(name) for name in ("link", "folder/a")] == [False, False]
    repo.write("shared/a", "b")
    files = old().files
    assert [files.changed(name) for name in ("link", "folder/a")] == [True, True]
    repo.write("shared/a", "a")
    repo.write("shared/b", "a")
    (repo.root / "link").unlink()
    (repo.root / "link").symlink_to("shared/b")
    assert old().files.changed("link")


def test_links_in_a_circle_end(repo: Repo, old: Old) -> None:
    (repo.root / "a").symlink_to("b")
    (repo.root / "b").symlink_to("a")
    repo.commit()
    opened = old()
    assert not opened.files.changed("a")
    opened.bring(["a"])
    assert list(opened.folder.iterdir()) == []


@pytest.mark.parametrize("name", ["a\0b", "x" * 5_000, "x/" * 2_000 + "x", ""])
def test_a_name_that_cannot_be_is_no_change(name: str, repo: Repo, old: Old) -> None:
    repo.commit()
    files = old().files
    assert not files.changed(name)
    assert not files.is_kept_out(name)


def test_a_submodule_changes_with_its_commit(repo: Repo, old: Old, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other")
    other.write("people.csv", "x")
    other.commit()
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "sub")
    repo.commit()
    files = old().files
    assert (files.changed("sub/people.csv"), files.is_kept_out("sub/people.csv")) == (False, True)
    repo.git("-C", "sub", "commit", "--quiet", "--allow-empty", "-m", "more")
    assert old().files.changed("sub/people.csv")


def test_only_what_is_asked_for_is_written_and_nothing_is_a_link(repo: Repo, old: Old, tmp_path: Path) -> None:
    repo.write("specs/a.yaml", "a")
    repo.write("other.txt", "x")
    (repo.root / "inside").symlink_to("specs/a.yaml")
    (repo.root / "folder").symlink_to("specs")
    (repo.root / "outside").symlink_to(tmp_path / "secret")
    (repo.root / "above").symlink_to("../secret")
    (repo.root / "absolute").symlink_to("/specs/a.yaml")
    (tmp_path / "secret").write_text("secret")
    repo.commit()
    (repo.root / "specs/a.yaml").write_text("b")
    opened = old()
    opened.bring(
        ["specs/a.yaml", "inside", "folder/a.yaml", "outside", "above", "absolute", "gone", "../secret", "specs"]
    )
    found = {path.relative_to(opened.folder).as_posix(): path for path in opened.folder.rglob("*") if not path.is_dir()}
    assert sorted(found) == ["folder/a.yaml", "inside", "specs/a.yaml"]
    assert {path.read_text() for path in found.values()} == {"a"}
    assert not any(path.is_symlink() for path in opened.folder.rglob("*"))
    assert opened.folder.stat().st_mode & 0o777 == 0o700
    assert (repo.root / "specs/a.yaml").read_text() == "b"


def test_a_link_over_a_link_does_not_lead_out(repo: Repo, old: Old) -> None:
    """Lexically `deep/../..` stays inside; through the link `deep` it would not."""
    repo.write("a/b/c/file", "x")
    (repo.root / "a/b/c/up").symlink_to("../../..")
    (repo.root / "evil").symlink_to("a/b/c/up/../secret")
    repo.commit()
    opened = old()
    opened.bring(["evil", "a/b/c/up/a/b/c/file"])
    assert [path.name for path in opened.folder.rglob("*") if path.is_file()] == ["file"]


def test_what_is_kept_out_is_borrowed_from_here(repo: Repo, old: Old, tmp_path: Path) -> None:
    repo.write(".gitignore", "*.txt\n")
    repo.commit()
    repo.write("stop.txt", "+16175550001\n")
    (tmp_path / "secret").write_text("x")
    (repo.root / "link.txt").symlink_to(tmp_path / "secret")
    opened = old()
    opened.take(["stop.txt", "link.txt", "gone.txt", ".gitignore"])
    assert sorted(path.name for path in opened.folder.iterdir()) == [".gitignore", "stop.txt"]
