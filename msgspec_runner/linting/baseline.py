"""A baseline: the findings that a team had when it began, so that only new ones are shown.

It is a committed JSON file. A finding is known by its fingerprint, so lines may be added above it, and whoever touches
its line sees it again::

    {"version": 1, "findings": [{"file": "specs/a.yaml", "code": "MSG203", "fingerprint": "…", "count": 1}]}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import NamedTuple

from msgspec_runner.diagnostics import Diagnostic
from msgspec_runner.errors import UsageError
from msgspec_runner.linting.fingerprints import in_project

VERSION = 1
"""Raised when a fingerprint is made of other parts, or a key changes its meaning."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Some findings that are known.

    Attributes:
        file: the spec, relative to the project's root.
        code: the rule's.
        fingerprint: theirs.
        count: how many have it.
    """

    file: str
    code: str
    fingerprint: str
    count: int


class Remaining(NamedTuple):
    """What a baseline leaves.

    Attributes:
        diagnostics: the findings that are new.
        hidden: how many are not.
        stale: how many entries no finding belongs to any more.
    """

    diagnostics: tuple[Diagnostic, ...]
    hidden: int
    stale: int


def write_baseline(diagnostics: Iterable[Diagnostic], root: Path) -> str:
    """Return the findings as a baseline file; the same ones give the same text.

    Args:
        diagnostics: the findings.
        root: the project's, which the files are named from.
    """
    counts = Counter((in_project(item.file, root), item.code, item.fingerprint) for item in diagnostics)
    entries = [asdict(Entry(*key, count)) for key, count in sorted(counts.items())]
    lines = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    findings = f"[\n{lines}\n  ]" if lines else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {findings}\n}}\n'


def read_baseline(text: str, file: Path) -> tuple[Entry, ...]:
    """Read a baseline file.

    Args:
        text: its characters.
        file: its name, for the error.

    Raises:
        UsageError: it is none.
    """
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise UsageError(f"--baseline {file}: version {data['version']} is not known here; {_again(file)}")
        entries = tuple(Entry(**entry) for entry in data["findings"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"--baseline {file}: this is no baseline; {_again(file)}") from None
    types = (str, str, str, int)
    if not all(isinstance(part, kind) for entry in entries for part, kind in zip(astuple(entry), types, strict=True)):
        raise UsageError(f"--baseline {file}: this is no baseline; {_again(file)}")
    return entries


def hide(
    diagnostics: Iterable[Diagnostic], entries: Iterable[Entry], was_looked_at: Callable[[Entry], bool]
) -> Remaining:
    """Leave out the findings that are in a baseline, each as often as it is there.

    Args:
        diagnostics: all findings.
        entries: of the baseline.
        was_looked_at: says whether an entry's finding would have been found if it were still there.
    """
    entries = tuple(entries)
    left = Counter[str]()
    for entry in entries:
        left[entry.fingerprint] += entry.count
    new = []
    hidden = 0
    for item in diagnostics:
        if left[item.fingerprint] > 0:
            left[item.fingerprint] -= 1
            hidden += 1
        else:
            new.append(item)
    stale = sum(left[entry.fingerprint] > 0 and was_looked_at(entry) for entry in entries)
    return Remaining(tuple(new), hidden, stale)


def _again(file: Path) -> str:
    return f"write it with `msgspec-runner lint --write-baseline {file}`"
