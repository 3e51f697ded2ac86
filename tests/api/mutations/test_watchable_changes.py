"""Every mutation that changes what somebody can watch leaves its events, and no other does: one story for each noun."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Table, select, update

from engine.ids import global_id
from gateway import PARTS
from models.columns import now
from models.tables import DEPLOYMENT, EVENT, MEMBERSHIP, OTA_EXECUTION, OTA_JOB
from resolvers.fleet_schema import build_schema
from services import beginnings
from services.job_starts import JobStarts
from tests.cast import Cast, group_id, org_id, thing_id, user_id
from tests.key_pairs import Device, add_tenant, pem_of
from tests.ota import deploy, execution_of, start_job, upload

CREATED, UPDATED, MOVED = "THING_CREATED", "THING_UPDATED", "THING_MOVED"
DELETED, LIFECYCLE, STATE = "THING_DELETED", "THING_LIFECYCLE_CHANGED", "THING_STATE_CHANGED"
ONLINE, MEMBER = "THING_CONNECTIVITY_CHANGED", "MEMBERSHIP_CHANGED"
EXECUTION, JOB, CAMPAIGN = "OTA_EXECUTION_CHANGED", "OTA_JOB_CHANGED", "DEPLOYMENT_CHANGED"

STORIES: Final = {
    "things": {
        "createThings",
        "updateThings",
        "moveThings",
        "changeThingLifecycle",
        "replaceThingKey",
        "reportThingState",
        "reportThingStates",
        "setDesiredThingState",
        "deleteThings",
    },
    "sign-ins": {
        "preauthorizeThing",
        "acceptAuthSet",
        "rejectAuthSet",
        "deleteAuthSet",
        "revokeThingTokens",
        "decommissionThings",
    },
    "groups": {"addThingsToGroup", "removeThingsFromGroup", "deleteGroup"},
    "people": {"addMembers", "updateMembers", "removeMembers", "leaveOrganization", "deleteUser"},
    "organizations": {"createOrganization", "moveOrganization", "deleteOrganization"},
    "updates": {
        "createDeployment",
        "updateDeployment",
        "retryDeployment",
        "pauseDeployment",
        "resumeDeployment",
        "abortDeployment",
        "archiveDeployment",
        "unarchiveDeployment",
        "deleteDeployment",
        "removeThingFromDeployments",
        "createOtaJob",
        "updateOtaJob",
        "retryOtaJob",
        "pauseOtaJob",
        "resumeOtaJob",
        "cancelOtaJob",
        "archiveOtaJob",
        "unarchiveOtaJob",
        "deleteOtaJob",
        "reportOtaExecution",
    },
    "consent": {"approveOtaExecution", "rejectOtaExecution", "myNextUpdate", "appendUpdateLog"},
}
SILENT: Final = {
    "login",
    "refreshSession",
    "logout",
    "createUser",
    "updateUser",
    "changePassword",
    "disableUser",
    "enableUser",
    "updateOrganization",
    "setOrganizationLimits",
    "createTenantToken",
    "deleteTenantToken",
    "createGroup",
    "updateGroup",
    "moveGroup",
    "createProfile",
    "updateProfile",
    "deleteProfile",
    "updateRelease",
    "deleteRelease",
    "createArtifact",
    "renewArtifactUpload",
    "updateArtifact",
    "deleteArtifact",
    "confirmArtifactUpload",
    "archiveArtifact",
    "unarchiveArtifact",
    "createAttachment",
    "renewAttachmentUpload",
    "updateAttachment",
    "deleteAttachment",
    "generateArtifact",
    "createSigningKey",
    "signArtifact",
}
"""Mutations of what has no events of its own: accounts, the fields of organizations and groups, profiles, releases."""


class Story:
    """Mutations one after the other, and the kinds of the events that each has left."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.told: set[str] = set()
        self._behind = 0

    async def new(self) -> dict[str, int]:
        """How many events of each kind are new."""
        rows = await self.cast.rows(
            select(EVENT.c.sequence, EVENT.c.kind).where(EVENT.c.sequence > self._behind).order_by(EVENT.c.sequence)
        )
        self._behind = rows[-1].sequence if rows else self._behind
        return dict(Counter(row.kind.value for row in rows))

    async def step(
        self, name: str, given: dict[str, Any], expected: dict[str, int], *, caller: str = "platform"
    ) -> None:
        """Run a mutation, and look at what it has left."""
        await self.cast.change(caller, name, given)
        assert await self.new() == expected, name
        self.told.add(name)


