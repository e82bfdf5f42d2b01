"""Which specs a change touches: the specs themselves, and whatever else their messages are made of."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec_runner.changes.before import Before, same_settings
from msgspec_runner.config import Config, is_spec_name
from msgspec_runner.errors import ConfigError, UsageError
from msgspec_runner.git.repository import Since
from msgspec_runner.project import Project, find_specs, read
from msgspec_runner.providers.catalog_files import catalog_files
from msgspec_runner.source.document import Document
from msgspec_runner.source.partials import Partials
from msgspec_runner.spec import Spec, build_spec
from msgspec_runner.templates import parse

ITSELF: Final = "the spec"
CONFIGURATION: Final = "the configuration"
_PATTERN: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Version:
    """A spec before or after a change.

    Attributes:
        spec: it.
        file: where it stands, relative to the project's root.
    """

    spec: Spec
    file: str


@dataclass(frozen=True, slots=True)
class SpecChange:
    """A spec that a change touches.

    Attributes:
        before: None: it is new.
        after: None: it was deleted.
        because: what of it changed: :data:`ITSELF`, :data:`CONFIGURATION`, or files, relative to the project's root.
    """

    before: Version | None
    after: Version | None
    because: tuple[str, ...]

    @property
    def is_renamed(self) -> bool:
        """Whether its file has another name; its messages are known by its id, so that alone changes nothing."""
        return self.before is not None and self.after is not None and self.before.file != self.after.file

    @property
    def has_new_id(self) -> bool:
        """Whether its file has another id: to the ledger, another spec, which nobody got yet."""
        return self.before is not None and self.after is not None and self.before.spec.id != self.after.spec.id


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in a project.

    Attributes:
        since: what it is compared with.
        specs: those that are touched and here, in the order of the project.
        deleted: those that are not here any more.
        documents: every spec of the project as it is, touched or not.
        config: the configuration before.
        notes: what could not be compared, for people.
    """

    since: Since
    specs: tuple[SpecChange, ...]
    deleted: tuple[SpecChange, ...]
    documents: tuple[Document, ...]
    config: Config
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> frozenset[str]:
        """The touched specs' files as :class:`Document` names them."""
        return frozenset(change.after.spec.document.file for change in self.specs if change.after is not None)


def find_changes(project: Project, paths: Sequence[Path], before: Before, since: Since) -> Changes:
    """Compare a project with the version before.

    Args:
        project: as it is.
        paths: that the command was given; none means the configuration's specs.
        before: the version before.
        since: which that is.

    Raises:
        UsageError: a path lies outside the project, which git knows as one.
    """
    return _Comparison(project, paths, before, since).changes()


