from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from models.enums import Role
from models.ids import new_id
from models.tables import EVENT, GROUP_THING, OTA_EXECUTION, OTA_JOB, THING
from tests.api.mutations.thing_facts import events, limit_things, seen
from tests.cast import THING_KEY, Cast, group_id, org_id, profile_id, refusals, thing_id
from tests.rows import add_campaign, add_groups, key, put_into_group

PLACE = "organization { name } homeGroup { id } groups { nodes { id } } profile { name } version"
SHORT = "things { id } results { index thing { id } userErrors { code path } }"
AT_HOME: dict[str, Any] = {"organization": {"name": "Acme"}, "profile": {"name": "Standard"}}


def move(things: Iterable[UUID], **more: Any) -> dict[str, Any]:
    return {"ids": [thing_id(each) for each in things], **more}


def place(home: str | None, groups: Iterable[str], version: int, **more: Any) -> dict[str, Any]:
    nodes = [{"id": each} for each in sorted(groups)]
    return AT_HOME | {"homeGroup": home and {"id": home}, "groups": {"nodes": nodes}, "version": version} | more


async def homes(cast: Cast, thing: UUID) -> dict[str, bool]:
    """The groups that a thing is in, and whether each is its home."""
    columns = (GROUP_THING.c.group_id, GROUP_THING.c.is_home)
    rows = await cast.rows(select(*columns).where(GROUP_THING.c.thing_id == thing))
    return {group_id(row.group_id): row.is_home for row in rows}


async def test_things_get_another_home_or_none(cast: Cast) -> None:
    hall = group_id(cast.group)
    yard, shed = await add_groups(cast.store, org_id(cast.acme), 2)
    await put_into_group(cast.store, shed, [thing_id(cast.thing)])
    payload = await cast.change("editor", "moveThings", move([cast.thing], homeGroupId=yard), f"things {{ {PLACE} }}")
    assert payload["things"] == [place(yard, [yard, shed], 2)]
    assert await homes(cast, cast.thing) == {yard: True, shed: False}
    await cast.change("editor", "moveThings", move([cast.thing], homeGroupId=shed))
    assert await homes(cast, cast.thing) == {shed: True}
    await cast.change("editor", "moveThings", move([cast.thing], homeGroupId=shed))
    assert await homes(cast, cast.thing) == {shed: True}
    await put_into_group(cast.store, hall, [thing_id(cast.thing)])
    await cast.change("editor", "moveThings", move([cast.thing]))
    assert await seen(cast, cast.thing, PLACE) == place(None, [hall], 5)
    await cast.change("editor", "moveThings", move([cast.thing], homeGroupId=hall, organizationId=org_id(cast.acme)))
    assert await seen(cast, cast.thing, PLACE) == place(hall, [hall], 6)
    assert await events(cast) == [("THING_MOVED", cast.thing)] * 5
    told = [each.group_id for each in await cast.rows(select(EVENT.c.group_id).order_by(EVENT.c.sequence))]
    assert told == [key(yard), key(shed), key(shed), None, cast.group]


async def test_another_organization_means_leaving_groups_profile_and_updates(cast: Cast) -> None:
    (cellar,) = await add_groups(cast.store, org_id(cast.north), 1)
    (yard,) = await add_groups(cast.store, org_id(cast.acme), 1)
    await put_into_group(cast.store, yard, [thing_id(cast.thing)])
    await add_campaign(cast.store, org_id(cast.acme), [thing_id(cast.thing)])
    await cast.change("editor", "updateThings", {"things": [{"id": thing_id(cast.thing), "tags": ["t"]}]})
    given = move([cast.thing], organizationId=org_id(cast.north), homeGroupId=cellar)
    payload = await cast.change("editor", "moveThings", given, f"things {{ {PLACE} tags }}")
    north = {"organization": {"name": "Acme North"}, "profile": None}
    assert payload["things"] == [place(cellar, [cellar], 3, tags=["t"], **north)]
    assert await homes(cast, cast.thing) == {cellar: True}
    assert (await cast.value(OTA_EXECUTION.c.status)).value == "DECOMMISSIONED"
    counts = await cast.rows(select(OTA_JOB.c.pending_count, OTA_JOB.c.decommissioned_count))
    assert [tuple(row) for row in counts] == [(0, 1)]
    moved = [row for row in await cast.rows(select(EVENT)) if row.kind == "THING_MOVED"]
    assert [(row.subject_id, row.organization_id, row.group_id) for row in moved] == [
        (cast.thing, cast.north, key(cellar))
    ]
    own = await cast.gateway.data("{ viewer { thing { organization { name } } } }", token=f"Thing {THING_KEY}")
    assert own["viewer"]["thing"]["organization"] == {"name": "Acme North"}


