"""Commits, trees and blobs of real repositories, and what is said where there are none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from msgspec_runner.errors import UsageError
from msgspec_runner.git.repository import LINK, SUBMODULE, open_repository
from tests.git.repo import PERSON, Repo


def contents(repo: Repo, *objects: str) -> dict[str, bytes]:
    return {name: b"".join(chunks) for name, chunks in open_repository(repo.root).contents(objects)}


def test_the_merge_base_is_what_is_compared_with(repo: Repo) -> None:
    start = repo.commit()
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.write("mine.txt", "x")
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.write("theirs.txt", "x")
    repo.commit()
    repo.git("checkout", "--quiet", "topic")
    since = open_repository(repo.root).since("main")
    assert since.commit == start
    assert since.words == f"main (merge base {start[:10]})"


@pytest.mark.parametrize("ref", ["main", "v1", "HEAD", "HEAD~1", "main@{0}", "refs/heads/main"])
def test_whatever_git_takes_for_a_commit_is_one(ref: str, repo: Repo) -> None:
    repo.commit()
    repo.commit()
    repo.git("tag", "--annotate", "v1", "--message", "one")
    open_repository(repo.root).since(ref)


@pytest.mark.parametrize(
    "ref",
    ["nope", "", "-", "--help", "--output=x", "-h", "HEAD:file.txt", "HEAD^{tree}", "a b", "$(touch x)", "a\0b", "..."],
)
def test_what_is_no_commit_is_refused_and_never_an_option(ref: str, repo: Repo) -> None:
    repo.write("file.txt", "x")
    repo.commit()
    with pytest.raises(UsageError, match="git knows no such commit: fetch it"):
        open_repository(repo.root).since(ref)
    assert sorted(path.name for path in repo.root.iterdir()) == [".git", "file.txt"]


def test_a_branch_that_only_the_remote_has_is_named(repo: Repo) -> None:
    repo.commit()
    repo.git("update-ref", "refs/remotes/origin/trunk", "HEAD")
    with pytest.raises(UsageError, match="there is no trunk here, but there is origin/trunk: --since origin/trunk"):
        open_repository(repo.root).since("trunk")


def test_a_shallow_clone_is_told_how_to_get_the_rest(repo: Repo, tmp_path: Path) -> None:
    repo.commit()
    repo.git("branch", "old")
    repo.commit()
    repo.git("clone", "--quiet", "--depth", "1", "--no-single-branch", f"file://{repo.root}", str(tmp_path / "clone"))
    clone = open_repository(tmp_path / "clone")
    assert clone.shallow
    with pytest.raises(UsageError, match=r"git fetch --unshallow.*`fetch-depth: 0`.*GIT_DEPTH"):
        clone.since("origin/old")
    with pytest.raises(UsageError, match=r"this clone is shallow; get all of it: `git fetch --unshallow`"):
        clone.since("v0")


def test_histories_that_never_meet_are_said(repo: Repo) -> None:
    repo.commit()
    repo.git("checkout", "--quiet", "--orphan", "island")
    repo.commit("another beginning")
    with pytest.raises(UsageError, match="HEAD and main have no commit in common"):
        open_repository(repo.root).since("main")


def test_a_repository_without_a_commit_is_said(repo: Repo) -> None:
    with pytest.raises(UsageError, match="there is no commit yet"):
        open_repository(repo.root).since("main")


def test_a_folder_without_a_repository_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "plain"
    folder.mkdir()
    with pytest.raises(UsageError, match="is in no git repository: run this in a clone"):
        open_repository(folder)


def test_a_folder_of_git_s_own_is_no_place_for_specs(repo: Repo) -> None:
    with pytest.raises(UsageError, match="run this where the specs are"):
        open_repository(repo.root / ".git")


@pytest.mark.skipif(
    os.name == "nt" or (os.getuid() != 0 and not os.environ.get("CI")), reason="giving files away needs root: use sudo"
)
def test_a_repository_of_somebody_else_is_explained(repo: Repo) -> None:
    repo.commit()
    for path in (repo.root, repo.root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(UsageError, match=r"git config --global --add safe\.directory '.*repo'"):
        open_repository(repo.root)


def test_files_are_those_below_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo(tmp_path / "mono", project="messages")
    repo.write("specs/a.yaml", "a")
    (repo.top / "elsewhere.txt").write_text("x")
    commit = repo.commit()
    assert list(open_repository(repo.root).tree(commit)) == ["specs/a.yaml"]


def test_names_may_hold_anything(repo: Repo) -> None:
    names = ["a b.txt", "ä.txt", "-x", "new\nline", "quote\"'", os.fsdecode(b"\xff\xfe.txt"), "tab\t.txt", ":(top)"]
    for name in names:
        repo.write(name, name.encode("utf-8", "surrogateescape"))
    commit = repo.commit()
    tree = open_repository(repo.root).tree(commit)
    assert sorted(tree) == sorted(names)
    read = contents(repo, *(file.object for file in tree.values()))
    assert {name: read[tree[name].object] for name in names} == {name: os.fsencode(name) for name in names}
    assert open_repository(repo.root).indexed([":(top)", "-x"]).keys() == {":(top)", "-x"}


def test_names_that_lead_out_of_a_folder_are_left_out(repo: Repo) -> None:
    """git itself makes no such tree; whoever wants to harm us writes the objects by hand."""
    blob = _blob(repo, b"evil")
    inner = _tree(repo, [("100644", "passwd", blob)])
    top = _tree(repo, [("40000", "..", inner), ("40000", ".git", inner), ("100644", "fine", blob)])
    commit = repo.git("commit-tree", top, "-m", "evil")
    assert list(open_repository(repo.root).tree(commit)) == ["fine"]


def _blob(repo: Repo, data: bytes) -> str:
    path = repo.write("blob", data)
    name = repo.git("hash-object", "-w", str(path))
    path.unlink()
    return name


def _tree(repo: Repo, entries: list[tuple[str, str, str]]) -> str:
    data = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(blob) for mode, name, blob in entries)
    path = repo.write("tree", data)
    name = repo.git("hash-object", "-w", "-t", "tree", "--literally", str(path))
    path.unlink()
    return name


def test_links_and_submodules_are_known_by_their_modes(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other")
    other.write("x", "x")
    inner = other.commit()
    (repo.root / "link").symlink_to("nowhere")
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "sub")
    commit = repo.commit()
    opened = open_repository(repo.root)
    tree = opened.tree(commit)
    assert {name: file.mode for name, file in tree.items() if not file.is_file} == {"link": LINK, "sub": SUBMODULE}
    assert opened.commit_in("sub") == inner
    assert opened.commit_in("gone") is None
    assert open_repository(repo.root / "sub").since("HEAD").commit == inner


def test_a_worktree_is_a_place_as_good(repo: Repo, tmp_path: Path) -> None:
    commit = repo.commit()
    repo.git("worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "tree"))
    assert open_repository(tmp_path / "tree").since("main").commit == commit


def test_a_repository_of_sha256_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "sha256"
    subprocess.run(["git", "init", "--quiet", "--object-format=sha256", root], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "-m", "a"], cwd=root, env=kept | PERSON, check=True)
    opened = open_repository(root)
    assert opened.hash == "sha256"
    assert len(opened.since("HEAD").commit) == 64


def test_what_is_ignored_and_what_goes_through_a_filter_is_known(repo: Repo) -> None:
    repo.write(".gitignore", "*.secret\n")
    repo.write(".gitattributes", "*.csv filter=lfs\nplain.csv -filter\n")
    repo.commit()
    opened = open_repository(repo.root)
    names = ["a.secret", ":(top)a.secret", "*.secret", "-x.secret", "new\nline.secret", "deep/er.secret"]
    assert opened.ignored([*names, "a.csv"]) == set(names)
    assert opened.filtered(["a.csv", "plain.csv", "a.txt"]) == {"a.csv"}


def test_a_large_file_comes_in_pieces(repo: Repo) -> None:
    repo.write("large", b"x" * 3_000_000)
    repo.write("small", b"y")
    tree = open_repository(repo.root).tree(repo.commit())
    sizes = {
        name: [len(chunk) for chunk in chunks]
        for name, chunks in open_repository(repo.root).contents([tree["large"].object, tree["small"].object])
    }
    assert sizes[tree["large"].object] == [1 << 20, 1 << 20, 3_000_000 - (2 << 20)]
    assert sizes[tree["small"].object] == [1]


def test_what_is_not_used_of_one_file_does_not_reach_the_next(repo: Repo) -> None:
    repo.write("first", b"x" * 3_000_000)
    repo.write("second", b"y")
    tree = open_repository(repo.root).tree(repo.commit())
    read = []
    for _, chunks in open_repository(repo.root).contents([tree["first"].object, tree["second"].object]):
        read.append(next(chunks)[:1])
    assert read == [b"x", b"y"]


def test_an_object_that_a_clone_lacks_is_explained(repo: Repo) -> None:
    with pytest.raises(UsageError, match=r"this clone lacks the object 1234567890: .* `git fetch --refetch"):
        contents(repo, "1234567890" * 4)


def test_a_partial_clone_runs_nothing_to_get_what_it_lacks(repo: Repo, tmp_path: Path) -> None:
    """A hostile configuration could name any program as the transport."""
    repo.write("file", "content")
    blob = open_repository(repo.root).tree(repo.commit())["file"].object
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    repo.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{repo.root}", str(clone))
    trap = tmp_path / "trap"
    for setting in (
        f"remote.origin.url=ext::sh -c touch% {trap}",
        "protocol.ext.allow=always",
        "protocol.allow=always",
    ):
        name, _, value = setting.partition("=")
        repo.git("-C", str(clone), "config", name, value)
    with pytest.raises(UsageError, match="this clone lacks the object"):
        list(open_repository(clone).contents([blob]))
    assert not trap.exists()


def test_nothing_that_a_configuration_names_is_run(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks, monitors, filters, diff drivers, pagers, aliases: each would leave a file behind."""
    trap, script = tmp_path / "trap", tmp_path / "run.sh"
    script.write_text(f'#!/bin/sh\ntouch "{trap}"\ncat\n')
    script.chmod(0o755)
    repo.write(".gitattributes", "* filter=evil diff=evil\n")
    repo.write("file.txt", "x")
    repo.commit()
    settings = (
        *("core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "core.gitProxy", "diff.external"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command"),
        *("alias.ls-tree", "alias.rev-parse", "credential.helper", "gpg.program", "core.alternateRefsCommand"),
    )
    for name in settings:
        repo.git("config", name, str(script))
    hooks = repo.root / ".git" / "hooks"
    shutil.rmtree(hooks, ignore_errors=True)
    hooks.mkdir()
    for name in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(script, hooks / name)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(script))
    monkeypatch.setenv("GIT_PAGER", str(script))
    repo.write("file.txt", "y")
    opened = open_repository(repo.root)
    tree = opened.tree(opened.since("main").commit)
    assert opened.indexed(["file.txt"]) == {"file.txt": tree["file.txt"].object}
    opened.ignored(["file.txt"])
    opened.filtered(["file.txt"])
    assert contents(repo, tree["file.txt"].object) == {tree["file.txt"].object: b"x"}
    assert not trap.exists()


def test_another_repository_in_the_environment_is_not_taken(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git hook runs with these set, and a project may lie in another repository than the hook's."""
    commit = repo.commit()
    other = Repo(tmp_path / "other")
    other.write("x", "x")
    other.commit()
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert open_repository(repo.root).since("HEAD").commit == commit
