"""Subscriptions: the selection of an event by a plan is what graphql-core makes of the same event."""

from __future__ import annotations

from contextlib import aclosing
from random import Random
from typing import Any, Final

import pytest

from engine.errors import RequestError
from engine.execution import Answer, Operations, refused
from tests.differential.arguments import Known
from tests.differential.comparison import Stand, body_of, difference
from tests.differential.operations import Operation, Scope, Writer
from tests.differential.sight import look_around

EACH: Final = 25
"""Subscriptions for each caller."""
CALLERS: Final = ("administrator", "owner", "thing")
"""Those who see the thing that every second event is of."""


def draw_subscription(stand: Stand, known: Known, label: str) -> tuple[Operation, int]:
    """A subscription that goes on behind one of the events, and how many events it has at least."""
    drawn, world = Random(label), stand.world
    other = world.ids["thing"][3]
    several = {"thingIds": [other, world.eventful], "groupId": None}
    scopes: tuple[Any, ...] = (None, {}, {"thingIds": [world.eventful]}, several)
    behind = drawn.randrange(len(world.events) - 1)
    writer = Writer(stand.operations.schema, known, label)
    root = stand.operations.schema.subscription_type
    assert root is not None
    given = {"scope": drawn.choice(scopes), "after": world.events[behind]}
    declared = root.fields["thingStateChanged"].args
    # What it starts from is never wrong: behind no event at all, it would wait for one.
    is_faulty, writer.values.faulty = writer.values.faulty, False
    written = [f"{name}: {writer.values.write(declared[name].type, value)}" for name, value in given.items()]
    writer.values.faulty = is_faulty
    body = writer.root(root, "thingStateChanged", f"({', '.join(written)})", Scope())
    # The thing has the last event, and the last but two.
    return writer.finish("subscription", body), 2 if behind < len(world.events) - 3 else 1


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
    events = 0
    for number in range(EACH):
        operation, most = draw_subscription(stand, known, f"{seed}/events/{caller}/{number}")
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
            events += most
    assert events > EACH / 2