def test_every_mutation_is_in_a_story_or_silent() -> None:
    mutation = build_schema()._schema.mutation_type
    assert mutation is not None
    told = set().union(*STORIES.values())
    assert told | SILENT == set(mutation.fields)
    assert not told & SILENT


async def test_things(cast: Cast) -> None:
    story, acme, pump = Story(cast), org_id(cast.acme), thing_id(cast.thing)
    things = [{"name": "a", "type": "SENSOR"}, {"name": "b", "type": "SENSOR"}]
    await story.step("createThings", {"organizationId": acme, "things": things}, {CREATED: 2})
    await story.step("updateThings", {"things": [{"id": pump, "name": "Pump 2"}]}, {UPDATED: 1})
    await story.step("moveThings", {"ids": [pump]}, {MOVED: 1})
    await story.step("changeThingLifecycle", {"ids": [pump], "lifecycle": "INSTALLED"}, {LIFECYCLE: 1})
    await story.step("setDesiredThingState", {"thingId": pump, "desired": {"a": 1}}, {STATE: 1})
    await story.step("reportThingState", {"thingId": pump, "reported": {"a": 1}}, {STATE: 1, ONLINE: 1})
    reports = [{"thingId": pump, "reported": {"a": number}} for number in range(2)]
    await story.step("reportThingStates", {"reports": reports}, {STATE: 2})
    await story.step("replaceThingKey", {"id": pump}, {UPDATED: 1})
    await story.step("moveThings", {"ids": [pump], "organizationId": org_id(cast.other)}, {MOVED: 1})
    await story.step("deleteThings", {"ids": [pump]}, {DELETED: 1})
    assert story.told == STORIES["things"]


async def test_things_that_sign_in(cast: Cast) -> None:
    await add_tenant(cast)
    story, device, early = Story(cast), Device(cast, {"mac": "1"}), Device(cast, {"mac": "2"})
    given = {"organizationId": org_id(cast.acme), "identity": early.identity, "publicKey": pem_of(early.key)}
    await story.step("preauthorizeThing", given, {CREATED: 1})
    assert await device.is_refused()
    assert await story.new() == {CREATED: 1}
    decided = {"id": await device.auth_set()}
    await story.step("acceptAuthSet", decided, {UPDATED: 1})
    await story.step("acceptAuthSet", decided, {})
    await device.sign_in()
    assert await story.new() == {}
    await story.step("revokeThingTokens", {"thingId": await device.thing()}, {UPDATED: 1})
    await story.step("revokeThingTokens", {"thingId": await device.thing()}, {})
    await story.step("rejectAuthSet", decided, {UPDATED: 1})
    await story.step("deleteAuthSet", decided, {UPDATED: 1})
    await early.sign_in()
    assert await story.new() == {UPDATED: 1}
    await story.step("decommissionThings", {"ids": [await early.thing()]}, {LIFECYCLE: 1})
    await story.step("deleteAuthSet", {"id": await _preauthorized(cast)}, {CREATED: 1, DELETED: 1})
    assert story.told == STORIES["sign-ins"]


async def _preauthorized(cast: Cast) -> str:
    """The auth set of one more thing that has not come yet."""
    device = Device(cast, {"mac": "3"})
    given = {"organizationId": org_id(cast.acme), "identity": device.identity, "publicKey": pem_of(device.key)}
    await cast.change("editor", "preauthorizeThing", given)
    return await device.auth_set()


