from __future__ import annotations

import asyncio
import random
from typing import Any

from sqlalchemy import Table

from engine.ids import split_id
from models.ids import new_id
from models.tables import (
    EVENT,
    GROUP_THING,
    THING,
    THING_ATTRIBUTE,
    THING_LIFECYCLE,
    THING_STATE,
    THING_TAG,
)
from services.tokens import digest
from tests.api.mutations.thing_facts import can_sign_in, events, limit_things
from tests.cast import Cast, group_id, org_id, profile_id, refusals, thing_id

TABLES: tuple[Table, ...] = (THING, THING_STATE, THING_LIFECYCLE, THING_TAG, THING_ATTRIBUTE, GROUP_THING, EVENT)
FIELDS = """
things {
  id name type externalId lifecycle connected lastSeenAt metadata version tags
  attributes { scope name value } lifecycleHistory { lifecycle reason } state { reported desired delta version }
  organization { name } homeGroup { name } groups { nodes { name } } profile { name }
}
keys { key thing { name } }
results { index }
"""
SHORT = "things { name } keys { key } results { index thing { name } userErrors { code path } }"
CREATE = "mutation Create($input: CreateThingsInput!) { createThings(input: $input) { userErrors { code path } } }"


def new(cast: Cast, *things: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"organizationId": org_id(cast.acme), "things": [{"type": "SENSOR", **thing} for thing in things], **more}


def wide(length: int) -> str:
    """Characters of four bytes each that no database can compress."""
    return "".join(map(chr, random.Random(7).choices(range(0x20000, 0x2A6D0), k=length)))


async def stored(cast: Cast) -> list[int]:
    return [await cast.count(table) for table in TABLES]


async def test_things_come_with_all_their_parts(cast: Cast) -> None:
    full = {
        "name": " Valve ",
        "type": "ACTUATOR",
        "externalId": " v-1 ",
        "homeGroupId": group_id(cast.group),
        "profileId": profile_id(cast.profile),
        "metadata": {"floor": 2, "none": None},
        "tags": ["wet", "cold", "wet"],
        "attributes": [
            {"name": "sizes", "value": [1, 2.5]},
            {"name": "colours", "value": ["red"]},
            {"scope": "SYSTEM", "name": "sizes", "value": "large"},
            {"name": "absent", "value": None},
        ],
    }
    made = await cast.change("editor", "createThings", new(cast, full, {"name": "Probe"}), FIELDS)
    valve, probe = made["things"]
    keys = [thing.pop("id") for thing in (valve, probe)]
    nothing = {"reported": {}, "desired": {}, "delta": {}, "version": 0}
    begun = {"lifecycle": "NEW", "connected": False, "lastSeenAt": None, "version": 1, "state": nothing}
    begun |= {"lifecycleHistory": [{"lifecycle": "NEW", "reason": ""}], "organization": {"name": "Acme"}}
    assert valve == begun | {
        "name": "Valve",
        "type": "ACTUATOR",
        "externalId": "v-1",
        "metadata": {"floor": 2, "none": None},
        "tags": ["cold", "wet"],
        "attributes": [
            {"scope": "INVENTORY", "name": "colours", "value": ["red"]},
            {"scope": "INVENTORY", "name": "sizes", "value": [1, 2.5]},
            {"scope": "SYSTEM", "name": "sizes", "value": "large"},
        ],
        "homeGroup": {"name": "Hall"},
        "groups": {"nodes": [{"name": "Hall"}]},
        "profile": {"name": "Standard"},
    }
    assert probe == begun | {
        "name": "Probe",
        "type": "SENSOR",
        "externalId": None,
        "metadata": {},
        "tags": [],
        "attributes": [],
        "homeGroup": None,
        "groups": {"nodes": []},
        "profile": None,
    }
    assert made["results"] is None
    first, second = (split_id(key)[1] for key in keys)  # type: ignore[index]
    assert await events(cast) == [("THING_CREATED", first), ("THING_CREATED", second)]
    assert await cast.value(GROUP_THING.c.is_home, GROUP_THING.c.thing_id == first) is True
    assert [each["thing"]["name"] for each in made["keys"]] == ["Valve", "Probe"]
    secrets = [each["key"] for each in made["keys"]]
    assert len(set(secrets)) == 2
    assert [await can_sign_in(cast, secret) for secret in secrets] == [True, True]
    assert await cast.value(THING.c.key_digest, THING.c.id == first) == digest(secrets[0])


async def test_whoever_may_not_creates_nothing(cast: Cast) -> None:
    before = await stored(cast)
    await cast.refused("createThings", new(cast, {"name": "New"}), refusals(viewer="FORBIDDEN"))
    await cast.refused("createThings", new(cast, {"name": "New"}, mode="PARTIAL"), {"anonymous": "UNAUTHENTICATED"})
    payload = await cast.gateway.mutate(
        "createThings", new(cast, {"name": "New"}, mode="PARTIAL"), select=SHORT, token=await cast.token("viewer")
    )
    assert payload["things"] == payload["keys"] == []
    assert payload["results"][0]["userErrors"][0]["code"] == "FORBIDDEN"
    assert await stored(cast) == before


