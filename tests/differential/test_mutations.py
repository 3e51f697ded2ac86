"""Mutations: two gateways start from the same world and do the same; one selects its payloads by plans."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import orjson
import pytest

from engine.execution import Answer, Operations
from tests.differential.comparison import Stand, opened, places, stop_the_clock
from tests.differential.conftest import StoredWorld
from tests.differential.mutations import ENDINGS, draw_mutation
from tests.differential.newness import Newness
from tests.differential.operations import Operation, draw_query
from tests.differential.sight import look_around, look_into

ROUNDS: Final = 2
CALLERS: Final = {"owner": 14, "administrator": 3, "thing": 1, "viewer": 1, "nobody": 1}

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")


@dataclass
class Twins:
    """Two gateways with a world each: `planned` runs by plans, `reference` by graphql-core."""

    planned: Stand
    reference: Stand
    newness: tuple[Newness, Newness]

    async def agree(self, caller: str, operation: Operation) -> Answer:
        """Ask both, assert that they answer alike but for what is new in each, and that a plan was used."""
        operations = self.planned.operations
        shown = f"{caller}, {operation.label}\n{operation.text}\n{orjson.dumps(operation.variables).decode()}"
        before = operations.fallbacks.copy()
        planned = self._comparable(await self.planned.ask(operations.execute, caller, operation), self.newness[0])
        answer = await self.reference.ask(self.reference.reference, caller, operation)
        reference = self._comparable(answer, self.newness[1])
        assert orjson.dumps(planned.data) == orjson.dumps(reference.data), shown
        assert (planned.executed, places(planned)) == (reference.executed, places(reference)), shown
        aside = operations.fallbacks - before
        assert not aside or reference.errors or operation.introspects or operation.is_faulty, (aside, shown)
        return reference

    def _comparable(self, answer: Answer, newness: Newness) -> Answer:
        payload = orjson.loads(orjson.dumps(answer.payload))
        return Answer(newness.without(payload.get("data")), payload.get("errors", []), answer.executed)


@pytest.fixture
async def twins(
    operations: Operations,
    reference: Operations,
    stored: StoredWorld,
    copy_world: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Twins]:
    stop_the_clock(monkeypatch)
    async with AsyncExitStack() as open_stands:
        planned, by_reference = [
            await open_stands.enter_async_context(
                opened(operations, reference, copy_world(name), stored.world, tmp_path / name)
            )
            for name in ("planned", "reference")
        ]
        by_reference.sights = stored.sights
        newness = (Newness(stored.world.ids), Newness(stored.world.ids))
        yield Twins(planned, by_reference, newness)


async def test_payloads_and_what_is_read_after_them_are_alike(twins: Twins, seed: str) -> None:
    drawn = Random(seed)
    schema = twins.planned.operations.schema
    organization = twins.planned.world.ids["org"][0]
    inside = await look_into(twins.reference, "owner", organization)
    around = {caller: await look_around(twins.reference, caller) for caller in ("owner", "traveller", "viewer")}
    assert schema.mutation_type is not None
    names = [name for name in schema.mutation_type.fields if name not in ENDINGS] * ROUNDS
    drawn.shuffle(names)
    changed = 0
    for number, name in enumerate([*names, *ENDINGS]):
        caller = "administrator" if "User" in name else drawn.choices(list(CALLERS), list(CALLERS.values()))[0]
        answer = await twins.agree(caller, draw_mutation(schema, inside, f"{seed}/mutation/{number}", name))
        changed += not answer.errors and b'"code":' not in orjson.dumps(answer.data)
        reader = drawn.choice(list(around))
        await twins.agree(reader, draw_query(schema, around[reader], f"{seed}/after/{number}"))
    assert changed > len(names) / 3