class _Comparison:
    def __init__(self, project: Project, paths: Sequence[Path], before: Before, since: Since) -> None:
        self._project = project
        self._paths = paths
        self._before = before
        self._files = before.files
        self._since = since
        self._notes: list[str] = []
        self._is_readable = True
        self._config = self._config_before()
        self._partials = Partials(project.config.root)

    def changes(self) -> Changes:
        documents = tuple(self._project.documents())
        names = [self._name(file) for file in self._project.files]
        old = {version.file: version for version in self._versions_before(frozenset(names))}
        by_id = {version.spec.id: version for version in reversed(old.values()) if version.spec.id}
        everywhere = tuple(self._everywhere())
        specs = [build_spec(document) for document in documents]
        reasons = [self._because(name, spec, everywhere) for name, spec in zip(names, specs, strict=True)]
        # What is as it was is asked for all at once: git answers a thousand questions as soon as one.
        self._before.take(name for name, because in zip(names, reasons, strict=True) if because)
        touched = []
        for name, spec, because in zip(names, specs, reasons, strict=True):
            if because and because[0] != ITSELF:
                same = Version(build_spec(self._read(self._before.folder / name)), name)
                touched.append(SpecChange(same, Version(spec, name), because))
            elif because:
                version = old.get(name)
                if version is None or version.spec.id != spec.id:
                    version = by_id.get(spec.id, version)
                if version is None and self._files.is_kept_out(name):
                    self._notes.append(
                        f"{name} lies in a submodule: its version before is not known, so it is new here"
                    )
                touched.append(SpecChange(version, Version(spec, name), because))
        touched = _once(touched)
        matched = {change.before.file for change in touched if change.before is not None}
        here = frozenset(names)
        deleted = [
            SpecChange(version, None, (ITSELF,))
            for version in old.values()
            if version.file not in here and version.file not in matched and self._is_meant(version.file)
        ]
        return Changes(self._since, tuple(touched), tuple(deleted), documents, self._config, tuple(self._notes))

    def _config_before(self) -> Config:
        now = self._project.config
        try:
            return self._before.config(now.profile or None)
        except ConfigError as error:
            self._is_readable = False
            self._notes.append(f"the configuration before could not be read ({error}): it is taken as it is now")
            return replace(now, root=self._before.folder, file=None)

    def _name(self, file: Path) -> str:
        name = self._files.below(file)
        if name is None:
            raise UsageError(
                f"--since: {file} lies outside of {self._files.repository.root}: name specs of one project"
            )
        return name

    def _versions_before(self, here: frozenset[str]) -> Iterator[Version]:
        """Yield the specs as they were, but for those that are the same now."""
        folder, config, now = self._before.folder, self._config, self._project.config
        same_rules = (config.specs, config.exclude) == (now.specs, now.exclude)
        specs = [name for name in self._files.tree if is_spec_name(name)]
        self._before.bring(name for name in specs if not (same_rules and name in here) or self._files.changed(name))
        places = [folder / path for path in config.specs]
        places += [folder / name for path in self._paths if (name := self._files.below(path)) is not None]
        for file in find_specs(places, config):
            name = file.relative_to(folder).as_posix()
            yield Version(build_spec(self._read(file)), name)

    def _because(self, name: str, spec: Spec, everywhere: tuple[str, ...]) -> tuple[str, ...]:
        itself = (ITSELF,) if self._files.changed(name) else ()
        return (*itself, *everywhere, *self._needed(spec))

    def _read(self, file: Path) -> Document:
        return read(file, self._before.folder)

    def _is_meant(self, name: str) -> bool:
        """Say whether the command's paths name a file that is gone."""
        if not self._paths:
            return True
        root = os.path.abspath(self._files.repository.root)  # noqa: PTH100
        for path in self._paths:
            place = self._files.below(path)
            if os.path.abspath(path) == root or place == name:  # noqa: PTH100
                return True
            if place is not None and name.startswith(f"{place}/"):
                return True
        return False

    def _everywhere(self) -> Iterator[str]:
        """Yield what changed for every spec."""
        now, old = self._project.config, self._config
        if not self._is_readable or not same_settings(now, old):
            yield CONFIGURATION
        lists = {
            posixpath.normpath(name) for config in (*_profiles(now), *_profiles(old)) for name in config.suppressions
        }
        yield from sorted(filter(self._files.changed, lists))

    def _needed(self, spec: Spec) -> Iterator[str]:
        """Yield the files that changed and that a spec's messages are made of."""
        if spec.file is not None and "\0" not in spec.file.text:
            name = self._files.below(Path(spec.document.file).parent / spec.file.text)
            if name is not None and self._files.changed(name):
                yield name
        yield from filter(self._files.changed, self._included(spec))
        if spec.field("template", "id") is not None or spec.field("template") is not None:
            yield from self._catalogs

    def _included(self, spec: Spec) -> list[str]:
        """Return the partials that a spec's templates name, and those that these name in turn."""
        left = [use.name for field in spec.templates for use in field.template.includes]
        found: dict[str, None] = {}
        while left:
            name = posixpath.normpath(f"partials/{left.pop()}")
            if name in found or not name.startswith("partials/"):
                continue
            found[name] = None
            text = self._partials(name.removeprefix("partials/"))
            left += [use.name for use in parse(text).includes] if text is not None else []
        return list(found)

    @property
    def _catalogs(self) -> Iterable[str]:
        return changed_catalogs(self._project.config, self._before)


def changed_catalogs(config: Config, before: Before) -> tuple[str, ...]:
    """Return the template catalogs that came, went or have other content."""
    names = {name for one in _profiles(config) for name in catalog_names(one, before)}
    return tuple(sorted(filter(before.files.changed, names)))


def catalog_names(config: Config, before: Before) -> Iterator[str]:
    """Yield the template catalogs that a configuration names, before or now, relative to the root."""
    for pattern in config.catalogs:
        written = posixpath.normpath(pattern)
        if not _PATTERN.intersection(pattern):
            yield written
            continue
        yield from (name for name in before.files.tree if PurePosixPath(name).match(written))
        try:
            found = catalog_files(config.root, [pattern])
        except ConfigError:  # the linter says so
            continue
        yield from filter(None, map(before.files.below, found))


def _profiles(config: Config) -> tuple[Config, ...]:
    if config.profile or not config.profiles:
        return (config,)
    return (config, *(config.with_profile(name) for name in config.profiles))


def _once(changes: Sequence[SpecChange]) -> list[SpecChange]:
    """Let one spec before be that of one spec after, by its id rather than by its file; a copy of it is new."""
    owners: dict[str, SpecChange] = {}
    for change in sorted(changes, key=lambda change: (change.has_new_id, change.is_renamed)):
        if change.before is not None:
            owners.setdefault(change.before.file, change)
    return [
        replace(change, before=None)
        if change.before is not None and owners[change.before.file] is not change
        else change
        for change in changes
    ]
