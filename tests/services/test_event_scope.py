"""Which events are in a scope: trees, what has left them, updates by their things, and filters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engine.errors import BadUserInput
from engine.ids import global_id
from models.enums import EventKind, Role
from models.tables import OTA_JOB
from resolvers.streams import STREAMS, FilteredThings, request
from schema.event_scope import EventScopeInput
from schema.thing_filter import ThingFilter
from services.access import Access
from services.events import START, EventScope, Position, match_events, read_events
from tests.cast import Cast, group_id, org_id, thing_id
from tests.ota import deploy, execution_of, start_job, upload
from tests.rows import key

ALL = Access(None, is_platform_admin=True)
END = Position(2**62, 2**62)
Told = list[tuple[str, UUID]]
THINGS = tuple(kind for kind in EventKind if kind.value.startswith("THING_"))
JOB, CAMPAIGN, EXECUTION = (f"{name}_CHANGED" for name in ("OTA_JOB", "DEPLOYMENT", "OTA_EXECUTION"))


async def told(cast: Cast, **scope: Any) -> Told:
    """Kind and subject of the events in a scope, oldest first."""
    asked = EventScope(**{"kinds": tuple(EventKind), **scope})
    look = await read_events(cast.store, ALL, asked, START, END)
    everything = (await read_events(cast.store, ALL, EventScope(tuple(EventKind)), START, END)).events
    assert await match_events(cast.store, asked, everything) == list(look.events)
    return [(each.kind.value, each.subject_id) for each in look.events]


def matching(**conditions: Any) -> FilteredThings:
    return FilteredThings.of(ThingFilter(**conditions))


async def add_group(cast: Cast, name: str, parent: UUID | None) -> UUID:
    given = {"organizationId": org_id(cast.acme), "name": name, "parentId": parent and group_id(parent)}
    return key((await cast.change("editor", "createGroup", given, "group { id }"))["group"]["id"])


async def test_those_who_watch_a_group_learn_that_a_thing_has_left_it(cast: Cast) -> None:
    floor = await add_group(cast, "Floor", cast.group)
    room = await add_group(cast, "Room", floor)
    yard = await add_group(cast, "Yard", None)
    home, guest, gone, last = await cast.add_things(4)
    at_home = {"ids": [thing_id(home), thing_id(last)], "homeGroupId": group_id(room)}
    await cast.change("editor", "moveThings", at_home)
    guests = {"groupId": group_id(floor), "thingIds": [thing_id(guest), thing_id(gone)]}
    await cast.change("editor", "addThingsToGroup", guests)
    before = await told(cast, group_id=cast.group)
    assert [each for each, _ in before] == ["THING_MOVED"] * 2 + ["THING_UPDATED"] * 2
    await cast.change("editor", "moveThings", {"ids": [thing_id(home)], "homeGroupId": group_id(yard)})
    await cast.change("editor", "removeThingsFromGroup", {**guests, "thingIds": [thing_id(guest)]})
    await cast.change("admin", "deleteThings", {"ids": [thing_id(gone)]})
    left = [("THING_MOVED", home), ("THING_UPDATED", guest), ("THING_DELETED", gone)]
    for group in (cast.group, floor):
        assert (await told(cast, group_id=group))[-3:] == left
    assert (await told(cast, group_id=room))[-1] == left[0]
    # A deleted group is no part of the tree any more; what was in it and above it is told of all the same.
    await cast.change("admin", "deleteGroup", {"id": group_id(floor)})
    for group in (cast.group, floor, room):
        assert (await told(cast, group_id=group))[-1] == ("THING_MOVED", last), group
    assert ("THING_MOVED", last) not in (await told(cast, group_id=yard))


async def test_those_who_watch_an_organization_learn_of_both_ends_of_a_move(cast: Cast) -> None:
    moved, stays = await cast.add_things(2)
    given = {"ids": [thing_id(moved)], "organizationId": org_id(cast.other)}
    await cast.change("platform", "moveThings", given)
    await cast.change("platform", "changeThingLifecycle", {"ids": [thing_id(stays)], "lifecycle": "INSTALLED"})
    await cast.change("platform", "changeThingLifecycle", {"ids": [thing_id(moved)], "lifecycle": "INSTALLED"})
    step = "THING_LIFECYCLE_CHANGED"
    assert await told(cast, organization_id=cast.acme) == [("THING_MOVED", moved), (step, stays)]
    assert await told(cast, organization_id=cast.other) == [("THING_MOVED", moved), (step, moved)]
    assert await told(cast, organization_id=cast.north) == []


async def test_those_above_learn_of_the_end_of_an_organization(cast: Cast) -> None:
    (thing,) = await cast.add_things(1, organization=cast.north)
    await cast.add_person("northerner", cast.north, Role.VIEWER)
    await cast.change("owner", "deleteOrganization", {"id": org_id(cast.north), "cascade": True})
    for organization in (cast.acme, cast.north):
        found = await told(cast, organization_id=organization)
        assert [each for each, _ in found] == ["THING_DELETED", "MEMBERSHIP_CHANGED"], organization
        assert found[0][1] == thing
    assert await told(cast, organization_id=cast.other) == []


async def test_updates_are_in_the_scope_of_their_things(cast: Cast) -> None:
    other, unlike = await cast.add_things(2)
    artifact, release = await upload(cast)
    campaign = key(await deploy(cast, releaseId=release))
    job = key(await start_job(cast, artifactId=artifact, target={"thingIds": [thing_id(other)]}))
    execution = key(await execution_of(cast, cast.thing, global_id("deployment", campaign)))
    own = await cast.value(OTA_JOB.c.id, OTA_JOB.c.deployment_id == campaign)
    shared = [(JOB, own), (CAMPAIGN, campaign)]
    assert await told(cast, thing_ids=(cast.thing,)) == [(EXECUTION, execution), *shared]
    assert await told(cast, group_id=cast.group) == [(EXECUTION, execution), *shared]
    assert await told(cast, things=matching(ids=[thing_id(cast.thing)])) == [(EXECUTION, execution), *shared]
    found = await told(cast, thing_ids=(other, unlike), kinds=(EventKind.OTA_JOB_CHANGED,))
    assert found == [(JOB, own), (JOB, job)]
    # One and the same thing has to meet all parts.
    assert await told(cast, group_id=cast.group, thing_ids=(other,)) == []
    assert await told(cast, subject_ids=(campaign,)) == [(CAMPAIGN, campaign)]
    assert await told(cast, subject_ids=(job,), thing_ids=(cast.thing,)) == []
    assert len(await told(cast, organization_id=cast.acme)) == 3 + 1 + 2 + 1


async def test_a_filter_asks_for_things_as_they_are_now(cast: Cast) -> None:
    (other,) = await cast.add_things(1)
    named = [{"id": thing_id(cast.thing), "name": "warm"}, {"id": thing_id(other), "name": "cold"}]
    await cast.change("editor", "updateThings", {"things": named})
    updated = [("THING_UPDATED", cast.thing), ("THING_UPDATED", other)]
    assert await told(cast, things=matching(search="old")) == updated[1:]
    assert await told(cast, things=matching()) == updated
    await cast.change("editor", "updateThings", {"things": [{"id": thing_id(other), "name": "warm"}]})
    assert await told(cast, things=matching(search="warm")) == [*updated, updated[1]]
    await cast.change("admin", "deleteThings", {"ids": [thing_id(other)]})
    assert await told(cast, things=matching(search="warm")) == updated[:1]


async def test_members_are_in_the_scope_of_organizations_alone(cast: Cast) -> None:
    members = [{"email": "loner@example.com", "role": "VIEWER"}]
    await cast.change("owner", "addMembers", {"organizationId": org_id(cast.acme), "members": members})
    assert len(await told(cast, organization_id=cast.acme)) == 1
    for scope in ({"group_id": cast.group}, {"thing_ids": (cast.thing,)}, {"things": matching()}):
        assert await told(cast, **scope) == []


def test_equal_filters_are_equal_scopes() -> None:
    stream = STREAMS["events"]
    scopes = [
        request(stream, {"scope": EventScopeInput(filter=ThingFilter(search=text, connected=True))})[0]
        for text in ("a", "a", "b")
    ]
    assert scopes[0] == scopes[1] != scopes[2]
    assert len(set(scopes)) == 2
    plain, twice = (request(stream, {"kinds": list(kinds)})[0] for kinds in (THINGS, (*reversed(THINGS), *THINGS)))
    assert plain == twice == EventScope(THINGS)


ONE, MANY = "0" * 32, [f"thing_{number:032x}" for number in range(101)]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("events", {"kinds": []}),
        ("events", {"scope": EventScopeInput(thing_ids=[])}),
        ("events", {"scope": EventScopeInput(thing_ids=MANY)}),  # type: ignore[arg-type]
        ("events", {"scope": EventScopeInput(organization_id=f"group_{ONE}")}),  # type: ignore[arg-type]
        ("events", {"scope": EventScopeInput(filter=ThingFilter(search="a" * 1025))}),
        ("deploymentProgress", {"deployment_ids": [f"otajob_{ONE}"]}),
        ("deploymentProgress", {"deployment_ids": []}),
        ("otaJobProgress", {"ota_job_ids": [f"deployment_{ONE}"]}),
    ],
)
def test_what_cannot_be_asked_for_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadUserInput):
        request(STREAMS[name], arguments)
