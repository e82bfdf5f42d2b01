"""What tests of several floors share: a spec from a few lines."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from msgspec_runner.source.document import parse_document
from msgspec_runner.spec import Spec, build_spec

# CI decides whether a change lands: it tries the same examples each time. Everywhere else they are new ones.
# How long it takes to make them says something about the machine, nothing about the code.
_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", derandomize=True, **_PATIENT)
settings.register_profile("dev", **_PATIENT)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A shell starts what it puts into the background with SIGINT ignored, and children inherit that: Ctrl-C could not be
# tested in them.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The same with nohup and SIGHUP: it is to do no harm to us, and children are to have it as usual.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests ``-n auto`` runs at once: one more than there are processors, as many of them wait."""
    return (os.cpu_count() or 1) + 1


MakeSpec = Callable[..., Spec]

HEAD = "spec: s\nmessage:\n  provider: twlo\n  channel_key: k\n  to: '{{ phone }}'\n"


@pytest.fixture
def make_spec(tmp_path: Path) -> MakeSpec:
    """Return a function that builds a spec: an SMS to ``{{ phone }}`` with these lines under ``message``, and the rest."""

    def make(message: str = "  text: Hi\n", rest: str = "", head: str = HEAD) -> Spec:
        return build_spec(parse_document(str(tmp_path / "specs" / "s.yaml"), head + message + rest))

    return make
