"""Lists of numbers that are never texted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.errors import ConfigError, RunnerError
from msgspec_runner.recipients import suppressed
from msgspec_runner.recipients.suppressed import read_suppressed

ANN, BOB = "+16175551212", "+447911123456"


def read(root: Path, text: str | bytes, name: str = "never.txt") -> frozenset[str]:
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_suppressed([name], root)


@pytest.mark.parametrize(
    "text",
    [
        f"{ANN}\n{BOB}\n",
        "16175551212\n447911123456",
        f"# who wrote STOP\n\n  {ANN}  # in May\n\t\n{BOB}\n",
        "+1 (617) 555-1212\n+44 7911 123456\n",
        "+1.617.555.1212\r\n+44/7911/123456\r\n",
        f"\ufeff{ANN}\n{BOB}\n{ANN}\n",
        f"phone\n{ANN}\n{BOB}\n",
        f"name,Phone,note\nAnn,{ANN},x\nBob,{BOB},y\n",
        f'"last, first";"Number"\n"Lee, Ann";"{ANN}"\n"Ray; Bob";{BOB}\n',
        f"to\tfrom\n{ANN}\t{BOB}\n{BOB}\t{ANN}\n",
        f'# exported today\nnote,to\nwrote # STOP,{ANN}\n#,ignored\n\n"#1, twice",{BOB}\n',
        f'note,phone\n"two\nlines",{ANN}\n,{BOB}\n',
        f"to,number,phone\nx,x,{ANN}\nx,x,{BOB}\n",
    ],
)
def test_numbers_are_read_in_every_accepted_form(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == {ANN, BOB}


def test_several_files_are_one_list_and_none_is_empty(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.txt").write_text(ANN, encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"phone,name\n{BOB},Bob\n", encoding="utf-8")
    assert read_suppressed(["lists/a.txt", "b.csv"], tmp_path) == {ANN, BOB}
    assert read_suppressed([], tmp_path) == frozenset()
    assert read(tmp_path, "# nobody yet\n") == frozenset()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"{ANN}\nBob\n", 2, "letters"),
        (f"# x\n\n{ANN}\n617-555-1212\n", 4, "spaces or punctuation"),
        ("0016175551212\n", 1, "starts with 00"),
        ("5551212\n", 1, ""),
        (f"{ANN}, {BOB}\n", 1, "one number a line, or a header"),
        (f"mobile,name\n{ANN},Ann\n", 1, "`phone`, `number` or `to`"),
        (f"phone,name\n{ANN},Ann\n,Bob\n", 3, "is empty"),
        (f"name,phone\nAnn,{ANN}\nBob\n", 3, "is empty"),
        ("phone\n1.6175551212E+10\n", 2, "scientific notation"),
        (f'name,phone\n"Ann,{ANN}\n', 2, "a quote is not closed"),
        ("+1617555\u00a01212\n", 1, ""),
    ],
)
def test_a_line_that_is_no_number_is_told_with_its_place_and_never_quoted(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^never\.txt:{line}: ") as refused:
        read(tmp_path, text)
    assert words in str(refused.value)
    assert "555" not in str(refused.value).replace("+16175551212", "")


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"never\.xlsx: is no UTF-8 text"):
        read(tmp_path, b"PK\x03\x04\xff\xfe\n", "never.xlsx")
    with pytest.raises(ConfigError, match=r"^never\.txt:2: has .* characters in a line"):
        read(tmp_path, f"{ANN}\n" + "1" * suppressed.MAX_LINE)


def test_there_is_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressed, "MAX_NUMBERS", 1)
    assert read(tmp_path, f"{ANN}\n{ANN}\n") == {ANN}
    with pytest.raises(ConfigError, match="more than 1 numbers"):
        read(tmp_path, f"{ANN}\n{BOB}\n")


def test_the_files_lie_in_the_project(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    outside = tmp_path / "never.txt"
    outside.write_text(ANN, encoding="utf-8")
    (root / "link.txt").symlink_to(outside)
    (root / "circle").symlink_to(root / "circle")
    for path in ("../never.txt", str(outside), "link.txt"):
        with pytest.raises(ConfigError, match="must lie inside the project"):
            read_suppressed([path], root)
    for path in ("none.txt", ".", "a\0b", "circle", "x" * 5000):
        with pytest.raises(ConfigError, match="no file"):
            read_suppressed([path], root)


@given(st.binary(max_size=200) | st.text(alphabet='+0123456789,;\t\n"# phonetumb', max_size=60).map(str.encode))
def test_whatever_is_in_a_file_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    try:
        numbers = read(tmp_path_factory.getbasetemp(), data)
    except RunnerError:
        return
    assert all(number.startswith("+") for number in numbers)
