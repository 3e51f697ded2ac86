"""Counts and times that cost next to nothing to keep; Prometheus reads them in the shape of its own library.

The counters of `prometheus_client` are locked and look their labels up anew each time. These are kept on one event
loop, so that a dictionary and a list do; what is read from them is the same, the times of their making included.
"""

import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.samples import Sample

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets that times are sorted into."""

_BOUNDS: Final = (*(str(bound) for bound in SECONDS), "+Inf")

Labels = tuple[object, ...]


class Level:
    """How many there are at the moment."""

    def __init__(self, name: str, documentation: str) -> None:
        """None so far."""
        self._name = name
        self._documentation = documentation
        self._value = 0

    def inc(self) -> None:
        """There is one more."""
        self._value += 1

    def dec(self) -> None:
        """There is one less."""
        self._value -= 1

    def metric(self) -> GaugeMetricFamily:
        """Return how many there are."""
        return GaugeMetricFamily(self._name, self._documentation, value=self._value)


class Tally:
    """Counts by the values of some labels. There are as many counts as there are values, so these must be few."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str] = ()) -> None:
        """A tally without labels is there from the beginning, at 0."""
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._counts: dict[Labels, int] = {}
        self._made: dict[Labels, float] = {}
        if not labels:
            self._make(())

    def inc(self, *values: object) -> None:
        """Count one more; `values` are those of the labels, in their order."""
        try:
            self._counts[values] += 1
        except KeyError:
            self._make(values)
            self._counts[values] += 1

    def add(self, number: int) -> None:
        """Count some more, of a tally without labels."""
        self._counts[()] += number

    def _make(self, values: Labels) -> None:
        self._counts[values] = 0
        self._made[values] = time.time()

    def metric(self) -> CounterMetricFamily:
        """Return what has been counted."""
        metric = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, count in self._counts.items():
            metric.add_metric([str(value) for value in values], count, created=self._made[values])
        return metric


class Durations:
    """Times by the values of some labels, sorted into buckets."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str]) -> None:
        """Nothing has taken any time yet."""
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._buckets: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._made: dict[Labels, float] = {}

    def observe(self, seconds: float, *values: object) -> None:
        """Count something that took `seconds`; a time on a bound belongs to the bucket below it."""
        try:
            self._sums[values] += seconds
        except KeyError:
            self._sums[values] = seconds
            self._buckets[values] = [0] * len(_BOUNDS)
            self._made[values] = time.time()
        self._buckets[values][bisect_left(SECONDS, seconds)] += 1

    def metric(self) -> HistogramMetricFamily:
        """Return what has been counted; as Prometheus wants it, each bucket holds those below it, too."""
        metric = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, buckets in self._buckets.items():
            texts = [str(value) for value in values]
            total = 0
            sums: list[tuple[str, float]] = []
            for bound, count in zip(_BOUNDS, buckets, strict=True):
                total += count
                sums.append((bound, total))
            metric.add_metric(texts, sums, self._sums[values])
            labels = dict(zip(self._labels, texts, strict=True))
            metric.samples.append(Sample(f"{self._name}_created", labels, self._made[values]))
        return metric
