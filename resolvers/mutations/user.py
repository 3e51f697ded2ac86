"""Mutations of accounts."""

from __future__ import annotations

import strawberry

from engine.ids import global_id
from models.enums import Permission, UserStatus
from resolvers.arguments import changes, given, key, optional_key
from resolvers.context import Info
from resolvers.mutation import HASHING, PERSON, mutation
from schema.mutations.user import (
    ChangePasswordInput,
    ChangePasswordPayload,
    CreateUserInput,
    CreateUserPayload,
    DeleteUserInput,
    DeleteUserPayload,
    DisableUserInput,
    DisableUserPayload,
    EnableUserInput,
    EnableUserPayload,
    UpdateUserInput,
    UpdateUserPayload,
)
from services import users


@strawberry.type
class UserMutations:
    """Creating, changing, disabling and deleting accounts."""

    @mutation(Permission.USER_ADMINISTER, weight=HASHING)
    async def create_user(self, info: Info, input: CreateUserInput) -> CreateUserPayload:
        """Create an account, which belongs to no organization yet. For platform administrators."""
        context = info.context
        account = await users.new_account(
            context.access,
            context.parts.passwords,
            email=input.email,
            password=input.password,
            name=input.name,
            metadata=given(input.metadata),
        )
        async with context.unit_of_work() as work:
            user_id = await users.create(work, account)
        return CreateUserPayload.of(user_id=user_id)

    @mutation(PERSON)
    async def update_user(self, info: Info, input: UpdateUserInput) -> UpdateUserPayload:
        """Change your own account, or as a platform administrator anybody's."""
        user_id = optional_key("user", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            changed = await users.edit(
                work, user_id, changes(input, "name", "email", "metadata"), given(input.expected_version)
            )
        return UpdateUserPayload.of(user_id=changed)

    @mutation(PERSON, weight=HASHING)
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ChangePasswordPayload:
        """Change your own password. Your other sessions end."""
        context, parts = info.context, info.context.parts
        password = await users.new_password(
            context.access,
            parts.store,
            parts.passwords,
            old_password=input.old_password,
            password=input.new_password,
        )
        async with context.unit_of_work() as work:
            ended = await users.change_password(work, password, everywhere=input.everywhere)
        return ChangePasswordPayload.of(user_id=password.old.user_id, ended_sessions=ended)

    @mutation(Permission.USER_ADMINISTER)
    async def disable_user(self, info: Info, input: DisableUserInput) -> DisableUserPayload:
        """Keep somebody from signing in; their sessions end at once. For platform administrators."""
        user_id = key("user", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await users.set_status(work, user_id, UserStatus.DISABLED, given(input.expected_version))
        return DisableUserPayload.of(user_id=user_id)

    @mutation(Permission.USER_ADMINISTER)
    async def enable_user(self, info: Info, input: EnableUserInput) -> EnableUserPayload:
        """Let somebody sign in again. For platform administrators."""
        user_id = key("user", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await users.set_status(work, user_id, UserStatus.ACTIVE, given(input.expected_version))
        return EnableUserPayload.of(user_id=user_id)

    @mutation(Permission.USER_ADMINISTER)
    async def delete_user(self, info: Info, input: DeleteUserInput) -> DeleteUserPayload:
        """Delete an account with its sessions and memberships; what it created stays. For platform administrators."""
        user_id = key("user", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await users.remove(work, user_id, given(input.expected_version))
        return DeleteUserPayload.of(deleted_id=global_id("user", user_id))