async def test_one_bad_thing_creates_none_and_is_named(cast: Cast) -> None:
    before = await stored(cast)
    for bad, code, path in (
        ({"name": " "}, "INVALID_INPUT", ["name"]),
        ({"name": "x" * 1025}, "INVALID_INPUT", ["name"]),
        ({"externalId": ""}, "INVALID_INPUT", ["externalId"]),
        ({"externalId": "x" * 255}, "INVALID_INPUT", ["externalId"]),
        ({"metadata": "text"}, "INVALID_INPUT", ["metadata"]),
        ({"metadata": False}, "INVALID_INPUT", ["metadata"]),
        ({"metadata": []}, "INVALID_INPUT", ["metadata"]),
        ({"metadata": {"a": 2**53 + 1}}, "INVALID_INPUT", ["metadata"]),
        ({"tags": [str(number) for number in range(101)]}, "INVALID_INPUT", ["tags"]),
        ({"tags": ["fine", " "]}, "INVALID_INPUT", ["tags", "1"]),
        ({"attributes": [{"name": str(n), "value": n} for n in range(201)]}, "INVALID_INPUT", ["attributes"]),
        ({"attributes": [{"name": "a", "value": 1}, {"name": "a ", "value": 2}]}, "INVALID_INPUT", ["attributes"]),
        ({"attributes": [{"name": "", "value": 1}]}, "INVALID_INPUT", ["attributes", "0", "name"]),
        ({"homeGroupId": group_id(new_id())}, "NOT_FOUND", ["homeGroupId"]),
        ({"homeGroupId": profile_id(cast.profile)}, "INVALID_INPUT", ["homeGroupId"]),
        ({"profileId": profile_id(new_id())}, "NOT_FOUND", ["profileId"]),
        ({"profileId": thing_id(cast.thing)}, "INVALID_INPUT", ["profileId"]),
    ):
        given = new(cast, {"name": "Good", "homeGroupId": group_id(cast.group)}, {"name": "Bad", **bad})
        assert await cast.error("editor", "createThings", given) == (code, ["things", "1", *path]), bad
    assert await stored(cast) == before


async def test_an_attribute_is_a_text_a_number_or_a_list_of_one_of_them(cast: Cast) -> None:
    path = ["things", "0", "attributes", "0", "value"]
    for value in (True, {"a": 1}, ["a", 1], [[1]], [None], 2**53 + 1, 1e300, "x" * 1025, [1] * 101):
        given = new(cast, {"name": "New", "attributes": [{"name": "a", "value": value}]})
        assert await cast.error("editor", "createThings", given) == ("INVALID_INPUT", path), value
    assert await cast.count(THING) == 1


async def test_null_character_reaches_no_database(cast: Cast) -> None:
    before = await stored(cast)
    for bad in (
        {"name": "a\0"},
        {"metadata": {"a\0": 1}},
        {"tags": ["\0"]},
        {"attributes": [{"name": "a", "value": "\0"}]},
    ):
        given = new(cast, {"name": "New", **bad})
        assert await cast.refusal("editor", "createThings", given) == "BAD_USER_INPUT"
    assert await stored(cast) == before


async def test_organization_and_places_must_be_the_callers(cast: Cast) -> None:
    before = await stored(cast)
    here, place = {"name": "New"}, {"name": "New", "homeGroupId": group_id(cast.group)}
    for owner, thing, error in (
        (org_id(cast.other), here, ("NOT_FOUND", ["organizationId"])),
        (org_id(new_id()), here, ("NOT_FOUND", ["organizationId"])),
        (group_id(cast.group), here, ("INVALID_INPUT", ["organizationId"])),
        (org_id(cast.north), place, ("NOT_FOUND", ["things", "0", "homeGroupId"])),
    ):
        given = {**new(cast, thing), "organizationId": owner}
        assert await cast.error("editor", "createThings", given) == error
    foreign = {**new(cast, place), "organizationId": org_id(cast.other)}
    assert await cast.error("outsider", "createThings", foreign) == ("NOT_FOUND", ["things", "0", "homeGroupId"])
    assert await stored(cast) == before


async def test_external_ids_are_unique_in_the_organization(cast: Cast) -> None:
    await cast.change("editor", "createThings", new(cast, {"name": "A", "externalId": "x"}))
    twice = new(cast, {"name": "B", "externalId": "y"}, {"name": "C", "externalId": " y"})
    assert await cast.error("editor", "createThings", twice) == ("CONFLICT", ["things", "1", "externalId"])
    taken = new(cast, {"name": "B"}, {"name": "C", "externalId": "x"})
    assert await cast.error("editor", "createThings", taken) == ("CONFLICT", ["things", "1", "externalId"])
    assert await cast.count(THING) == 2
    elsewhere = {**new(cast, {"name": "A", "externalId": "x"}), "organizationId": org_id(cast.north)}
    await cast.change("editor", "createThings", elsewhere)
    assert await cast.count(THING, THING.c.external_id == "x") == 2


