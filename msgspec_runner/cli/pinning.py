"""A plan as a file: ``plan --out`` writes it, ``send --plan`` sends exactly it or says what has changed."""

from __future__ import annotations

import json
import secrets
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec_runner._version import __version__
from msgspec_runner.audience import recipients_path, shown_path
from msgspec_runner.cli.preparing import Sound
from msgspec_runner.dispatch.pinned import SALT_BYTES, Pinned, PinnedSpec, Tallies, buckets_for, check, drift, take
from msgspec_runner.dispatch.pinned_file import MAX_BYTES, from_json, to_json
from msgspec_runner.dispatch.plan import Decision, SpecPlan
from msgspec_runner.dispatch.planner import Plan, Target, decisions_by_key
from msgspec_runner.errors import UsageError
from msgspec_runner.ledger.ledger import Ledger
from msgspec_runner.model import SANDBOX_ORIGIN, Message
from msgspec_runner.reports.files import PUBLIC, whole_file
from msgspec_runner.source.partials import Partials

_NO_MESSAGES = frozenset({Decision.DUPLICATE, Decision.INVALID})
"""Rows that are no messages of their own."""

_NAMED = 5
"""Specs that an error names; a folder may hold a thousand."""


def write_plan(
    path: Path, sound: Sound, plan: Plan, ledger: Ledger | None, origin: str, variables: Mapping[str, object]
) -> None:
    """Write a plan for ``send --plan``.

    Args:
        path: the file; replaced where it exists.
        sound: the specs.
        plan: what would be sent.
        ledger: that the plan was made with.
        origin: that it is for.
        variables: of ``--var``.

    Raises:
        UsageError: the file cannot be written, or a spec lies outside the project.
    """
    buckets = {spec.spec: buckets_for(_messages(spec)) for spec in plan.specs}
    decided = decisions_by_key(plan.spool, ledger, sound.rails())
    pinned = _pinned(sound, plan, decided, origin, variables, secrets.token_hex(SALT_BYTES), buckets)
    try:
        with whole_file(path, PUBLIC) as file:
            file.write(to_json(pinned))
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written: {error.strerror}") from error


