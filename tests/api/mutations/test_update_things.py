from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from models.columns import now
from models.ids import new_id
from models.tables import EVENT, GROUP_THING, THING, THING_ATTRIBUTE
from tests.api.mutations.thing_facts import events, seen
from tests.cast import THING_KEY, Cast, group_id, org_id, profile_id, refusals, thing_id

FIELDS = "name type externalId metadata version tags attributes { scope name value } profile { name }"
SHORT = "things { name } results { index thing { name } userErrors { code path } }"
FULL = {
    "name": "Pump 2",
    "type": "CONTROLLER",
    "externalId": "p-2",
    "metadata": {"a": {"b": 1}, "c": 2},
    "tags": ["one", "two"],
    "attributes": [{"name": "speed", "value": 3}, {"scope": "SYSTEM", "name": "speed", "value": "fast"}],
}


def patch(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {"things": [{"id": thing_id(cast.thing), **changes}]}


async def changed(cast: Cast, **changes: Any) -> Any:
    payload = await cast.change("editor", "updateThings", patch(cast, **changes), f"things {{ {FIELDS} }}")
    return payload["things"][0]


async def test_what_is_given_changes_and_the_rest_stays(cast: Cast) -> None:
    attributes = [
        {"scope": "INVENTORY", "name": "speed", "value": 3},
        {"scope": "SYSTEM", "name": "speed", "value": "fast"},
    ]
    first = FULL | {"attributes": attributes, "version": 2, "profile": {"name": "Standard"}}
    assert await changed(cast, **FULL) == first
    assert await changed(cast, name="Pump 3") == first | {"name": "Pump 3", "version": 3}
    await changed(cast, metadata={"d": 3}, tags=["three"])
    after = await changed(cast, attributes=[{"name": "speed", "value": "slow"}, {"name": "new", "value": [1, 2]}])
    assert (after["metadata"], after["tags"]) == ({"d": 3}, ["three"])
    assert after["attributes"] == [
        {"scope": "INVENTORY", "name": "new", "value": [1, 2]},
        {"scope": "INVENTORY", "name": "speed", "value": "slow"},
        {"scope": "SYSTEM", "name": "speed", "value": "fast"},
    ]
    assert await events(cast) == [("THING_UPDATED", cast.thing)] * 4
    own = await cast.gateway.data("{ viewer { thing { name } } }", token=f"Thing {THING_KEY}")
    assert own["viewer"]["thing"]["name"] == "Pump 3"


async def test_null_clears_all_but_name_and_type(cast: Cast) -> None:
    await changed(cast, **FULL)
    one = await changed(cast, attributes=[{"name": "speed", "value": None}, {"name": "never", "value": None}])
    assert one["attributes"] == [{"scope": "SYSTEM", "name": "speed", "value": "fast"}]
    cleared = await changed(cast, externalId=None, profileId=None, metadata=None, tags=None, attributes=None)
    nothing: dict[str, Any] = {"externalId": None, "profile": None, "metadata": {}, "tags": [], "attributes": []}
    assert cleared == {"name": "Pump 2", "type": "CONTROLLER", "version": 4, **nothing}
    for name in ("name", "type"):
        error = await cast.error("editor", "updateThings", patch(cast, **{name: None}))
        assert error == ("INVALID_INPUT", ["things", "0", name])
    assert await seen(cast, cast.thing, FIELDS) == cleared


async def test_typed_copies_follow_the_value(cast: Cast) -> None:
    columns = THING_ATTRIBUTE.c
    for value, text, number in (("1", "1", None), (2.5, None, 2.5), ([1], None, None)):
        await changed(cast, attributes=[{"name": "a", "value": value}])
        ((stored_text, stored_number),) = await cast.rows(
            THING_ATTRIBUTE.select().with_only_columns(columns.text_value, columns.number_value)
        )
        assert (stored_text, stored_number) == (text, number)


async def test_older_version_is_a_conflict(cast: Cast) -> None:
    assert (await changed(cast, name="A", expectedVersion=1))["version"] == 2
    error = await cast.error("editor", "updateThings", patch(cast, name="B", expectedVersion=1))
    assert error == ("CONFLICT", ["things", "0", "expectedVersion"])
    assert await seen(cast, cast.thing, "name version") == {"name": "A", "version": 2}
    assert await cast.count(EVENT) == 1


async def test_whoever_may_not_changes_nothing(cast: Cast) -> None:
    given = patch(cast, name="Taken", tags=["x"])
    await cast.refused("updateThings", given, refusals(viewer="FORBIDDEN"))
    for caller, code in (("viewer", "FORBIDDEN"), ("outsider", "NOT_FOUND")):
        payload = await cast.gateway.mutate(
            "updateThings", {**given, "mode": "PARTIAL"}, select=SHORT, token=await cast.token(caller)
        )
        assert [each["code"] for each in payload["results"][0]["userErrors"]] == [code]
    assert await seen(cast, cast.thing, "name version tags") == {"name": "Pump", "version": 1, "tags": []}
    assert await cast.count(EVENT) == 0


async def test_one_bad_patch_changes_none_and_is_named(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    (foreign,) = await cast.add_things(1, organization=cast.other)
    good = {"id": thing_id(cast.thing), "name": "Good", "tags": ["x"]}
    for bad, code, path in (
        ({"id": thing_id(foreign), "name": "Mine"}, "NOT_FOUND", ["id"]),
        ({"id": thing_id(new_id())}, "NOT_FOUND", ["id"]),
        ({"id": org_id(cast.acme)}, "INVALID_INPUT", ["id"]),
        ({"id": "thing"}, "INVALID_INPUT", ["id"]),
        ({"name": ""}, "INVALID_INPUT", ["name"]),
        ({"externalId": " "}, "INVALID_INPUT", ["externalId"]),
        ({"metadata": 0}, "INVALID_INPUT", ["metadata"]),
        ({"metadata": []}, "INVALID_INPUT", ["metadata"]),
        ({"tags": ["x"] * 101}, "INVALID_INPUT", ["tags"]),
        ({"tags": ["\n"]}, "INVALID_INPUT", ["tags", "0"]),
        ({"attributes": [{"name": "a", "value": False}]}, "INVALID_INPUT", ["attributes", "0", "value"]),
        ({"attributes": [{"name": str(n), "value": n} for n in range(201)]}, "INVALID_INPUT", ["attributes"]),
        ({"profileId": profile_id(new_id())}, "NOT_FOUND", ["profileId"]),
        ({"profileId": group_id(cast.group)}, "INVALID_INPUT", ["profileId"]),
    ):
        given = {"things": [good, {"id": thing_id(other), **bad}]}
        assert await cast.error("editor", "updateThings", given) == (code, ["things", "1", *path]), bad
    assert await seen(cast, cast.thing, "name version tags") == {"name": "Pump", "version": 1, "tags": []}
    assert (await seen(cast, foreign, "name version"))["version"] == 1
    assert await cast.count(EVENT) == 0


async def test_profile_must_be_of_the_same_organization(cast: Cast) -> None:
    (below,) = await cast.add_things(1, organization=cast.north)
    given = {"things": [{"id": thing_id(below), "profileId": profile_id(cast.profile)}]}
    error = ["things", "0", "profileId"]
    assert await cast.error("editor", "updateThings", given) == ("INVALID_INPUT", error)
    (foreign,) = await cast.add_things(1, organization=cast.other)
    given["things"][0]["id"] = thing_id(foreign)
    assert await cast.error("outsider", "updateThings", given) == ("NOT_FOUND", error)
    assert await cast.count(THING, THING.c.profile_id.is_not(None)) == 1


async def test_external_ids_stay_unique(cast: Cast) -> None:
    first, second = await cast.add_things(2)
    one, two = ({"id": thing_id(key), "externalId": "x"} for key in (first, second))
    conflict = ("CONFLICT", ["things", "1", "externalId"])
    assert await cast.error("editor", "updateThings", {"things": [one, two]}) == conflict
    assert await cast.count(THING, THING.c.external_id == "x") == 0
    await cast.change("editor", "updateThings", {"things": [one]})
    assert await cast.error("editor", "updateThings", {"things": [{**one, "name": "A"}, two]}) == conflict
    await cast.change("editor", "updateThings", {"things": [{**one, "externalId": None}, two]})
    assert await cast.value(THING.c.id, THING.c.external_id == "x") == second


async def test_each_for_itself_the_failing_ones_alone_are_undone(cast: Cast) -> None:
    first, second = await cast.add_things(2)
    changes = {"name": "Changed", "tags": ["x"], "externalId": "x"}
    given = [
        {"id": thing_id(first), **changes},
        {"id": thing_id(second), **changes},
        {"id": thing_id(cast.thing), "name": "Changed", "attributes": [{"name": "a", "value": {}}]},
        {"id": thing_id(new_id()), "name": "Changed"},
        {"id": thing_id(second), "name": "Later"},
        {"id": thing_id(first), "expectedVersion": 1},
    ]
    payload = await cast.change("editor", "updateThings", {"things": given, "mode": "PARTIAL"}, SHORT)
    assert payload["things"] == [{"name": "Changed"}, {"name": "Later"}]
    assert [each["userErrors"] for each in payload["results"]] == [
        [],
        [{"code": "CONFLICT", "path": ["things", "1", "externalId"]}],
        [{"code": "INVALID_INPUT", "path": ["things", "2", "attributes", "0", "value"]}],
        [{"code": "NOT_FOUND", "path": ["things", "3", "id"]}],
        [],
        [{"code": "CONFLICT", "path": ["things", "5", "expectedVersion"]}],
    ]
    assert [await seen(cast, key, "name version tags") for key in (first, second, cast.thing)] == [
        {"name": "Changed", "version": 2, "tags": ["x"]},
        {"name": "Later", "version": 2, "tags": []},
        {"name": "Pump", "version": 1, "tags": []},
    ]
    assert await events(cast) == [("THING_UPDATED", first), ("THING_UPDATED", second)]


async def test_a_thing_has_at_most_1000_attributes(cast: Cast) -> None:
    row = {"thing_id": cast.thing, "scope": "SYSTEM", "value": 1, "updated_at": now()}
    async with cast.store.write() as session:
        await session.execute(insert(THING_ATTRIBUTE), [{**row, "name": str(number)} for number in range(999)])
    await changed(cast, attributes=[{"name": "last", "value": 1}])
    await changed(cast, attributes=[{"name": "last", "value": 2}])
    error = await cast.error("editor", "updateThings", patch(cast, attributes=[{"name": "more", "value": 1}]))
    assert error == ("LIMIT_REACHED", ["things", "0", "attributes"])
    assert await cast.count(THING_ATTRIBUTE) == 1000


async def test_from_1_to_500_at_once(cast: Cast) -> None:
    one = {"id": thing_id(cast.thing), "name": "Many"}
    for mode in ("ALL", "PARTIAL"):
        for number in (0, 501):
            given = {"things": [one] * number, "mode": mode}
            assert await cast.error("editor", "updateThings", given) == ("INVALID_INPUT", ["things"])
    assert await seen(cast, cast.thing, "version") == {"version": 1}


async def test_home_stays_when_a_thing_is_edited(cast: Cast) -> None:
    async with cast.store.write() as session:
        await session.execute(update(THING).values(last_seen_at=now(), connected=True))
    await changed(cast, **FULL)
    assert await cast.value(GROUP_THING.c.is_home, GROUP_THING.c.thing_id == cast.thing) is True
    assert (await seen(cast, cast.thing, "connected homeGroup { name }")) == {
        "connected": True,
        "homeGroup": {"name": "Hall"},
    }
