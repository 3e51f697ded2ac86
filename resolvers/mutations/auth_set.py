"""Mutations that decide which things may sign in by a key pair."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import AuthSetStatus, Permission
from resolvers.arguments import given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.auth_set import (
    AcceptAuthSetInput,
    AcceptAuthSetPayload,
    DeleteAuthSetInput,
    DeleteAuthSetPayload,
    PreauthorizeThingInput,
    PreauthorizeThingPayload,
    RejectAuthSetInput,
    RejectAuthSetPayload,
    RevokeThingTokensInput,
    RevokeThingTokensPayload,
)
from services import auth_sets, thing_tokens
from services.auth_sets import IdentityTaken
from services.errors import InvalidInput
from services.identities import Identity
from services.identity_keys import IdentityKey


@strawberry.type
class AuthSetMutations:
    """Admitting things, and sending them away."""

    @mutation(Permission.THING_AUTHORIZE)
    async def preauthorize_thing(self, info: Info, input: PreauthorizeThingInput) -> PreauthorizeThingPayload:
        """Create a thing that is accepted by itself when it first signs in with this identity and key."""
        organization_id = key("org", input.organization_id, ("organizationId",))
        identity = Identity.of(input.identity, ("identity",))
        public_key = IdentityKey.of(input.public_key, ("publicKey",))
        try:
            async with info.context.unit_of_work() as work:
                thing_id, set_id = await auth_sets.preauthorize(
                    work, organization_id, identity, public_key, given(input.name)
                )
        except IdentityTaken as error:
            return PreauthorizeThingPayload.failed([error], existing_id=error.thing_id)
        return PreauthorizeThingPayload.of(thing_id=thing_id, auth_set_id=set_id)

    @mutation(Permission.THING_AUTHORIZE)
    async def accept_auth_set(self, info: Info, input: AcceptAuthSetInput) -> AcceptAuthSetPayload:
        """Let a thing sign in with this key, and with no other: what was accepted of it before is rejected."""
        set_id = key("authset", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            thing_id = await auth_sets.decide(work, set_id, AuthSetStatus.ACCEPTED)
        return AcceptAuthSetPayload.of(auth_set_id=set_id, thing_id=thing_id)

    @mutation(Permission.THING_AUTHORIZE)
    async def reject_auth_set(self, info: Info, input: RejectAuthSetInput) -> RejectAuthSetPayload:
        """Let a thing sign in with this key no more; the tokens that it was given for it end at once."""
        set_id = key("authset", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            thing_id = await auth_sets.decide(work, set_id, AuthSetStatus.REJECTED)
        return RejectAuthSetPayload.of(auth_set_id=set_id, thing_id=thing_id)

    @mutation(Permission.THING_AUTHORIZE)
    async def delete_auth_set(self, info: Info, input: DeleteAuthSetInput) -> DeleteAuthSetPayload:
        """Delete an auth set with its tokens. A thing that still has this key comes back as pending."""
        set_id = key("authset", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            thing_id, is_gone = await auth_sets.remove_set(work, set_id)
        return DeleteAuthSetPayload.of(
            deleted_id=global_id("authset", set_id),
            deleted_thing_id=global_id("thing", thing_id) if is_gone else None,
            thing_id=None if is_gone else thing_id,
        )

    @mutation(Permission.THING_AUTHORIZE)
    async def revoke_thing_tokens(self, info: Info, input: RevokeThingTokensInput) -> RevokeThingTokensPayload:
        """End tokens at once. What was accepted stays accepted, so that a thing may sign in anew."""
        wanted = {"tokenId": input.token_id, "thingId": input.thing_id, "organizationId": input.organization_id}
        named = {name: each for name, each in wanted.items() if each}
        if len(named) != 1:
            raise InvalidInput("exactly one of tokenId, thingId and organizationId is given")
        ((name, value),) = named.items()
        prefix, act = {
            "tokenId": ("thingtoken", thing_tokens.revoke),
            "thingId": ("thing", thing_tokens.revoke_of_thing),
            "organizationId": ("org", thing_tokens.revoke_of_organization),
        }[name]
        chosen = key(prefix, value, (name,))
        async with info.context.unit_of_work() as work:
            revoked = await act(work, chosen)
        return RevokeThingTokensPayload.of(revoked_count=revoked)