async def test_group_alone_does_not_take_things_across(cast: Cast) -> None:
    (cellar,) = await add_groups(cast.store, org_id(cast.north), 1)
    here = place(group_id(cast.group), [group_id(cast.group)], 1)
    for given, error in (
        ({"homeGroupId": cellar}, ("INVALID_INPUT", ["ids", "0"])),
        ({"homeGroupId": cellar, "organizationId": org_id(cast.acme)}, ("INVALID_INPUT", ["homeGroupId"])),
    ):
        assert await cast.error("editor", "moveThings", move([cast.thing], **given)) == error
    assert await seen(cast, cast.thing, PLACE) == here
    assert await events(cast) == []


async def test_permission_is_needed_at_both_ends(cast: Cast) -> None:
    (foreign,) = await add_groups(cast.store, org_id(cast.other), 1)
    here = place(group_id(cast.group), [group_id(cast.group)], 1)
    for given, path in (
        ({"organizationId": org_id(cast.other)}, ["organizationId"]),
        ({"homeGroupId": foreign}, ["homeGroupId"]),
        ({"homeGroupId": foreign, "organizationId": org_id(cast.other)}, ["homeGroupId"]),
        ({"organizationId": org_id(new_id())}, ["organizationId"]),
    ):
        assert await cast.error("owner", "moveThings", move([cast.thing], **given)) == ("NOT_FOUND", path)
    steal = move([cast.thing], organizationId=org_id(cast.other))
    assert await cast.error("outsider", "moveThings", steal) == ("NOT_FOUND", ["ids", "0"])
    await cast.add_person("northerner", cast.north, Role.EDITOR)
    await cast.add_person("reader", cast.acme, Role.VIEWER)
    for caller, code in (("northerner", "NOT_FOUND"), ("reader", "FORBIDDEN")):
        assert await cast.refusal(caller, "moveThings", move([cast.thing], organizationId=org_id(cast.north))) == code
    (below,) = await cast.add_things(1, organization=cast.north)
    up = move([below], organizationId=org_id(cast.acme))
    assert await cast.error("northerner", "moveThings", up) == ("NOT_FOUND", ["organizationId"])
    assert await seen(cast, cast.thing, PLACE) == here
    assert await seen(cast, below, "organization { name }") == {"organization": {"name": "Acme North"}}
    assert await events(cast) == []


async def test_whoever_sees_the_goal_but_may_not_write_there_moves_nothing(cast: Cast) -> None:
    await cast.add_person("both", cast.acme, Role.VIEWER)
    (below,) = await cast.add_things(1, organization=cast.north)
    joined = {"organizationId": org_id(cast.north), "members": [{"email": "both@example.com", "role": "EDITOR"}]}
    answer = await cast.change("owner", "addMembers", joined, "memberships { id }")
    (joining,) = answer["memberships"]
    up = move([below], organizationId=org_id(cast.acme))
    assert (await cast.error("both", "moveThings", up))[0] == "FORBIDDEN"
    assert (await cast.error("both", "moveThings", move([below], homeGroupId=group_id(cast.group))))[0] == "FORBIDDEN"
    assert await cast.value(THING.c.organization_id, THING.c.id == below) == cast.north
    assert await events(cast) == [("MEMBERSHIP_CHANGED", key(joining["id"]))]