async def test_groups(cast: Cast) -> None:
    story, hall = Story(cast), group_id(cast.group)
    guests = [thing_id(each) for each in await cast.add_things(3)]
    await story.step("addThingsToGroup", {"groupId": hall, "thingIds": guests}, {UPDATED: 3})
    await story.step("addThingsToGroup", {"groupId": hall, "thingIds": guests}, {})
    await story.step("removeThingsFromGroup", {"groupId": hall, "thingIds": guests[:1]}, {UPDATED: 1})
    await story.step("removeThingsFromGroup", {"groupId": hall, "thingIds": guests[:1]}, {})
    # The pump is at home there, and two others are in it besides.
    await story.step("deleteGroup", {"id": hall}, {MOVED: 1, UPDATED: 2})
    assert story.told == STORIES["groups"]


async def test_a_group_that_takes_its_things_along(cast: Cast) -> None:
    story, hall = Story(cast), group_id(cast.group)
    (guest,) = await cast.add_things(1)
    await story.step("addThingsToGroup", {"groupId": hall, "thingIds": [thing_id(guest)]}, {UPDATED: 1})
    await story.step("deleteGroup", {"id": hall, "cascade": True}, {DELETED: 1, UPDATED: 1})


async def test_people(cast: Cast) -> None:
    story, acme = Story(cast), org_id(cast.acme)
    loner, viewer, editor = (user_id(cast.people[name]) for name in ("loner", "viewer", "editor"))
    added = [{"userId": loner, "role": "VIEWER"}]
    await story.step("addMembers", {"organizationId": acme, "members": added}, {MEMBER: 1})
    changed = [{"userId": loner, "role": "EDITOR"}, {"userId": viewer, "role": "VIEWER"}]
    await story.step("updateMembers", {"organizationId": acme, "members": changed}, {MEMBER: 1})
    await story.step("removeMembers", {"organizationId": acme, "userIds": [viewer]}, {MEMBER: 1})
    await story.step("leaveOrganization", {"organizationId": acme}, {MEMBER: 1}, caller="loner")
    await story.step("deleteUser", {"id": editor}, {MEMBER: 1})
    assert story.told == STORIES["people"]
    changes = [row.detail["change"] for row in await cast.rows(select(EVENT.c.detail).order_by(EVENT.c.sequence))]
    assert changes == ["ADDED", "UPDATED", "REMOVED", "REMOVED", "REMOVED"]
    people = [row.user_id for row in await cast.rows(select(EVENT.c.user_id).order_by(EVENT.c.sequence))]
    assert people == [cast.people[name] for name in ("loner", "loner", "viewer", "loner", "editor")]


async def test_organizations(cast: Cast) -> None:
    story = Story(cast)
    await story.step("createOrganization", {"name": "New"}, {MEMBER: 1}, caller="loner")
    await story.step("createOrganization", {"name": "Below", "parentId": org_id(cast.acme)}, {}, caller="owner")
    await story.step("moveOrganization", {"id": org_id(cast.north), "parentId": None}, {MEMBER: 1}, caller="owner")
    await story.step("moveOrganization", {"id": org_id(cast.north), "parentId": org_id(cast.acme)}, {}, caller="owner")
    await cast.add_things(2, organization=cast.north)
    artifact, release = await upload(cast, organizationId=org_id(cast.north))
    north = {"organizationId": org_id(cast.north)}
    await deploy(cast, releaseId=release, **north)
    await start_job(cast, artifactId=artifact, **north)
    assert await story.new() == {EXECUTION: 4, JOB: 2, CAMPAIGN: 1}
    # What becomes of the updates is told as their things go, and then once more as they go themselves.
    gone = {DELETED: 2, JOB: 2 + 2, CAMPAIGN: 1 + 1, MEMBER: 1}
    await story.step("deleteOrganization", {"id": org_id(cast.north), "cascade": True}, gone, caller="owner")
    assert story.told == STORIES["organizations"]
    of_north = EVENT.c.previous_organization_id == cast.north
    rows = await cast.rows(select(EVENT.c.kind, EVENT.c.organization_id, EVENT.c.detail).where(of_north))
    assert dict(Counter(row.kind.value for row in rows)) == {DELETED: 2, JOB: 2, CAMPAIGN: 1, MEMBER: 1}
    assert {row.organization_id for row in rows} == {cast.acme}
    (member,) = (row.detail for row in rows if row.kind.value == MEMBER)
    assert member["organizationId"] == cast.north.hex
    assert await cast.count(MEMBERSHIP, MEMBERSHIP.c.organization_id == cast.north) == 0


