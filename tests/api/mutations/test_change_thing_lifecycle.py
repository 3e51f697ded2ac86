from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from models.enums import Lifecycle
from models.ids import new_id
from models.tables import EVENT, THING, THING_LIFECYCLE
from tests.api.mutations.thing_facts import events, seen
from tests.cast import Cast, org_id, refusals, thing_id

ALLOWED = {
    "NEW": {"INSTALLED", "QUARANTINE", "RETIRED"},
    "INSTALLED": {"UNINSTALLED", "QUARANTINE", "RETIRED"},
    "UNINSTALLED": {"INSTALLED", "QUARANTINE", "RETIRED"},
    "QUARANTINE": {"INSTALLED", "UNINSTALLED", "RETIRED"},
    "RETIRED": set(),
}
FIELDS = "lifecycle version lifecycleHistory { lifecycle reason }"
SHORT = "things { lifecycle } results { index userErrors { code path } }"


def step(things: Iterable[UUID], lifecycle: str, **more: Any) -> dict[str, Any]:
    return {"ids": [thing_id(key) for key in things], "lifecycle": lifecycle, **more}


async def test_steps_are_kept_in_the_history(cast: Cast) -> None:
    given = step([cast.thing], "INSTALLED", reason="Mounted in the hall")
    payload = await cast.change("editor", "changeThingLifecycle", given, f"things {{ {FIELDS} }} results {{ index }}")
    history = [{"lifecycle": "INSTALLED", "reason": "Mounted in the hall"}]
    after = {"lifecycle": "INSTALLED", "version": 2, "lifecycleHistory": history}
    assert payload == {"things": [after], "results": None}
    await cast.change("editor", "changeThingLifecycle", step([cast.thing], "QUARANTINE"))
    history.append({"lifecycle": "QUARANTINE", "reason": ""})
    assert await seen(cast, cast.thing, "lifecycleHistory { lifecycle reason }") == {"lifecycleHistory": history}
    assert await events(cast) == [("THING_LIFECYCLE_CHANGED", cast.thing)] * 2
    details = [row.detail for row in await cast.rows(select(EVENT.c.detail).order_by(EVENT.c.sequence))]
    assert details == [
        {"from": "NEW", "to": "INSTALLED", "reason": "Mounted in the hall"},
        {"from": "INSTALLED", "to": "QUARANTINE", "reason": ""},
    ]


async def test_every_pair_of_steps(cast: Cast) -> None:
    assert set(ALLOWED) == {each.name for each in Lifecycle}
    things = await cast.add_things(len(ALLOWED))
    allowed, kept = {}, {}
    for target in ALLOWED:
        for key, start in zip(things, ALLOWED, strict=True):
            async with cast.store.write() as session:
                await session.execute(update(THING).where(THING.c.id == key).values(lifecycle=Lifecycle[start]))
        payload = await cast.change("editor", "changeThingLifecycle", step(things, target, mode="PARTIAL"), SHORT)
        for key, start, result in zip(things, ALLOWED, payload["results"], strict=True):
            errors = result["userErrors"]
            assert errors in ([], [{"code": "WRONG_STATE", "path": ["ids", str(result["index"])]}])
            allowed[start, target] = not errors
            kept[start, target] = (await cast.value(THING.c.lifecycle, THING.c.id == key)).name
    pairs = [(start, target) for start in ALLOWED for target in ALLOWED]
    assert allowed == {(start, target): target in ALLOWED[start] for start, target in pairs}
    assert kept == {(start, target): target if target in ALLOWED[start] else start for start, target in pairs}
    steps = sum(map(len, ALLOWED.values()))
    assert (await cast.count(THING_LIFECYCLE), await cast.count(EVENT)) == (steps, steps)


async def test_one_that_cannot_keeps_all_where_they_are(cast: Cast) -> None:
    (retired,) = await cast.add_things(1)
    await cast.change("editor", "changeThingLifecycle", step([retired], "RETIRED"))
    (foreign,) = await cast.add_things(1, organization=cast.other)
    good = thing_id(cast.thing)
    for ids, code, path in (
        ([good, thing_id(retired)], "WRONG_STATE", ["ids", "1"]),
        ([good, thing_id(foreign)], "NOT_FOUND", ["ids", "1"]),
        ([good, thing_id(new_id())], "NOT_FOUND", ["ids", "1"]),
        ([good, org_id(cast.acme)], "INVALID_INPUT", ["ids", "1"]),
        ([good, good], "INVALID_INPUT", ["ids"]),
        ([], "INVALID_INPUT", ["ids"]),
        ([thing_id(new_id()) for _ in range(501)], "INVALID_INPUT", ["ids"]),
    ):
        given = {"ids": ids, "lifecycle": "INSTALLED"}
        assert await cast.error("editor", "changeThingLifecycle", given) == (code, path)
    long = step([cast.thing], "INSTALLED", reason="x" * 1025)
    assert await cast.error("editor", "changeThingLifecycle", long) == ("INVALID_INPUT", ["reason"])
    assert await seen(cast, cast.thing, FIELDS) == {"lifecycle": "NEW", "version": 1, "lifecycleHistory": []}
    assert len(await events(cast)) == 1


async def test_whoever_may_not_takes_no_step(cast: Cast) -> None:
    await cast.refused("changeThingLifecycle", step([cast.thing], "INSTALLED"), refusals(viewer="FORBIDDEN"))
    payload = await cast.gateway.mutate(
        "changeThingLifecycle",
        step([cast.thing], "INSTALLED", mode="PARTIAL"),
        select=SHORT,
        token=await cast.token("viewer"),
    )
    assert payload["things"] == []
    assert [each["code"] for each in payload["results"][0]["userErrors"]] == ["FORBIDDEN"]
    assert await seen(cast, cast.thing, FIELDS) == {"lifecycle": "NEW", "version": 1, "lifecycleHistory": []}
    assert await events(cast) == []
