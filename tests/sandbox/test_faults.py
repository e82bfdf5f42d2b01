from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgspec_runner.errors import UsageError
from msgspec_runner.sandbox.faults import (
    FAULT_KINDS,
    NO_LATENCY,
    Fault,
    Latency,
    decide,
    parse_fault,
    parse_faults,
    parse_latency,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("500=0.05", Fault("500", 0.05)),
        ("reset-after=5%", Fault("reset-after", 0.05)),
        ("429=1", Fault("429", 1.0)),
        ("429:2=0.1", Fault("429", 0.1, 2.0)),
        (" SLOW:0.5s=100% ", Fault("slow", 1.0, 0.5)),
        ("slow=1", Fault("slow", 1.0, 2.0)),
        ("hang=.5", Fault("hang", 0.5, 600.0)),
        ("511=1", Fault("511", 1.0)),
    ],
)
def test_a_fault_is_read(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "write KIND=RATE"),
        ("500", "write KIND=RATE"),
        ("500=", "write KIND=RATE"),
        ("500=x", "write KIND=RATE"),
        ("500=-1", "write KIND=RATE"),
        ("500=1.2.3", "is no number"),
        ("500=0", "above 0"),
        ("500=1.5", "above 0"),
        ("500=101%", "above 0"),
        ("boom=0.5", "there is no fault 'boom'; the kinds are 429, 500 to 511, 500-after"),
        ("500:3=0.5", "takes no seconds; write 500=0.5"),
        ("slow:4000=1", "at most 3600"),
        ("٥٠٠=1", "write KIND=RATE"),
    ],
)
def test_a_bad_fault_says_what_to_type(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_fault(text)


def test_several_faults_share_one_flag_or_have_their_own() -> None:
    assert parse_faults(["500=0.1,429=0.2", "hang=0.3"]) == (
        Fault("500", 0.1),
        Fault("429", 0.2),
        Fault("hang", 0.3, 600.0),
    )
    assert parse_faults([",".join(f"{kind}=0.1" for kind in list(FAULT_KINDS)[:10])])


def test_faults_must_fit_together() -> None:
    with pytest.raises(UsageError, match="add up to more than 1"):
        parse_faults(["500=0.6", "429=0.6"])
    with pytest.raises(UsageError, match="500 is given 2 times"):
        parse_faults(["500=0.1", "500=0.1"])


@pytest.mark.parametrize(
    ("text", "latency"),
    [
        ("20ms", Latency(0.02, 0.02)),
        ("20ms..80ms", Latency(0.02, 0.08)),
        ("0.5s .. 1s", Latency(0.5, 1.0)),
        ("0ms", NO_LATENCY),
    ],
)
def test_a_latency_is_read(text: str, latency: Latency) -> None:
    assert parse_latency(text) == pytest.approx(latency)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("20", "with its unit"),
        ("", "with its unit"),
        ("20ms..", "with its unit"),
        ("80ms..20ms", r"write 20ms\.\.80ms"),
        ("2h", "with its unit"),
        ("4000s", "at most 3600s"),
    ],
)
def test_a_bad_latency_says_what_to_type(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_latency(text)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_as_usage(text: str) -> None:
    for parse in (parse_fault, parse_latency):
        try:
            parse(text)
        except UsageError as error:
            assert repr(text) in str(error)  # noqa: PT017 - either outcome is right


@given(st.integers(), st.binary(max_size=50), st.integers(0, 5))
def test_a_fate_depends_on_its_arguments_only(seed: int, body: bytes, nth: int) -> None:
    faults = (Fault("500", 0.5), Fault("429", 0.5))
    fate = decide(seed % 2**64, body, nth, faults, Latency(0.1, 0.3))
    assert fate == decide(seed % 2**64, body, nth, faults, Latency(0.1, 0.3))
    assert fate.fault in faults  # the rates add up to 1
    assert 0.1 <= fate.delay <= 0.3
    assert len(fate.message_id) == 16
    assert fate.message_id != decide(seed % 2**64, body, nth + 1, faults, NO_LATENCY).message_id


def test_rates_are_met() -> None:
    faults = (Fault("500", 0.1), Fault("hang", 0.3))
    struck = [decide(1, b"%d" % number, 0, faults, NO_LATENCY).fault for number in range(20_000)]
    assert struck.count(faults[0]) == pytest.approx(2_000, rel=0.1)
    assert struck.count(faults[1]) == pytest.approx(6_000, rel=0.1)


def test_any_integer_is_a_seed() -> None:
    assert decide(10**50, b"", 0, (), NO_LATENCY) != decide(-(10**50), b"", 0, (), NO_LATENCY)


@given(
    kind=st.sampled_from(sorted(FAULT_KINDS)),
    rate=st.floats(min_value=1e-9, max_value=1.0),
    seconds=st.floats(min_value=0.0, max_value=3600.0).filter(lambda number: number == 0 or number > 1e-9),
)
def test_a_fault_is_written_as_it_is_read(kind: str, rate: float, seconds: float) -> None:
    about = FAULT_KINDS[kind]
    again = parse_fault(Fault(kind, rate, seconds if about.unit else 0.0).text)
    assert again.kind == kind
    assert again.rate == pytest.approx(rate, rel=1e-11)
    assert again.seconds == pytest.approx(seconds if about.unit else about.default, rel=1e-11)


@pytest.mark.parametrize(
    ("text", "written"),
    [("reset-after=5%", "reset-after=0.05"), ("429:2=1", "429:2=1"), ("429:0=1", "429=1"), ("slow:2=1", "slow=1")],
)
def test_a_fault_is_written_shortly(text: str, written: str) -> None:
    assert parse_fault(text).text == written


@pytest.mark.parametrize(
    ("text", "written"),
    [("0ms", "0ms"), ("20ms", "20ms"), ("1.5s", "1500ms"), ("20ms..80ms", "20ms..80ms"), ("2.1ms..1h", None)],
)
def test_a_latency_is_written_as_it_is_read(text: str, written: str | None) -> None:
    if written is None:
        with pytest.raises(UsageError, match=r"^latency '2\.1ms\.\.1h': write a duration"):
            parse_latency(text, "latency")
    else:
        assert parse_latency(text).text == written
        assert parse_latency(written) == parse_latency(text)


def test_a_message_names_where_the_text_came_from() -> None:
    with pytest.raises(UsageError, match=r"^faults '500=x': write KIND=RATE"):
        parse_faults(["500=x"], "faults")
    with pytest.raises(UsageError, match=r"^faults '500=\.\.': '\.\.' is no number"):
        parse_faults(["500=.."], "faults")
