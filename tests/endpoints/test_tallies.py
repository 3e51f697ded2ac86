"""What is counted without Prometheus's own counters is read as if it had been counted with them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from endpoints.tallies import SECONDS, Durations, Level, Tally

KINDS = ("query", "mutation")


class Kept(Collector):
    def __init__(self) -> None:
        self.level = Level("places", "Taken places")
        self.events = Tally("events", "Events sent")
        self.requests = Tally("requests", "Requests", ("kind", "status"))
        self.seconds = Durations("seconds", "Time to answer", ("kind",))

    def collect(self) -> Iterator[Metric]:
        yield from (self.level.metric(), self.events.metric(), self.requests.metric(), self.seconds.metric())


def text_of(registry: CollectorRegistry) -> str:
    """The text that Prometheus reads; when a count was made is no different, but never the same."""
    return re.sub(r"(?m)(_created.*) \S+$", r"\1 then", generate_latest(registry).decode())


def test_the_text_is_that_of_the_library() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    kept = Kept()
    ours.register(kept)
    level = Gauge("places", "Taken places", registry=theirs)
    events = Counter("events", "Events sent", registry=theirs)
    requests = Counter("requests", "Requests", ("kind", "status"), registry=theirs)
    seconds = Histogram("seconds", "Time to answer", ("kind",), buckets=SECONDS, registry=theirs)
    assert text_of(ours) == text_of(theirs)

    draw = random.Random(20)
    times = [*SECONDS, *(draw.uniform(0, 40) ** 2 / 40 for _ in range(200)), 0.0, 1e6]
    for number, time in enumerate(times):
        kind, status = draw.choice(KINDS), draw.choice((200, 404, 503))
        kept.requests.inc(kind, status)
        requests.labels(kind, str(status)).inc()
        kept.seconds.observe(time, kind)
        seconds.labels(kind).observe(time)
        kept.events.inc()
        events.inc()
        if number % 3:
            kept.level.inc()
            level.inc()
        else:
            kept.level.dec()
            level.dec()
    assert text_of(ours) == text_of(theirs)
    assert f"events_total {len(times)}.0" in text_of(ours)
    assert "requests_created" in text_of(ours)


def test_odd_values_of_labels_are_quoted() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    kept = Kept()
    ours.register(kept)
    requests = Counter("requests", "Requests", ("kind", "status"), registry=theirs)
    kept.requests.inc('a "b"\n\\', 1)
    requests.labels('a "b"\n\\', "1").inc()
    assert [line for line in text_of(ours).splitlines() if line.startswith("requests")] == [
        line for line in text_of(theirs).splitlines() if line.startswith("requests")
    ]
