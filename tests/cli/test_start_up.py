"""What a command loads: start-up is most of what a pre-commit hook and an editor wait for, so it is kept small.

A benchmark measures the time (`make bench`); this holds what it consists of.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SPEC = """\
spec: hello
message:
  provider: twlo
  channel_key: your_channel_key
  to: "{{ phone }}"
  text: Hello {{ first_name }}, {{ clinic }} is open again.
recipients:
  columns: {phone: {type: phone}, first_name: {}}
  samples: [{phone: "+16175551212", first_name: Ann}]
vars: {clinic: Deer Park}
"""

HEAVY = frozenset(
    {
        *("aiohttp", "asyncio", "sqlite3", "ssl", "concurrent.futures"),  # what sends
        *("babel", "jinja2", "zoneinfo", "decimal"),  # more than `{{ name }}`
        *("jsonschema", "ruamel.yaml", "difflib"),  # where something is wrong
        *("csv", "python_calamine", "phonenumbers", "tempfile", "hashlib"),  # other recipients than two samples
        *("rich", "tomllib", "orjson"),
        *("msgspec_runner.providers.catalog_files", "msgspec_runner.providers.catalog_source"),  # without `catalogs`
    }
)
"""Modules that take milliseconds to load and that neither of the commands below needs."""


def loaded(*arguments: str, cwd: Path) -> set[str]:
    """Run the command line in a process of its own; return the heavy modules that it loaded."""
    program = (
        "import sys, click, yaml\n"  # what these load themselves is theirs to decide
        "before = set(sys.modules)\n"
        "from msgspec_runner.__main__ import main\n"
        "code = main()\n"
        "print(code, *set(sys.modules) - before, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=cwd, capture_output=True, text=True)
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return HEAVY & set(modules)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["lint", "hello.yaml"]])
def test_what_has_little_to_do_loads_little(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(SPEC, encoding="utf-8")
    assert loaded(*arguments, cwd=tmp_path) == set()
