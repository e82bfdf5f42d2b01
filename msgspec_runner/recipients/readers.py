"""Open a recipients file of any kind as a stream of rows.

CSV, TSV, JSON and JSONL are never held in memory as a whole. Nothing is guessed: a row that does not fit its header
ends the reading with its line and column, because a shifted cell would put one person's words into another's message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from msgspec_runner.errors import RecipientsError
from msgspec_runner.recipients.rows import Row, Source

SUFFIXES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xlsx")
"""The kinds of recipients files, by the end of their name."""

_CHUNK: Final = 1024 * 1024  # bytes


def open_recipients(path: Path, shown: str) -> Source:
    """Open a recipients file by the end of its name; its header is read at once, its rows as they are asked for.

    Args:
        path: the file.
        shown: the file as the user named it, for messages.

    Raises:
        RecipientsError: it cannot be read, is of no known kind, or has no header. Also raised while iterating, at the
            first row that cannot be read.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in {".csv", ".tsv"}:
            from msgspec_runner.recipients.csv_rows import open_csv

            return open_csv(path, shown, delimiter="\t" if suffix == ".tsv" else ",")
        if suffix in {".jsonl", ".ndjson"}:
            from msgspec_runner.recipients.json_rows import open_jsonl

            return open_jsonl(path, shown)
        if suffix == ".json":
            from msgspec_runner.recipients.json_rows import open_json

            return open_json(path, shown)
        if suffix == ".xlsx":
            from msgspec_runner.recipients.xlsx_rows import open_xlsx

            return open_xlsx(path, shown)
    except FileNotFoundError:
        raise RecipientsError("there is no such file", file=shown) from None
    except OSError as error:
        raise RecipientsError(f"cannot be opened: {error.strerror or error}", file=shown) from None
    raise RecipientsError(
        f"is of no kind that can be read; save it as {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}", file=shown
    )


def inline(rows: Sequence[Mapping[str, object]], shown: str, lines: Sequence[int] = ()) -> Source:
    """Read the rows or samples that stand in a spec.

    Args:
        rows: the rows; any of them may lack a column that another has.
        shown: the spec, for messages.
        lines: the line of the spec where each row starts; where they are not given, a row's line is its number.
    """
    header = tuple(dict.fromkeys(name for row in rows for name in row))

    def numbered() -> Iterator[Row]:
        for number, row in enumerate(rows, 1):
            yield Row(number, lines[number - 1] if lines else number, row)

    return Source(shown, header, numbered(), lambda: None, fixed=False)


_SPOOLED: Final = "standard-input-of-msgspec-runner-"
"""How the names of spooled files begin."""


def spool(stdin: BinaryIO, directory: Path) -> Path:
    """Copy recipients from standard input to a file that only this user can read, so that they can be read twice.

    Args:
        stdin: the bytes; ``[`` first makes it JSON, ``{`` JSONL, a ZIP archive XLSX, a tab in the first line and no
            comma TSV, anything else CSV.
        directory: an existing directory; the caller removes the file.

    Returns:
        The file (mode 0600), named so that :func:`open_recipients` knows its kind.
    """
    import os
    import tempfile

    first = stdin.read(_CHUNK)
    handle, name = tempfile.mkstemp(suffix=_suffix_of(first), prefix=_SPOOLED, dir=directory)
    with os.fdopen(handle, "wb") as copy:
        while first:
            copy.write(first)
            first = stdin.read(_CHUNK)
    return Path(name)


def is_spooled(path: Path) -> bool:
    """Say whether a file is one that :func:`spool` made, whose name means nothing to people."""
    return path.name.startswith(_SPOOLED)


def fingerprint(path: Path) -> str:
    """Return the sha256 (hex) of a file's content: a file that changes between lint and send is refused."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _suffix_of(start: bytes) -> str:
    if start.startswith(b"PK\x03\x04"):
        return ".xlsx"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return ".json"
    if text.startswith(b"{"):
        return ".jsonl"
    line = text.split(b"\n", 1)[0]
    return ".tsv" if b"\t" in line and b"," not in line else ".csv"
