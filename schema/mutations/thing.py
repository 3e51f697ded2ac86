"""Inputs and payloads of the mutations of things."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from engine.fields import to_listed, to_one, value
from engine.records import record
from models import ThingRow
from schema.bulk import BulkMode
from schema.enums import AttributeScope, Lifecycle, ThingType
from schema.payload import Payload, UserError, user_errors
from schema.thing import Thing


@strawberry.input(description="An attribute to write, named by scope and name.")
class AttributeInput:
    """One attribute."""

    scope: AttributeScope = strawberry.field(default=AttributeScope.INVENTORY, description="The namespace.")
    name: str = strawberry.field(description="The name in the scope.")
    value: JSON | None = strawberry.field(description="Text, number, or a list of one of them; null takes it away.")


@strawberry.input(description="A thing to be created.")
class ThingInput:
    """One new thing."""

    name: str = strawberry.field(description="The name, 1 to 1024 characters and at most 2,560 bytes in UTF-8.")
    type: ThingType = strawberry.field(description="What it is in the fleet.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its id in another registry, unique in the organization."
    )
    home_group_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Its place: a group of the organization."
    )
    profile_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="How it talks.")
    report_interval_seconds: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How often it reports, 1 to 2,592,000 seconds; the setting of the gateway when left out.",
    )
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its time zone by its IANA name; that of its organization when left out."
    )
    boot_key_digests: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The SHA-256, 64 hex digits each, of the keys that its boot loader takes signed images of; 20 at "
        "most.",
    )
    metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description="Free data, as an object.")
    tags: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Its tags, 100 at most.")
    attributes: list[AttributeInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Its attributes, 200 at most."
    )


@strawberry.input(description="Things to be created in one organization.")
class CreateThingsInput:
    """Many new things."""

    organization_id: strawberry.ID = strawberry.field(description="Whose they will be.")
    things: list[ThingInput] = strawberry.field(description="The things, 1 to 500.")
    mode: BulkMode = strawberry.field(default=BulkMode.ALL, description="What happens when one cannot be created.")


@strawberry.input(description="Changes of one thing: what is left out stays, null clears.")
class ThingPatch:
    """One thing's changes."""

    id: strawberry.ID = strawberry.field(description="The thing.")
    expected_version: int | None = strawberry.field(
        default=strawberry.UNSET, description="Refuse with CONFLICT when the stored version is another."
    )
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The new name; cannot be cleared.")
    type: ThingType | None = strawberry.field(default=strawberry.UNSET, description="The new type; cannot be cleared.")
    external_id: str | None = strawberry.field(default=strawberry.UNSET, description="The new external id.")
    profile_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The new profile.")
    report_interval_seconds: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How often it reports from now on, 1 to 2,592,000 seconds; null for the setting of the gateway.",
    )
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its time zone by its IANA name; null for that of its organization."
    )
    boot_key_digests: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="The SHA-256, 64 hex digits each, of the keys that its boot loader takes signed images of, in "
        "place of the old; 20 at most.",
    )
    metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The new free data, in place of the old."
    )
    tags: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="The new tags, in place of the old; 100 at most."
    )
    attributes: list[AttributeInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Attributes to write or take away, 200 at most; others stay, and null takes all away.",
    )


@strawberry.input(description="Changes of several things.")
class UpdateThingsInput:
    """Many changes."""

    things: list[ThingPatch] = strawberry.field(description="The changes, 1 to 500.")
    mode: BulkMode = strawberry.field(default=BulkMode.ALL, description="What happens when one cannot be changed.")


@strawberry.input(description="Things that get another place.")
class MoveThingsInput:
    """A move."""

    ids: list[strawberry.ID] = strawberry.field(description="The things, 1 to 500.")
    home_group_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The new home group; none when left out."
    )
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The new organization; things that change it leave their groups and their profile behind.",
    )
    mode: BulkMode = strawberry.field(default=BulkMode.ALL, description="What happens when one cannot be moved.")


@strawberry.input(description="Things to be deleted.")
class DeleteThingsInput:
    """A deletion."""

    ids: list[strawberry.ID] = strawberry.field(description="The things, 1 to 500.")
    mode: BulkMode = strawberry.field(default=BulkMode.ALL, description="What happens when one cannot be deleted.")


@strawberry.input(description="A step in the life of things.")
class ChangeThingLifecycleInput:
    """A step for several things."""

    ids: list[strawberry.ID] = strawberry.field(description="The things, 1 to 500.")
    lifecycle: Lifecycle = strawberry.field(description="Where they come to be.")
    reason: str = strawberry.field(default="", description="Why, for people.")
    mode: BulkMode = strawberry.field(default=BulkMode.ALL, description="What happens when one cannot go there.")


@strawberry.input(description="Things to be taken out of use for good.")
class DecommissionThingsInput:
    """The end of several things."""

    ids: list[strawberry.ID] = strawberry.field(description="The things, 1 to 500.")
    reason: str = strawberry.field(default="", description="Why, for people.")
    mode: BulkMode = strawberry.field(default=BulkMode.ALL, description="What happens when one cannot be.")


@strawberry.input(description="A thing that gets a new key.")
class ReplaceThingKeyInput:
    """A new key."""

    id: strawberry.ID = strawberry.field(description="The thing.")


@record()
class ThingKey(Payload):
    """The key of a thing. It is shown this once; the gateway keeps only its digest."""

    thing: Thing | None = to_one("thing_id", ThingRow.id, "Whose key it is.")
    key: str = value("key", "Sign in with `Authorization: Thing <key>`.")


@record()
class ThingResult(Payload):
    """What became of one item of a bulk mutation."""

    index: int = value("index", "The place of the item in the input, from 0.")
    thing: Thing | None = to_one("thing_id", ThingRow.id, "The thing; null when it could not be done, or is deleted.")
    user_errors: list[UserError] = user_errors()


@record()
class CreateThingsPayload(Payload):
    """The things that were created, with their keys."""

    things: list[Thing] = to_listed("thing_ids", ThingRow.id, "The new things, in the order of the input.")
    keys: list[ThingKey] | None = value("keys", "Their keys, shown this once.")
    results: list[ThingResult] | None = value("results", "One for each item, in mode PARTIAL.")
    user_errors: list[UserError] = user_errors()


@record()
class ThingsPayload(Payload):
    """The things that a bulk mutation was about."""

    things: list[Thing] = to_listed("thing_ids", ThingRow.id, "The things, as they are now.")
    results: list[ThingResult] | None = value("results", "One for each item, in mode PARTIAL.")
    user_errors: list[UserError] = user_errors()


@record()
class UpdateThingsPayload(ThingsPayload):
    """The things that were changed."""


@record()
class MoveThingsPayload(ThingsPayload):
    """The things that were moved."""


@record()
class ChangeThingLifecyclePayload(ThingsPayload):
    """The things that took a step in their life."""


@record()
class DecommissionThingsPayload(ThingsPayload):
    """The things that are out of use for good."""


@record()
class DeleteThingsPayload(Payload):
    """What was deleted."""

    deleted_ids: list[strawberry.ID] | None = value("deleted_ids", "The ids of the things that are gone.")
    results: list[ThingResult] | None = value("results", "One for each item, in mode PARTIAL.")
    user_errors: list[UserError] = user_errors()


@record()
class ReplaceThingKeyPayload(Payload):
    """The new key."""

    key: ThingKey | None = value("key", "The new key, shown this once; the old one no longer works.")
    user_errors: list[UserError] = user_errors()