async def test_updates(cast: Cast) -> None:
    story = Story(cast)
    artifact, release = await upload(cast)
    acme: dict[str, Any] = {"organizationId": org_id(cast.acme), "target": {"all": True}}
    new = {**acme, "name": "June", "releaseId": release}
    await story.step("createDeployment", new, {EXECUTION: 1, JOB: 1, CAMPAIGN: 1})
    campaign = global_id("deployment", await cast.value(DEPLOYMENT.c.id))
    await story.step("updateDeployment", {"id": campaign, "priority": 3}, {CAMPAIGN: 1, JOB: 1})
    execution = await execution_of(cast, cast.thing, campaign)
    report = {"executionId": execution, "status": "DOWNLOADING", "progress": 10}
    await story.step("reportOtaExecution", report, {EXECUTION: 1, JOB: 1, CAMPAIGN: 1})
    await story.step("reportOtaExecution", {**report, "progress": 20}, {EXECUTION: 1})
    await story.step("reportOtaExecution", {**report, "progress": 20}, {})
    await story.step("pauseDeployment", {"id": campaign}, {JOB: 1, CAMPAIGN: 1})
    await story.step("resumeDeployment", {"id": campaign}, {JOB: 1, CAMPAIGN: 1})
    await story.step("abortDeployment", {"id": campaign}, {EXECUTION: 1, JOB: 1, CAMPAIGN: 1})
    await story.step("archiveDeployment", {"id": campaign}, {CAMPAIGN: 1})
    await story.step("unarchiveDeployment", {"id": campaign}, {CAMPAIGN: 1})
    await story.step("deleteDeployment", {"id": campaign}, {JOB: 1, CAMPAIGN: 1})
    await story.step("createOtaJob", {**acme, "name": "One", "artifactId": artifact}, {EXECUTION: 1, JOB: 1})
    job = global_id("otajob", await cast.value(OTA_JOB.c.id))
    await story.step("updateOtaJob", {"id": job, "name": "Two"}, {JOB: 1})
    await story.step("pauseOtaJob", {"id": job}, {JOB: 1})
    await story.step("resumeOtaJob", {"id": job}, {JOB: 1})
    await story.step("cancelOtaJob", {"id": job}, {EXECUTION: 1, JOB: 1})
    await story.step("archiveOtaJob", {"id": job}, {JOB: 1})
    await story.step("unarchiveOtaJob", {"id": job}, {JOB: 1})
    await story.step("deleteOtaJob", {"id": job}, {JOB: 1})
    await _tell_of_retries(cast, story, {"deployment": release, "otaJob": artifact})
    await start_job(cast, artifactId=artifact)
    await story.new()
    leaver = {"thingId": thing_id(cast.thing)}
    await story.step("removeThingFromDeployments", leaver, {EXECUTION: 1, JOB: 1})
    await story.step("removeThingFromDeployments", leaver, {})
    assert story.told == STORIES["updates"]


async def _tell_of_retries(cast: Cast, story: Story, brings: dict[str, str]) -> None:
    """One that has failed is tried again, in a deployment and in a job."""
    failed = [await deploy(cast, releaseId=brings["deployment"]), await start_job(cast, artifactId=brings["otaJob"])]
    for each in failed:
        report = {"executionId": await execution_of(cast, cast.thing, each), "status": "FAILURE"}
        await cast.change("platform", "reportOtaExecution", report)
    await story.new()
    of_deployment = {EXECUTION: 1, JOB: 1, CAMPAIGN: 1}
    await story.step("retryDeployment", {"id": failed[0], "name": "Again"}, of_deployment)
    await story.step("retryOtaJob", {"id": failed[1], "name": "Again"}, {EXECUTION: 1, JOB: 1})
    for name, parent in (
        ("abortDeployment", await _newest(cast, DEPLOYMENT)),
        ("cancelOtaJob", await _newest(cast, OTA_JOB)),
    ):
        await cast.change("platform", name, {"id": parent})