def read_plan(path: Path) -> Pinned:
    """Read what :func:`write_plan` wrote.

    Raises:
        UsageError: it cannot be read, or is no plan.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--plan {path}: cannot be read: {error.strerror}. Nothing was sent.") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"--plan {path}: larger than {MAX_BYTES // 1024**2} MiB, so it is no plan. Nothing was sent.")
    try:
        return from_json(data)
    except ValueError as error:
        raise UsageError(
            f"--plan {path}: no plan that can be sent: {error}. "
            f"Make one: msgspec-runner plan SPECS --out {path}. Nothing was sent."
        ) from None


def send_command(
    path: Path,
    *,
    sandbox: bool,
    base_url: str | None,
    ledger: str | None,
    recipients: Path | None,
    variables: Mapping[str, object],
    profile: str | None,
    skips_invalid: bool,
) -> str:
    """Return what to type to send a plan, with every flag that it was made with.

    Args:
        path: of the plan.
        sandbox: of ``--sandbox``.
        base_url: of ``--base-url``; None where the flag was not given, as for the next two.
        ledger: of ``--ledger``, without a password.
        recipients: of ``--recipients``.
        variables: of ``--var``.
        profile: of ``--profile``; None or empty for none.
        skips_invalid: rows of the plan are left out.
    """
    words = ["msgspec-runner", "send", "--plan", str(path)]
    words += ["--sandbox"] if sandbox else []
    words += ["--skip-invalid"] if skips_invalid else []
    values = (
        ("--base-url", base_url),
        ("--ledger", ledger),
        ("--profile", profile),
        ("--recipients", str(recipients) if recipients is not None else None),
        *(("--var", f"{name}={value}") for name, value in variables.items()),
    )
    for flag, value in values:
        words += [flag, value] if value else []
    return shlex.join(words)


def check_flags(
    path: Path,
    pinned: Pinned,
    *,
    sandbox: bool,
    recipients: Path | None,
    variables: Mapping[str, object],
    profile: str | None,
) -> None:
    """Refuse to send a plan without a flag that it was made with, before anything is looked at.

    Another profile alone may change no message, so it is named here only beside another flag; :func:`hold_to` finds
    out.

    Args:
        path: of ``--plan``.
        pinned: what stands in it.
        sandbox: of ``--sandbox``.
        recipients: of ``--recipients``.
        variables: of ``--var``.
        profile: of ``--profile``.

    Raises:
        UsageError: it names every flag that is missing.
    """
    missing = [
        flag
        for flag, is_missing in (
            ("--sandbox", pinned.origin == SANDBOX_ORIGIN and not sandbox),
            ("--recipients FILE", pinned.checks.get("recipients") and recipients is None),
            ("--var NAME=VALUE", pinned.checks.get("vars") and not variables),
        )
        if is_missing
    ]
    if missing:
        if pinned.profile and not profile:
            missing.insert(0, f"--profile {pinned.profile}")
        raise UsageError(f"the plan was made with {', '.join(missing)}: add it to --plan {path}. Nothing was sent.")


def planned_paths(pinned: Pinned, root: Path) -> tuple[Path, ...]:
    """Return the specs of a plan.

    Raises:
        UsageError: one is not there any more, or lies outside the project.
    """
    paths = tuple(root / spec.file for spec in pinned.specs)
    for spec, path in zip(pinned.specs, paths, strict=True):
        try:
            is_there = path.is_file() and path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError):  # too long, a circle of links
            is_there = False
        if not is_there:
            raise UsageError(f"the plan has the spec {spec.spec} in {spec.file}, which is not there. Nothing was sent.")
    return paths


def check_paths(given: Iterable[Path], planned: Iterable[Path], root: Path) -> None:
    """Refuse paths beside ``--plan`` that lead to other specs than the plan's.

    Args:
        given: the specs that the paths lead to.
        planned: those of the plan.
        root: the project's; what lies in it is told without it.

    Raises:
        UsageError: it names what is only here, and what is only there.
    """
    here, there = ({path.resolve() for path in paths} for paths in (given, planned))
    parts = [
        f"{words}: {_some(sorted(shown_path(path, root) for path in paths))}"
        for words, paths in (("not in the plan", here - there), ("only in the plan", there - here))
        if paths
    ]
    if parts:
        raise UsageError(
            f"the paths are not the specs of --plan: {'; '.join(parts)}. Leave the paths out to send the plan. "
            "Nothing was sent."
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def hold_to(
    pinned: Pinned, sound: Sound, plan: Plan, ledger: Ledger, origin: str, variables: Mapping[str, object]
) -> None:
    """Refuse whatever is not the plan, and withhold the messages that it leaves out.

    Args:
        pinned: the plan that was reviewed.
        sound: the specs, as they are now.
        plan: what would be sent without it.
        ledger: as it is now.
        origin: where it would go.
        variables: of ``--var``.

    Raises:
        UsageError: it is not what would be sent; the words name what has changed.
    """
    buckets = {spec.spec: len(spec.tallies.keys) for spec in pinned.specs}

    def decided() -> Iterator[tuple[Message, Decision]]:
        for place, (message, decision) in enumerate(decisions_by_key(plan.spool, ledger, sound.rails())):
            if not pinned.is_new(place):
                plan.spool.withhold([message.key])
            yield message, decision

    now = _pinned(sound, plan, decided(), origin, variables, pinned.salt, buckets)
    found = list(drift(pinned, now, _names(sound)))
    if found:
        specs = " ".join(spec.file for spec in pinned.specs[:3])
        raise UsageError(
            "\n  ".join(("this is not what was planned. Nothing was sent.", *found))
            + f"\nReview a new plan: msgspec-runner plan {specs}{' …' if len(pinned.specs) > 3 else ''} --out PLAN"
        )


def _pinned(
    sound: Sound,
    plan: Plan,
    decided: Iterator[tuple[Message, Decision]],
    origin: str,
    variables: Mapping[str, object],
    salt: str,
    buckets: Mapping[str, int],
) -> Pinned:
    taken = take(decided, salt, buckets)
    return Pinned(
        runner=__version__,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        origin=origin,
        profile=sound.config.profile,
        checks=_shared_checks(sound, variables, salt),
        salt=salt,
        digest=taken.digest,
        new=taken.new,
        specs=tuple(
            _pinned_spec(spec, target, sound, taken.tallies[spec.spec], salt)
            for spec, target in zip(plan.specs, sound.targets, strict=True)
        ),
    )


def _pinned_spec(spec: SpecPlan, target: Target, sound: Sound, tallies: Tallies, salt: str) -> PinnedSpec:
    root = sound.config.root.resolve()
    try:
        file = Path(spec.file).resolve().relative_to(root).as_posix()
    except ValueError:
        raise UsageError(f"{spec.file} lies outside the project, so no plan of it can be kept") from None
    # With --recipients nobody reads the spec's own.
    path = recipients_path(target.spec, root) if sound.recipients is None else None
    return PinnedSpec(
        spec=spec.spec,
        edition=spec.edition,
        file=file,
        checks={
            "spec": check(salt, target.spec.document.text.encode("utf-8", "surrogatepass")),
            "recipients": _file_check(sound, path, salt),
        },
        decisions={decision.name.lower(): number for decision, number in spec.decisions.items()},
        segments=spec.segments,
        tallies=tallies,
    )


def _shared_checks(sound: Sound, variables: Mapping[str, object], salt: str) -> dict[str, str]:
    config = sound.config
    partials = Partials(config.root)
    texts = {name: partials(name) for name in partials.names()}
    return {
        "config": check(salt, config.file.read_bytes()) if config.file is not None else "",
        "vars": check(salt, _canonical(variables)) if variables else "",
        "partials": check(salt, _canonical(texts)) if texts else "",
        "recipients": _file_check(sound, sound.recipients, salt),
    }


def _file_check(sound: Sound, path: Path | None, salt: str) -> str:
    fingerprint = sound.fingerprints.get(path) if path is not None else None
    return check(salt, fingerprint.encode()) if fingerprint is not None else ""


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _names(sound: Sound) -> dict[str, str]:
    """Return what each check stands for, in the words of :func:`~msgspec_runner.dispatch.pinned.drift`."""
    file = sound.config.file
    names = {
        "config": file.name if file is not None else "the configuration",
        "vars": "--var",
        "partials": "a file in partials/",
        "recipients": "--recipients",
    }
    for target in sound.targets:
        path = recipients_path(target.spec, sound.config.root) if sound.recipients is None else None
        names[f"recipients:{target.spec.id}"] = (
            shown_path(path, sound.config.root) if path is not None else f"{target.spec.document.file}: recipients"
        )
    return names


def _messages(spec: SpecPlan) -> int:
    return Counter(spec.decisions).total() - sum(spec.decisions[decision] for decision in _NO_MESSAGES)
