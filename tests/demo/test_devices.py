"""A simulated thing: values that move plausibly, and wishes that are fulfilled."""

from __future__ import annotations

from random import Random

import pytest

from demo.device import Device
from demo.kinds import KINDS, Kind
from demo.signals import Flag, Measure, Meter, Setting, Signal


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_values_stay_in_their_ranges(kind: Kind) -> None:
    rng = Random(1)
    for signal in kind.signals:
        value = signal.start(rng)
        for _ in range(300):
            before, value = value, signal.drift(value, rng)
            assert is_plausible(signal, before, value), (signal.name, before, value)


def is_plausible(signal: Signal, before: object, value: object) -> bool:
    match signal:
        case Measure(low=low, high=high, step=step):
            assert isinstance(before, int | float)
            assert isinstance(value, int | float)
            return low <= value <= high and abs(value - before) <= step + 1
        case Meter(step=step):
            assert isinstance(before, int | float)
            assert isinstance(value, int | float)
            return 0 <= value - before <= step + 1
        case Setting(values=values):
            return value == before and value in values
        case _:
            return isinstance(signal, Flag) and isinstance(value, bool)


@pytest.mark.parametrize("odd", [None, "warm", [], {}])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_values_of_another_kind_are_replaced(kind: Kind, odd: object) -> None:
    for signal in kind.signals:
        if not isinstance(signal, Setting):
            assert isinstance(signal.drift(odd, Random(1)), int | float)


def test_wishes_are_fulfilled_within_some_reports() -> None:
    device = Device(KINDS["climate-controller"], Random(3))
    assert device.measure()["mode"] == "auto"
    device.want({"mode": "cool", "targetCelsius": 18, "unheardOf": 1})
    reports = [device.measure() for _ in range(20)]
    assert reports[-1]["mode"] == "cool"
    assert reports[-1]["targetCelsius"] == 18
    assert all("unheardOf" not in report for report in reports)


def test_a_thing_goes_on_from_its_last_report() -> None:
    device = Device(KINDS["climate-controller"], Random(3))
    device.remember({"roomCelsius": 22.5, "mode": "heat", "note": "left over"})
    report = device.measure()
    assert report["mode"] == "heat"
    assert abs(report["roomCelsius"] - 22.5) <= 0.3
    assert "note" not in report
