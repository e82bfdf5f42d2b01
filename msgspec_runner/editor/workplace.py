"""What stands around an open spec: its project's configuration, partials and other specs, open texts first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec_runner.config import Config, is_spec_name, load_config, project_root
from msgspec_runner.editor.outline import Outline
from msgspec_runner.editor.questions import Desk, Others
from msgspec_runner.errors import NoSpecError, UsageError
from msgspec_runner.linting.rule import SpecFacts
from msgspec_runner.linting.subject import Subject
from msgspec_runner.project import is_excluded, load, read, shown
from msgspec_runner.providers.catalog import NO_CATALOGS, Catalogs
from msgspec_runner.source.document import MAX_BYTES, Document, parse_document
from msgspec_runner.source.partials import MAX_PARTIAL, Partials
from msgspec_runner.spec import build_spec

PARTIALS: Final = "partials"
"""The folder in a project's root that templates may include from (contract, section 1)."""

_Stamp = tuple[int, int]


@dataclass
class Memory:
    """What a helper keeps from one question to the next; all of it can be found out again.

    Attributes:
        facts: what project rules know of a spec on the disk, by its path, with the file's time and size.
        good: the last text of a spec that could be parsed, by its path.
        catalogs: by their files, with their times and sizes.
    """

    facts: dict[str, tuple[_Stamp, SpecFacts]] = field(default_factory=dict)
    good: dict[str, Document] = field(default_factory=dict)
    catalogs: dict[tuple[tuple[str, _Stamp], ...], Catalogs] = field(default_factory=dict)


class OpenPartials(Partials):
    """A project's partials, those that are open as they are in the editor.

    Args:
        root: the project's root.
        opened: texts by absolute path.
    """

    def __init__(self, root: Path, opened: Mapping[str, str]) -> None:
        super().__init__(root)
        top = os.path.join(os.path.abspath(root / PARTIALS), "")  # noqa: PTH100, PTH118 - symlinks stay
        self._open = {
            path.removeprefix(top).replace(os.sep, "/"): text for path, text in opened.items() if path.startswith(top)
        }

    def __call__(self, name: str) -> str | None:
        """Return the text of a partial; None where there is none."""
        text = self._open.get(name)
        return text if text is not None and len(text) <= MAX_PARTIAL else super().__call__(name)

    def names(self) -> tuple[str, ...]:
        """Return the names that exist."""
        return tuple(sorted({*super().names(), *self._open}))


class Workplace:
    """A project as it is around one open text.

    Args:
        desk: the text.
        memory: of the helper.

    Raises:
        ConfigError: the configuration is wrong; raised by whatever asks for it first.
    """

    def __init__(self, desk: Desk, memory: Memory) -> None:
        self.desk = desk
        self.memory = memory
        self.path = Path(desk.path)

    @cached_property
    def root(self) -> Path:
        """The project's root: the nearest folder above with a configuration, as for ``lint`` of this file."""
        return project_root(Path.cwd(), (self.path,))

    @cached_property
    def config(self) -> Config:
        """The project's configuration, with the person's profile where the project has it."""
        config = load_config(self.root)
        profile = self.desk.settings.profile
        return config.with_profile(profile) if profile in config.profiles else config

    @cached_property
    def partials(self) -> OpenPartials:
        """What templates may include."""
        return OpenPartials(self.root, self.desk.open)

    @cached_property
    def document(self) -> Document:
        """The open text, named as ``lint`` would name it."""
        return parse_document(shown(self.path), self.desk.text)

    @cached_property
    def catalogs(self) -> Catalogs:
        """The templates that the project knows; none where a catalog cannot be read, which linting says."""
        if not self.config.catalogs:
            return NO_CATALOGS
        from msgspec_runner.errors import ConfigError
        from msgspec_runner.providers.catalog_files import catalog_files, read_catalogs

        try:
            files = catalog_files(self.root, self.config.catalogs)
            key = tuple((str(file), _stamp(file)) for file in files)
            if key not in self.memory.catalogs:
                self.memory.catalogs.clear()
                self.memory.catalogs[key] = read_catalogs(self.root, self.config.catalogs)
        except (ConfigError, OSError):
            return NO_CATALOGS
        return self.memory.catalogs[key]

    def is_spec(self) -> bool:
        """Say whether the open text is a spec: one below a spec folder always is, another one if it reads like one."""
        if not is_spec_name(self.path.name):
            return False
        named = self._is_named(self.path)
        if named is not None or len(self.desk.text) > MAX_BYTES:
            return bool(named)
        outline = Outline(self.desk.text)
        return outline.key("message") is not None and outline.key("spec") is not None

    def others(self) -> Others:
        """Return what project rules know of the project's other specs; those that were never saved come last."""
        own = os.path.abspath(self.path)  # noqa: PTH100 - symlinks stay
        before: list[SpecFacts] = []
        after: list[SpecFacts] = []
        files = {os.path.abspath(file): file for file in self._files()}  # noqa: PTH100
        files |= {path: Path(path) for path in self.desk.open if path not in files and self._is_named(Path(path))}
        passed = False
        for path, file in files.items():
            if path == own:
                passed = True
            else:
                (after if passed else before).append(self._facts(path, file))
        return Others(tuple(before), tuple(after))

    def facts(self, document: Document) -> SpecFacts:
        """Return what project rules know of a spec."""
        return Subject(document, build_spec(document), self.config, self.partials, {}, None).facts

    def _files(self) -> tuple[Path, ...]:
        folders = [path for path in (self.root / each for each in self.config.specs) if os.path.exists(path)]  # noqa: PTH110 - exists() raises for a long name
        try:
            return load(folders, None).files if folders else ()
        except (NoSpecError, UsageError):
            return ()

    def _facts(self, path: str, file: Path) -> SpecFacts:
        text = self.desk.open.get(path)
        if text is not None:
            return self.facts(parse_document(shown(file), text))
        try:
            stamp = _stamp(file)
        except OSError:
            return self.facts(read(file, self.root))
        known = self.memory.facts.get(path)
        if known is None or known[0] != stamp:
            known = self.memory.facts[path] = (stamp, self.facts(read(file, self.root)))
        return known[1]

    def _is_named(self, path: Path) -> bool | None:
        """Say whether the configuration makes a file a spec; None where it does not say."""
        inside = self._inside(path)
        if inside is None or not is_spec_name(path.name):
            return None
        if is_excluded(inside, self.config):
            return False
        for folder in self.config.specs:
            top = os.path.normpath(folder).replace(os.sep, "/")
            all_but_hidden = top == "." and not inside.startswith(".")
            if all_but_hidden or inside == top or inside.startswith(top + "/"):
                return True
        return None

    def _inside(self, path: Path) -> str | None:
        """Return a path relative to the project's root; None where it lies elsewhere."""
        root = os.path.join(os.path.abspath(self.root), "")  # noqa: PTH100, PTH118
        written = os.path.abspath(path)  # noqa: PTH100
        return written.removeprefix(root).replace(os.sep, "/") if written.startswith(root) else None


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
