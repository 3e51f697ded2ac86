"""Mutations of things."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from uuid import UUID

import strawberry

from engine.ids import global_id
from models.enums import Permission
from resolvers.arguments import changes, given, key, keys, optional_key
from resolvers.bulk import Outcome, each, is_partial
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.bulk import BulkMode
from schema.mutations.thing import (
    AttributeInput,
    ChangeThingLifecycleInput,
    ChangeThingLifecyclePayload,
    CreateThingsInput,
    CreateThingsPayload,
    DecommissionThingsInput,
    DecommissionThingsPayload,
    DeleteThingsInput,
    DeleteThingsPayload,
    MoveThingsInput,
    MoveThingsPayload,
    ReplaceThingKeyInput,
    ReplaceThingKeyPayload,
    ThingInput,
    ThingKey,
    ThingPatch,
    ThingResult,
    ThingsPayload,
    UpdateThingsInput,
    UpdateThingsPayload,
)
from services import decommissions, things
from services.thing_drafts import CreatedThing, ThingDraft
from services.thing_parts import AttributeDraft
from services.unit_of_work import UnitOfWork

_PATCHED: Final = (
    "name",
    "type",
    "external_id",
    "profile_id",
    "report_interval_seconds",
    "time_zone",
    "boot_key_digests",
    "metadata",
    "tags",
    "attributes",
)
P = TypeVar("P", bound=ThingsPayload)
Action = Callable[[UnitOfWork, list[UUID]], Awaitable[None]]


@strawberry.type
class ThingMutations:
    """Creating, changing, moving and deleting things, and the steps of their life."""

    @mutation(Permission.THING_WRITE)
    async def create_things(self, info: Info, input: CreateThingsInput) -> CreateThingsPayload:
        """Create things in one organization. Their keys are in the answer, and only there."""
        organization = key("org", input.organization_id, ("organizationId",))

        async def create_one(index: int, item: ThingInput) -> CreatedThing:
            return (await things.create(work, organization, [_draft(item, ("things", index))]))[0]

        async with info.context.unit_of_work() as work:
            if is_partial(input.mode):
                outcomes = await each(work, input.things, create_one, "things")
            else:
                drafts = [_draft(item, ("things", index)) for index, item in enumerate(input.things)]
                outcomes = [Outcome(made) for made in await things.create(work, organization, drafts)]
        created = [outcome.result for outcome in outcomes if outcome.error is None]
        return CreateThingsPayload.of(
            thing_ids=[thing.id for thing in created],
            keys=[ThingKey.of(thing_id=thing.id, key=thing.key) for thing in created],
            results=_results(input.mode, outcomes, [each.result and each.result.id for each in outcomes]),
        )

    @mutation(Permission.THING_WRITE)
    async def update_things(self, info: Info, input: UpdateThingsInput) -> UpdateThingsPayload:
        """Change things: what is left out of a patch stays, null clears."""

        async def change(index: int, patch: ThingPatch) -> UUID:
            path = ("things", index)
            thing_id = key("thing", patch.id, (*path, "id"))
            await things.edit(work, thing_id, _patched(patch, path), given(patch.expected_version), path)
            return thing_id

        async with info.context.unit_of_work() as work:
            if is_partial(input.mode):
                outcomes = await each(work, input.things, change, "things")
            else:
                things.check_bulk(input.things, ("things",))
                outcomes = [Outcome(await change(index, patch)) for index, patch in enumerate(input.things)]
        return _answer(UpdateThingsPayload, input.mode, outcomes)

    @mutation(Permission.THING_WRITE)
    async def move_things(self, info: Info, input: MoveThingsInput) -> MoveThingsPayload:
        """Give things another home group, or take them to another organization."""
        group = optional_key("group", input.home_group_id, ("homeGroupId",))
        organization = optional_key("org", input.organization_id, ("organizationId",))

        async def move(work: UnitOfWork, ids: list[UUID]) -> None:
            await things.move(work, ids, group, organization)

        return _answer(MoveThingsPayload, input.mode, await _for_ids(info, input.ids, input.mode, move))

    @mutation(Permission.THING_DELETE)
    async def delete_things(self, info: Info, input: DeleteThingsInput) -> DeleteThingsPayload:
        """Delete things with everything that is theirs. Their keys stop working at once."""
        outcomes = await _for_ids(info, input.ids, input.mode, things.remove)
        gone = [global_id("thing", outcome.result) for outcome in outcomes if outcome.error is None]
        return DeleteThingsPayload.of(deleted_ids=gone, results=_results(input.mode, outcomes, [None] * len(outcomes)))

    @mutation(Permission.THING_WRITE)
    async def change_thing_lifecycle(self, info: Info, input: ChangeThingLifecycleInput) -> ChangeThingLifecyclePayload:
        """Take things a step further in their life; the step is kept in their history."""

        async def step(work: UnitOfWork, ids: list[UUID]) -> None:
            await things.change_lifecycle(work, ids, input.lifecycle, input.reason)

        return _answer(ChangeThingLifecyclePayload, input.mode, await _for_ids(info, input.ids, input.mode, step))

    @mutation(Permission.THING_DELETE)
    async def decommission_things(self, info: Info, input: DecommissionThingsInput) -> DecommissionThingsPayload:
        """Take things out of use for good. Their keys and tokens stop working at once, their open updates end."""

        async def retire(work: UnitOfWork, ids: list[UUID]) -> None:
            await decommissions.decommission(work, ids, input.reason)

        return _answer(DecommissionThingsPayload, input.mode, await _for_ids(info, input.ids, input.mode, retire))

    @mutation(Permission.THING_WRITE)
    async def replace_thing_key(self, info: Info, input: ReplaceThingKeyInput) -> ReplaceThingKeyPayload:
        """Give a thing a new key. It is in the answer, and only there; the old key stops working at once."""
        thing_id = key("thing", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            secret = await things.replace_key(work, thing_id)
        return ReplaceThingKeyPayload.of(key=ThingKey.of(thing_id=thing_id, key=secret))


async def _for_ids(info: Info, ids: list[strawberry.ID], mode: BulkMode, act: Action) -> list[Outcome]:
    """Do something with things by their ids: with all at once, or with each for itself."""

    async def act_on_one(index: int, value: strawberry.ID) -> UUID:
        thing_id = key("thing", value, ("ids", index))
        await act(work, [thing_id])
        return thing_id

    async with info.context.unit_of_work() as work:
        if is_partial(mode):
            return await each(work, ids, act_on_one, "ids")
        wanted = keys("thing", ids, ("ids",))
        await act(work, wanted)
    return [Outcome(thing_id) for thing_id in wanted]


def _answer(payload: type[P], mode: BulkMode, outcomes: list[Outcome]) -> P:
    ids = [outcome.result for outcome in outcomes]
    return payload.of(thing_ids=[each for each in ids if each is not None], results=_results(mode, outcomes, ids))


def _results(mode: BulkMode, outcomes: list[Outcome], ids: list[UUID | None]) -> list[ThingResult] | None:
    if not is_partial(mode):
        return None
    made = []
    for index, (outcome, thing_id) in enumerate(zip(outcomes, ids, strict=True)):
        errors = [outcome.error] if outcome.error else []
        made.append(ThingResult.failed(errors, index=index, thing_id=thing_id))
    return made


def _draft(item: ThingInput, path: tuple[str | int, ...]) -> ThingDraft:
    metadata = given(item.metadata)
    return ThingDraft(
        name=item.name,
        type=item.type,
        external_id=given(item.external_id),
        home_group_id=optional_key("group", item.home_group_id, (*path, "homeGroupId")),
        profile_id=optional_key("profile", item.profile_id, (*path, "profileId")),
        report_interval_seconds=given(item.report_interval_seconds),
        time_zone=given(item.time_zone),
        boot_key_digests=given(item.boot_key_digests) or [],
        metadata={} if metadata is None else metadata,
        tags=given(item.tags) or [],
        attributes=_attributes(given(item.attributes) or []),
    )


def _attributes(items: list[AttributeInput]) -> list[AttributeDraft]:
    return [AttributeDraft(item.scope, item.name, item.value) for item in items]


def _patched(patch: ThingPatch, path: tuple[str | int, ...]) -> dict[str, Any]:
    changed = changes(patch, *_PATCHED)
    if "profile_id" in changed:
        changed["profile_id"] = optional_key("profile", changed["profile_id"], (*path, "profileId"))
    if changed.get("attributes") is not None:
        changed["attributes"] = _attributes(changed["attributes"])
    return changed