async def test_of_many_that_want_one_external_id_one_is_created(cast: Cast) -> None:
    variables = {"input": new(cast, {"name": "A", "externalId": "x"})}
    token = await cast.token("editor")
    answers = await asyncio.gather(*(cast.gateway.graphql(CREATE, variables, token=token) for _ in range(5)))
    codes = [[each["code"] for each in answer.data["createThings"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[], *[["CONFLICT"]] * 4]
    assert await cast.count(THING, THING.c.external_id == "x") == 1
    assert await cast.count(EVENT) == 1


async def test_limit_of_the_organization(cast: Cast) -> None:
    await limit_things(cast, cast.acme, 2)
    before = await stored(cast)
    both = new(cast, {"name": "A"}, {"name": "B"})
    assert await cast.error("editor", "createThings", both) == ("LIMIT_REACHED", ["things"])
    assert await stored(cast) == before
    made = await cast.change("editor", "createThings", {**both, "mode": "PARTIAL"}, SHORT)
    assert made["things"] == [{"name": "A"}]
    assert made["results"][1]["userErrors"] == [{"code": "LIMIT_REACHED", "path": ["things", "1"]}]
    assert await cast.count(THING) == 2


async def test_last_place_is_given_once(cast: Cast) -> None:
    await limit_things(cast, cast.acme, 2)
    token = await cast.token("editor")
    variables = {"input": new(cast, {"name": "A"})}
    answers = await asyncio.gather(*(cast.gateway.graphql(CREATE, variables, token=token) for _ in range(5)))
    codes = [[each["code"] for each in answer.data["createThings"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[], *[["LIMIT_REACHED"]] * 4]
    assert await cast.count(THING, THING.c.organization_id == cast.acme) == 2


async def test_each_for_itself_the_failing_ones_alone_are_undone(cast: Cast) -> None:
    home = {"homeGroupId": group_id(cast.group), "tags": ["t"]}
    given = new(
        cast,
        {"name": "A", "externalId": "x", **home},
        {"name": "B", "externalId": "x", **home},
        {"name": "C", **home, "attributes": [{"name": "ok", "value": 1}, {"name": "bad", "value": True}]},
        {"name": "D", "homeGroupId": "nonsense"},
        {"name": "E", **home},
        mode="PARTIAL",
    )
    made = await cast.change("editor", "createThings", given, "things { id name } " + SHORT)
    assert [each["name"] for each in made["things"]] == ["A", "E"]
    assert [each["index"] for each in made["results"]] == [0, 1, 2, 3, 4]
    assert [each["thing"] and each["thing"]["name"] for each in made["results"]] == ["A", None, None, None, "E"]
    assert [each["userErrors"] for each in made["results"]] == [
        [],
        [{"code": "CONFLICT", "path": ["things", "1", "externalId"]}],
        [{"code": "INVALID_INPUT", "path": ["things", "2", "attributes", "1", "value"]}],
        [{"code": "INVALID_INPUT", "path": ["things", "3", "homeGroupId"]}],
        [],
    ]
    assert [thing_id(subject) for _, subject in await events(cast)] == [each["id"] for each in made["things"]]
    assert await stored(cast) == [3, 3, 2, 2, 0, 3, 2]
    assert [await can_sign_in(cast, each["key"]) for each in made["keys"]] == [True, True]


async def test_from_1_to_500_at_once(cast: Cast) -> None:
    for mode in ("ALL", "PARTIAL"):
        for number in (0, 501):
            given = new(cast, *({"name": "N"} for _ in range(number)), mode=mode)
            assert await cast.error("editor", "createThings", given) == ("INVALID_INPUT", ["things"])
    assert await cast.count(THING) == 1
    made = await cast.change("editor", "createThings", new(cast, *({"name": str(n)} for n in range(500))), SHORT)
    assert [thing["name"] for thing in made["things"]] == [str(n) for n in range(500)]
    assert len({each["key"] for each in made["keys"]}) == 500
    assert [await cast.count(table) for table in (THING, THING_STATE, EVENT)] == [501, 501, 500]


async def test_longest_values_of_any_script_are_held(cast: Cast) -> None:
    attribute = {"name": wide(254), "value": wide(384)}
    thing = {"name": wide(640), "externalId": wide(254), "tags": [wide(254)], "attributes": [attribute]}
    fields = "things { name externalId tags attributes { name value } }"
    made = await cast.change("editor", "createThings", new(cast, thing), fields)
    assert made["things"] == [thing]
    longer = new(cast, {"name": wide(641)})
    assert await cast.error("editor", "createThings", longer) == ("INVALID_INPUT", ["things", "0", "name"])
    longer = new(cast, {"name": "New", "attributes": [{"name": "a", "value": wide(385)}]})
    path = ["things", "0", "attributes", "0", "value"]
    assert await cast.error("editor", "createThings", longer) == ("INVALID_INPUT", path)
