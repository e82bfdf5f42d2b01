"""What a worker tells monitoring; that it is served is tested with real workers too."""

from __future__ import annotations

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from msgspec_runner.cluster.metrics import WATCHED, Metrics, served
from msgspec_runner.cluster.overview import Overview
from msgspec_runner.dispatch.progress import Progress
from msgspec_runner.ledger.ledger import Settlement
from msgspec_runner.model import State


class Clock:
    now = 1_924_992_000.0

    def __call__(self) -> float:
        return self.now


def progress(*settled: Settlement) -> Progress:
    return Progress(settled, 0, 0, None)


def page(port: int) -> dict[str, tuple[str, dict[str, float]]]:
    """Return the kind and the values of each metric, by its name and the state that it is of."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answered:
        found = text_string_to_metric_families(answered.read().decode())
    return {
        family.name: (family.type, {sample.labels.get("state", ""): sample.value for sample in family.samples})
        for family in found
    }


def test_gauges_are_there_while_what_they_measure_is_known() -> None:
    metrics = Metrics(print, 45.0, clock=Clock())
    with served(metrics, "127.0.0.1", 0) as port:
        before = page(port)
        assert set(before) == {"msgspec_runner_messages", "msgspec_runner_windows", "msgspec_runner_ledger_up"}
        # What is not there before it grows has not grown, to Prometheus.
        assert before["msgspec_runner_messages"] == ("counter", {"accepted": 0, "rejected": 0, "in_doubt": 0})
        metrics.on_event(progress(Settlement("a", State.REJECTED, 400)))
        assert "msgspec_runner_last_accepted_timestamp_seconds" not in page(port)
        metrics.on_event(progress(Settlement("b", State.ACCEPTED, 200), Settlement("c", State.REJECTED, 400)))
        metrics.overview = Overview(2, 1, 0, 4711, 3)
        after = page(port)
        assert {name: after[name] for name in after.keys() - before.keys()} == {
            "msgspec_runner_last_accepted_timestamp_seconds": ("gauge", {"": Clock.now}),
            "msgspec_runner_runs": ("gauge", {"going": 2, "paused": 1, "stopping": 0}),
            "msgspec_runner_messages_left": ("gauge", {"": 4711}),
            "msgspec_runner_workers": ("gauge", {"": 3}),
        }
        assert after["msgspec_runner_messages"] == ("counter", {"accepted": 1, "rejected": 2, "in_doubt": 0})
        metrics.overview = None
        assert "msgspec_runner_runs" not in page(port)
        metrics.doubt(3)
        assert page(port)["msgspec_runner_messages"][1]["in_doubt"] == 3


def test_the_ledger_is_asked_as_long_as_somebody_asks() -> None:
    clock = Clock()
    metrics = Metrics(print, 45.0, now=clock)
    assert not metrics.watched
    with served(metrics, "127.0.0.1", 0) as port:
        assert metrics.watched, "the first who asks finds it"
        clock.now += WATCHED
        assert not metrics.watched
        page(port)
        assert metrics.watched


def test_a_ledger_that_nothing_is_heard_of_is_out_of_reach() -> None:
    now = 1000.0
    metrics = Metrics(lambda _: None, 45.0, lambda: now)
    assert not metrics.ledger_up
    metrics.connected(True)
    assert metrics.ledger_up
    now += 44.0
    assert metrics.ledger_up
    now += 1.0
    assert not metrics.ledger_up
    metrics.connected(True)
    assert metrics.ledger_up
    metrics.connected(False)
    assert not metrics.ledger_up