async def _newest(cast: Cast, table: Table) -> str:
    prefix = "deployment" if table is DEPLOYMENT else "otajob"
    key = (await cast.rows(select(table.c.id).order_by(table.c.id.desc()).limit(1)))[0].id
    return global_id(prefix, key)


async def test_consent_and_what_a_thing_does_about_its_updates(cast: Cast) -> None:
    story = Story(cast)
    artifact, release = await upload(cast)
    wanted = await execution_of(cast, cast.thing, await deploy(cast, releaseId=release, approval=True))
    unwanted = await execution_of(cast, cast.thing, await start_job(cast, artifactId=artifact, approval=True))
    await story.new()
    await story.step("rejectOtaExecution", {"id": unwanted}, {EXECUTION: 1, JOB: 1})
    await story.step("myNextUpdate", {}, {}, caller="thing")
    await story.step("approveOtaExecution", {"id": wanted}, {EXECUTION: 1, JOB: 1, CAMPAIGN: 1})
    says = {"deviceType": "pump", "artifactName": "0.9"}
    await story.step("myNextUpdate", says, {UPDATED: 1, EXECUTION: 1, JOB: 1, CAMPAIGN: 1}, caller="thing")
    await story.step("myNextUpdate", says, {}, caller="thing")
    log = {"executionId": wanted, "lines": [{"occurredAt": now().isoformat(), "level": "info", "message": "begun"}]}
    await story.step("appendUpdateLog", log, {EXECUTION: 1}, caller="thing")
    assert story.told == STORIES["consent"]


async def test_updates_of_things_that_leave(cast: Cast) -> None:
    """The last one ends a deployment and its job; who is deleted takes its update out of the counts."""
    story = Story(cast)
    (other,) = await cast.add_things(1)
    await deploy(cast)
    await story.new()
    moved = {"ids": [thing_id(cast.thing)], "organizationId": org_id(cast.other)}
    await story.step("moveThings", moved, {MOVED: 1, EXECUTION: 1, JOB: 1, CAMPAIGN: 1})
    await story.step("deleteThings", {"ids": [thing_id(other)]}, {DELETED: 1, JOB: 1, CAMPAIGN: 1})
    assert {row.status.value for row in await cast.rows(select(DEPLOYMENT.c.status))} == {"FINISHED"}


async def test_what_begins_by_itself(cast: Cast) -> None:
    story = Story(cast)
    await deploy(cast, startsAt=(now() + timedelta(hours=1)).isoformat())
    await story.new()
    starts = JobStarts(cast.store, cast.gateway.application[PARTS].tail.wake, beginnings.begin)
    assert await starts.run() == 0
    assert await story.new() == {}
    async with cast.store.write() as session:
        for table in (OTA_JOB, DEPLOYMENT):
            await session.execute(update(table).values(starts_at=now() - timedelta(seconds=1)))
    assert await starts.run() == 1
    assert await story.new() == {JOB: 1, CAMPAIGN: 1}


async def test_what_is_refused_leaves_nothing(cast: Cast) -> None:
    story = Story(cast)
    (other,) = await cast.add_things(1)
    both = {"ids": [thing_id(other), thing_id(cast.thing)], "lifecycle": "UNINSTALLED"}
    assert await cast.error("editor", "changeThingLifecycle", both) == ("WRONG_STATE", ["ids", "0"])
    wrong = [{"id": thing_id(other), "name": "new"}, {"id": thing_id(cast.thing), "name": ""}]
    assert (await cast.error("editor", "updateThings", {"things": wrong}))[0] == "INVALID_INPUT"
    assert await story.new() == {}
    assert await cast.count(OTA_EXECUTION) == 0
