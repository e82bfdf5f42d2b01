"""The runner of pages itself: a page that lies must not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.sessions import PageError, refreshed


def page(*blocks: str) -> str:
    return "# A page\n\n" + "\n\nsome words\n\n".join(f"```{block}```" for block in blocks) + "\n"


def test_what_is_printed_takes_the_place_of_what_the_page_shows(tmp_path: Path) -> None:
    before = page("console\n$ echo one\nuno\n$ printf two\n$ true\nnothing\n", "sh\ncd /\n", "console\n$ pwd\n")
    after = page("console\n$ echo one\none\n$ printf two\ntwo\n$ true\n", "sh\ncd /\n", "console\n$ pwd\n/\n")
    assert refreshed(before, tmp_path) == after


def test_both_streams_are_shown_in_their_order(tmp_path: Path) -> None:
    text = page("console\n$ echo one; echo two >&2; echo three\none\ntwo\nthree\n")
    assert refreshed(text, tmp_path) == text


def test_a_command_may_go_on_over_lines(tmp_path: Path) -> None:
    text = page("console\n$ for word in one two; do\n>   echo $word\n> done\none\ntwo\n")
    assert refreshed(text, tmp_path) == text


@pytest.mark.parametrize("block", ["console\n$ true\n$ false\n", "sh\nfalse\ntrue\n", "python\nassert False\n"])
def test_a_command_that_fails_is_an_error(block: str, tmp_path: Path) -> None:
    with pytest.raises(PageError, match="exit code 1"):
        refreshed(page(block), tmp_path)


def test_a_failure_that_the_page_shows_is_none(tmp_path: Path) -> None:
    text = page("console\n$ (exit 3)\n$ echo $?\n3\n")
    assert refreshed(text, tmp_path) == text


def test_a_session_that_ends_early_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="ended early"):
        refreshed(page("sh\nexit 0\necho never\n"), tmp_path)


def test_a_file_is_written_where_the_session_is(tmp_path: Path) -> None:
    text = page(
        "sh\nmkdir there\ncd there\n", "yaml file=specs/a.yaml\nspec: a\n", "console\n$ cat specs/a.yaml\nspec: a\n"
    )
    assert refreshed(text, tmp_path) == text


def test_an_illustration_is_not_run(tmp_path: Path) -> None:
    text = page("sh illustration\nfalse\n", "yaml\nspec: a\n")
    assert refreshed(text, tmp_path) == text


def test_a_command_in_the_background_is_waited_for_until_it_speaks(tmp_path: Path) -> None:
    text = page(
        "console\n$ python -c 'print(1, flush=True); input()' &\n1\n$ echo next\nnext\n",
    )
    # It reads what no one writes: the page's end ends it.
    assert refreshed(text, tmp_path) == text


def test_what_differs_from_run_to_run_is_made_the_same(tmp_path: Path) -> None:
    text = page(
        "console\n$ echo 20261123-122458-abcf 20261124-000000-zzzz 20261123-122458-abcf\n",
        'console\n$ echo "$PWD/ledger.db" 3cc5ca66-0747-4241-bf67-07df9194f485 2026-11-23T12:39:17.158Z\n',
    )
    out = refreshed(text, tmp_path)
    assert "\n20311123-114501-x7k2 20311123-114502-x7k2 20311123-114501-x7k2\n" in out
    assert "\n/home/ann/ledger.db 0f8fad5b-d9cb-469f-a165-70867728950e 2031-11-23T11:45:02.120Z\n" in out


def test_no_key_of_the_person_who_runs_it_gets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOCS_API_KEY", "mine")
    text = page('console\n$ echo "[$SOCIOCS_API_KEY]"\n[]\n')
    assert refreshed(text, tmp_path) == text
