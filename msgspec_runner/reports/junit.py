"""``junit``: a test report, which every CI shows.

A spec is a suite; a finding is a test case that failed, or, where it is milder than the fail level, one that passed
and has something to say. A spec without findings is one case that passed, so that a report is never empty and a CI
sees that it was looked at. Cases are named by rule and key path, not by line: a CI that compares branches by name sees
the same case when lines are added above, and each name is unique, because some keep only the last of two.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import count
from xml.etree import ElementTree as ET

from msgspec_runner.diagnostics import Diagnostic, Severity
from msgspec_runner.linting.linter import LintResult
from msgspec_runner.reports.notes import cells, place, rows

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even as a reference (production Char)."""


def junit(result: LintResult, fail_level: Severity = Severity.ERROR) -> str:
    """Return the report as XML.

    Args:
        result: what was found.
        fail_level: findings as bad as this or worse are failures: those that make the exit code 1.
    """
    root = ET.Element("testsuites", name="msgspec-runner")
    by_file: dict[str, list[Diagnostic]] = {file: [] for file in result.documents}
    for item in result.diagnostics:
        by_file.setdefault(item.file, []).append(item)
    for file, items in by_file.items():
        root.append(_suite(file, items, fail_level))
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(file: str, items: Iterable[Diagnostic], fail_level: Severity) -> ET.Element:
    suite = ET.Element("testsuite", name=legal(file))
    names: set[str] = set()
    for item in items:
        name = _unique(legal(" ".join(filter(None, (item.code, item.name, item.path)))), names)
        names.add(name)
        case = _case(suite, file, name, line=item.span.start.line)
        text = legal("\n".join(filter(None, (f"{place(item)}: {item.message}", *cells(item), rows(item)))))
        if item.severity.rank <= fail_level.rank:
            failure = ET.SubElement(case, "failure", type=item.severity.value, message=legal(item.message))
            failure.text = text
        else:
            ET.SubElement(case, "system-out").text = f"{item.severity.value}: {text}"
    if not names:
        _case(suite, file, "lint", line=1)
    failures = len(suite.findall("testcase/failure"))
    for key, number in {"tests": len(suite), "failures": failures, "errors": 0, "skipped": 0}.items():
        suite.set(key, str(number))
    return suite


def _case(suite: ET.Element, file: str, name: str, *, line: int) -> ET.Element:
    attributes = {"classname": legal(file), "name": name, "file": legal(file), "line": str(line), "time": "0"}
    return ET.SubElement(suite, "testcase", attributes)


def _unique(name: str, taken: Collection[str]) -> str:
    return next(text for number in count(1) if (text := f"{name} ({number})" if number > 1 else name) not in taken)


def legal(text: str) -> str:
    """Return text without the characters that XML cannot hold."""
    return _ILLEGAL.sub("", text)
