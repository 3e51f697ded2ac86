"""Subscriptions: the selection of an event by a plan is what graphql-core makes of the same event."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from random import Random
from typing import Any, Final

import pytest

from engine.errors import RequestError
from engine.execution import Answer, Operations, refused
from models.enums import EventKind
from resolvers.streams import STREAMS
from tests.differential.arguments import Known
from tests.differential.comparison import Stand, body_of, difference
from tests.differential.operations import Operation, Scope, Writer
from tests.differential.sight import look_around
from tests.differential.updates import WITHOUT_THING, World

EACH: Final = 5
"""Subscriptions of each field for each caller, and of those of all kinds five times as many."""
CALLERS: Final = ("administrator", "owner", "thing")
"""Those who see the thing that every second event is of."""
FIELDS: Final = (*STREAMS, *["events"] * 4)


def draw_scope(drawn: Random, world: World, kinds: tuple[EventKind, ...]) -> dict[str, Any] | None:
    """A scope in which every second event is."""
    if EventKind.MEMBERSHIP_CHANGED in kinds and len(kinds) == 1:
        return drawn.choice((None, {}))
    several = {"thingIds": [world.ids["thing"][3], world.eventful], "groupId": None}
    alone = {"filter": {"ids": [world.eventful], "not": {"search": "nobody's"}}}
    return drawn.choice((None, {}, {"thingIds": [world.eventful]}, several, alone))


def draw_subscription(stand: Stand, known: Known, label: str, name: str, caller: str) -> tuple[Operation, int] | None:
    """A subscription that goes on behind one of the events, and how many events it has at least; None without any."""
    drawn, world = Random(label), stand.world
    kinds = STREAMS[name].kinds
    given: dict[str, Any] = {"scope": draw_scope(drawn, world, kinds)}
    if name == "events" and drawn.random() < 0.5:
        kinds = tuple(drawn.sample(kinds, drawn.randrange(1, len(kinds) + 1)))
        given["kinds"] = [kind.value for kind in kinds]
    # What is about no thing is not for things, and not in a scope of things unless things are updated by it.
    hidden = WITHOUT_THING if caller == "thing" else (EventKind.MEMBERSHIP_CHANGED,) if given["scope"] else ()
    places = [place for place, (_, kind) in enumerate(world.events) if kind in kinds and kind not in hidden]
    if not places:
        return None
    behind = drawn.randrange(places[-1])
    given["after"] = world.events[behind][0]
    writer = Writer(stand.operations.schema, known, label)
    root = stand.operations.schema.subscription_type
    assert root is not None
    declared = root.fields[name].args
    # What it starts from is never wrong: behind no event at all, it would wait for one.
    is_faulty, writer.values.faulty = writer.values.faulty, False
    written = [f"{each}: {writer.values.write(declared[each].type, value)}" for each, value in given.items()]
    writer.values.faulty = is_faulty
    body = writer.root(root, name, f"({', '.join(written)})", Scope())
    return writer.finish("subscription", body), min(2 if name != "events" else 8, sum(each > behind for each in places))


async def answers(stand: Stand, operations: Operations, caller: str, operation: Operation, most: int) -> list[Answer]:
    """The first answers of a subscription; a refusal is the last of them."""
    try:
        prepared = operations.prepare(operation.text, operation.name)
    except RequestError as error:
        return [refused(error)]
    found: list[Answer] = []
    stream = operations.subscribe(prepared, operation.variables, stand.context(caller), lambda: stand.context(caller))
    async with aclosing(stream) as events:
        async for answer in events:
            found.append(answer)
            if len(found) == most or not answer.executed:
                break
    return found


@pytest.mark.parametrize("caller", CALLERS)
async def test_events_are_selected_alike(caller: str, stand: Stand, reference: Operations, seed: str) -> None:
    known = await look_around(stand, caller)
    seen: Counter[str] = Counter()
    for number, name in enumerate(FIELDS * EACH):
        drawn = draw_subscription(stand, known, f"{seed}/events/{caller}/{number}", name, caller)
        if drawn is None:
            assert caller == "thing" or name == "events"
            continue
        operation, most = drawn
        shown = f"--differential-seed={seed}\n{operation.text}\n{operation.variables}"
        before = stand.operations.fallbacks.copy()
        planned = await answers(stand, stand.operations, caller, operation, most)
        expected = await answers(stand, reference, caller, operation, most)
        assert len(planned) == len(expected) == (most if expected[0].executed else 1), shown
        for one, other in zip(expected, planned, strict=True):
            assert difference(one, other) is None, f"{body_of(one)!r}\n{body_of(other)!r}\n{shown}"
        if not operation.is_faulty:
            assert not any(each.errors for each in expected), shown
            assert stand.operations.fallbacks == before, shown
            seen[name] += most
    silent = {name for name, stream in STREAMS.items() if caller == "thing" and set(stream.kinds) <= set(WITHOUT_THING)}
    assert set(seen) == set(STREAMS) - silent
