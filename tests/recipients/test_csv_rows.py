"""CSV and TSV: what is read, and where exactly reading stops."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.readers import open_recipients
from msgspec_runner.recipients.rows import Row


def read(tmp_path: Path, content: bytes, name: str = "people.csv") -> tuple[tuple[str, ...], list[Row]]:
    path = tmp_path / name
    path.write_bytes(content)
    with open_recipients(path, name) as source:
        assert source.fixed
        return source.header, list(source)


def test_a_plain_file(tmp_path: Path) -> None:
    assert read(tmp_path, b"phone,name\n+1,Ann\n+2,\n") == (
        ("phone", "name"),
        [Row(1, 2, ("+1", "Ann")), Row(2, 3, ("+2", ""))],
    )


def test_bom_crlf_blank_lines_and_no_last_line_end(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf\r\n phone , name \r\n\r\n+1,Ann\r\n,,\r\n".replace(b",,\r", b",\r") + b"+2,Bob"
    assert read(tmp_path, content) == (
        ("phone", "name"),
        [Row(1, 4, ("+1", "Ann")), Row(2, 6, ("+2", "Bob"))],
    )


def test_quotes_and_lines_inside_of_them(tmp_path: Path) -> None:
    content = b'phone,text\n+1,"Hi, ""Ann"",\nsee you"\n+2,x\n'
    assert read(tmp_path, content)[1] == [Row(1, 2, ("+1", 'Hi, "Ann",\nsee you')), Row(2, 4, ("+2", "x"))]


def test_tsv_and_empty_header_cells(tmp_path: Path) -> None:
    assert read(tmp_path, b"phone\tname\t\n+1\tAnn, Bob\t\n", "people.tsv") == (
        ("phone", "name", ""),
        [Row(1, 2, ("+1", "Ann, Bob", ""))],
    )


@pytest.mark.parametrize(
    "content",
    [
        "phone;text\n+1;Hi, Ann\n",
        "\ufeff\r\nphone;text\r\n\r\n+1;Hi, Ann\r\n",
        '"phone";"text"\n"+1";"Hi, Ann"\n',
        'phone;"text"\n+1;"Hi, Ann"\n',
        "sep=;\nphone;text\n+1;Hi, Ann\n",
        '"sep=;"\r\nphone;text\r\n+1;Hi, Ann\r\n',
        "SEP=|\nphone|text\n+1|Hi, Ann\n",
        "sep=\t\nphone\ttext\n+1\tHi, Ann\n",
        'sep=,\nphone,text\n+1,"Hi, Ann"\n',
    ],
)
def test_semicolons_and_a_first_line_that_names_the_separator(content: str, tmp_path: Path) -> None:
    header, (row,) = read(tmp_path, content.encode())
    assert (header, row.number, row.cells) == (("phone", "text"), 1, ("+1", "Hi, Ann"))
    lines = content.replace("\r\n", "\n").split("\n")
    assert "+1" in lines[row.line - 1]


def test_a_header_in_quotes_may_have_the_other_separator() -> None:
    with tempfile.TemporaryDirectory() as directory:
        assert read(Path(directory), b'"a, b";c\n1;2\n')[0] == ("a, b", "c")
        assert read(Path(directory), b'"a; b",c\n1,2\n')[0] == ("a; b", "c")


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, b"phone,name") == (("phone", "name"), [])


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"", "1:1", "is empty"),
        (b"\n\n", "1:1", "is empty"),
        (b" , \n1,2\n", "1:1", "names no columns"),
        (b"a,b,a\n", "1:1", "two columns are named “a” (the second is column 3)"),
        (b"a;b|c\n1;2\n", "1:2", "separates its cells by semicolons"),
        (b"sep=;\na,b\n1,2\n", "2:2", "separates its cells by commas, but its first line says semicolons; remove"),
        (b"sep=,\na;b\n1;2\n", "2:2", "by semicolons, but its first line says commas; remove"),
        (b"sep=;\n", "1:1", "is empty"),
        (b"a;b\n1;2\n1;2;3\n", "3:5", "has 3 cells, the header has 2; quote"),
        (b"a;b\n1,2\n", "2:4", "has 1 cell, the header has 2; add"),
        (b'a;b\n1;"x"y\n', "2:6", "text after a closing quote"),
        (b"sep=;\na;b\n1;2\n1\n", "4:2", "has 1 cell, the header has 2"),
        (b"\n\na;b\0\n", "3:4", "NUL"),
        (b"\n\na;b\xe9\n", "3:4", "is not UTF-8"),
        (b"a\tb\n1\t2\n", "1:2", "name it .tsv"),
        (b"a,b\n1,2\n1,2,3\n", "3:5", "has 3 cells, the header has 2; quote"),
        (b'a,b\n"x,y",2,3\n', "2:9", "has 3 cells"),
        (b'a,b\n"x\ny",2,3\n', "3:6", "has 3 cells"),
        (b"a,b\n1\n", "2:2", "has 1 cell, the header has 2; add"),
        (b"a,b,c\r\n1,2\r\n", "2:4", "has 2 cells, the header has 3"),
        (b'a,b\n1,"x\n2,y\n', "2:3", "never closed"),
        (b'a,b\n1,2\n"x\ny","z\n', "4:4", "never closed"),
        (b'a,b\n1,"x"y\n', "2:6", "text after a closing quote"),
        (b'a,b\n1,"x""y"z\n', "2:9", "text after a closing quote"),
        (b"a,b\n1,2\0\n", "2:4", "NUL"),
        (b"a,b\n1,2\n1,\xe9t\xe9\n", "3:3", "is not UTF-8"),
        (b"\xef\xbb\xbfa\xe9\n", "1:2", "is not UTF-8"),
        (b"a,b\n1,\xc3", "2:3", "is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "1:1", "is UTF-16"),
        (b"PK\x03\x04\x14\x00\x06\xff", "1:1", "name a workbook .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "1:1", "save it as .xlsx"),
        (b"a,b\n1," + b"x" * 70_000 + b"\n", "2:1", "more than 65,536 characters"),
        (b'a,b\n1,"' + b"x\n" * 40_000 + b'"\n', "2:1", "more than 65,536 characters"),
        (b'a,b\n1,"' + b"x\n" * 90_000, "2:1", "more than 65,536 characters"),
        (b"a,b\n1," + b"x" * 1_100_000 + b"\n", "2:1", "line of more than 1,048,576 characters"),
    ],
)
def test_errors_have_a_place(tmp_path: Path, content: bytes, place: str, words: str) -> None:
    with pytest.raises(RecipientsError) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(f"people.csv:{place}: ")
    assert words in caught.value.message


def test_a_comma_file_named_tsv(tmp_path: Path) -> None:
    with pytest.raises(RecipientsError, match=r"separates its cells by commas; choose tabs or name it .csv"):
        read(tmp_path, b"a,b\n", "people.tsv")


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))] * 3), max_size=8)
)
def test_what_python_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    with tempfile.TemporaryDirectory() as directory:
        _, found = read(Path(directory), text.getvalue().encode())
    assert [row.cells for row in found] == [row for row in rows if any(row)]
    assert [row.number for row in found] == list(range(1, len(found) + 1))


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).map(str.strip).filter(bool)


@settings(deadline=None)
@given(
    st.lists(NAMES, min_size=2, max_size=4, unique=True),
    st.lists(st.lists(st.text('a;,"\t| \n\r'), min_size=4, max_size=4), max_size=4),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_is_written_with_semicolons_is_read_back_or_refused(
    names: list[str], rows: list[list[str]], quoting: int
) -> None:
    text = io.StringIO()
    rows = [row[: len(names)] for row in rows]
    csv.writer(text, delimiter=";", quoting=quoting).writerows([names, *rows])
    with tempfile.TemporaryDirectory() as directory:
        said = b"sep=;\r\n" + text.getvalue().encode()
        header, found = read(Path(directory), said)
        assert header == tuple(names)
        assert [row.cells for row in found] == [tuple(row) for row in rows if any(row)]
        try:
            guessed = read(Path(directory), text.getvalue().encode())
        except RecipientsError:
            return
        if len(guessed[0]) == len(names) and guessed[0] == header:
            assert [row.cells for row in guessed[1]] == [row.cells for row in found]
        else:  # a comma outside of quotes: a table with commas, as it always was
            assert "," in text.getvalue()


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=80) | st.text('a,"\n\r;\t\0é', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_place(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            header, rows = read(Path(directory), content)
        except RecipientsError as error:
            place = (error.file, error.line >= 1, error.column >= 1)
        else:
            place = ("people.csv", True, True)
            assert all(len(row.cells) == len(header) for row in rows)
    assert place == ("people.csv", True, True)