async def test_whoever_may_not_moves_nothing(cast: Cast) -> None:
    await cast.refused("moveThings", move([cast.thing]), refusals(viewer="FORBIDDEN"))
    payload = await cast.gateway.mutate(
        "moveThings", move([cast.thing], mode="PARTIAL"), select=SHORT, token=await cast.token("viewer")
    )
    assert payload["things"] == []
    assert [each["code"] for each in payload["results"][0]["userErrors"]] == ["FORBIDDEN"]
    assert await homes(cast, cast.thing) == {group_id(cast.group): True}
    assert await events(cast) == []


async def test_one_that_cannot_move_keeps_all_where_they_are(cast: Cast) -> None:
    (yard,) = await add_groups(cast.store, org_id(cast.acme), 1)
    (foreign,) = await cast.add_things(1, organization=cast.other)
    good = thing_id(cast.thing)
    for ids, code, path in (
        ([good, thing_id(foreign)], "NOT_FOUND", ["ids", "1"]),
        ([good, thing_id(new_id())], "NOT_FOUND", ["ids", "1"]),
        ([good, yard], "INVALID_INPUT", ["ids", "1"]),
        ([good, good], "INVALID_INPUT", ["ids"]),
        ([], "INVALID_INPUT", ["ids"]),
        ([thing_id(new_id()) for _ in range(501)], "INVALID_INPUT", ["ids"]),
    ):
        assert await cast.error("editor", "moveThings", {"ids": ids, "homeGroupId": yard}) == (code, path)
    for given, path in (
        ({"homeGroupId": profile_id(cast.profile)}, ["homeGroupId"]),
        ({"organizationId": yard}, ["organizationId"]),
    ):
        assert await cast.error("editor", "moveThings", move([cast.thing], **given)) == ("INVALID_INPUT", path)
    assert await homes(cast, cast.thing) == {group_id(cast.group): True}
    assert await events(cast) == []


async def test_external_ids_and_limit_of_the_new_organization(cast: Cast) -> None:
    first, second = await cast.add_things(2)
    (below,) = await cast.add_things(1, organization=cast.north)
    async with cast.store.write() as session:
        await session.execute(update(THING).where(THING.c.id.in_([first, below])).values(external_id="x"))
    north = {"organizationId": org_id(cast.north)}
    assert await cast.error("editor", "moveThings", move([second, first], **north)) == ("CONFLICT", ["ids", "1"])
    await limit_things(cast, cast.north, 2)
    assert await cast.error("editor", "moveThings", move([second, cast.thing], **north)) == ("LIMIT_REACHED", ["ids"])
    assert await cast.count(THING, THING.c.organization_id == cast.north) == 1
    assert await events(cast) == []
    payload = await cast.change(
        "editor", "moveThings", move([first, second, cast.thing], **north, mode="PARTIAL"), SHORT
    )
    assert payload["things"] == [{"id": thing_id(second)}]
    assert [each["userErrors"] for each in payload["results"]] == [
        [{"code": "CONFLICT", "path": ["ids", "0"]}],
        [],
        [{"code": "LIMIT_REACHED", "path": ["ids", "2"]}],
    ]
    assert await homes(cast, cast.thing) == {group_id(cast.group): True}
    assert await events(cast) == [("THING_MOVED", second)]
    await cast.change("editor", "moveThings", move([second, below], **north))


async def test_one_external_id_from_two_organizations_cannot_meet(cast: Cast) -> None:
    (first,) = await cast.add_things(1)
    (second,) = await cast.add_things(1, organization=cast.other)
    async with cast.store.write() as session:
        await session.execute(update(THING).where(THING.c.id.in_([first, second])).values(external_id="x"))
    given = move([first, second], organizationId=org_id(cast.north))
    assert await cast.error("platform", "moveThings", given) == ("CONFLICT", ["ids", "1"])
    assert await cast.count(THING, THING.c.organization_id == cast.north) == 0
