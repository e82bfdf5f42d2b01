"""``python -m tests.docs``: write what is generated in README.md and docs/. ``make docs`` calls it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.pages import GENERATED_FOLDER, ROOT, generated, written
from tests.docs.sessions import PageError, refreshed


def main() -> int:
    """Write every page that is not as it ought to be."""
    pages = dict(generated())
    for path in GENERATED_FOLDER.glob("*"):
        if path not in pages:
            path.unlink()
            print(f"removed {path.relative_to(ROOT)}")
    for path, text in pages.items():
        _write(path, text)
    for path in written():
        with tempfile.TemporaryDirectory() as folder:
            try:
                _write(path, refreshed(path.read_text(encoding="utf-8"), Path(folder)))
            except PageError as error:
                print(f"{path.relative_to(ROOT)}: {error}", file=sys.stderr)
                return 1
    return 0


def _write(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
