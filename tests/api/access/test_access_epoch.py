"""Through the API: whenever a mutation changes what somebody may see, the access epoch has moved, and hardly ever else.

What is kept of a caller's access is used as long as the epoch stands, so a change that left it would not be seen.
"""

from __future__ import annotations

from typing import Any

from services.access import Access, read_epoch, resolve_access
from services.errors import Unauthenticated
from services.sessions import Authenticator
from services.tokens import TokenKeys
from tests.cast import PASSWORD, PEOPLE, Cast, email_of, org_id, thing_id, user_id
from tests.fleets import Fleet
from tests.gateways import TOKEN_SECRET, StartGateway

NEW_PASSWORD = "another-long-password"


async def access_of(cast: Cast, caller: str) -> Access | None:
    """What a caller may do now; None when their session has ended."""
    token = await cast.token(caller)
    principal = await Authenticator(cast.store, TokenKeys.of(TOKEN_SECRET)).authenticate(f"Bearer {token}")
    try:
        return await resolve_access(cast.store, principal)
    except Unauthenticated:
        return None


def steps(cast: Cast) -> list[tuple[bool, str, str, dict[str, Any]]]:
    """Whether the epoch has to move, who does it, and what, in an order in which each is possible."""
    acme, viewer, loner = org_id(cast.acme), user_id(cast.people["viewer"]), user_id(cast.people["loner"])
    member = {"email": email_of("loner"), "role": "VIEWER"}
    secrets = {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    return [
        (False, "anonymous", "login", {"email": email_of("viewer"), "password": PASSWORD}),
        (False, "editor", "createGroup", {"organizationId": acme, "name": "Yard"}),
        (False, "editor", "createThings", {"organizationId": acme, "things": [{"name": "One", "type": "SENSOR"}]}),
        (False, "editor", "setDesiredThingState", {"thingId": thing_id(cast.thing), "desired": {"on": True}}),
        (False, "thing", "reportThingState", {"reported": {"on": True}}),
        (False, "admin", "updateOrganization", {"id": acme, "name": "Acme Limited"}),
        (False, "viewer", "updateUser", {"id": viewer, "name": "Another name"}),
        (True, "admin", "createOrganization", {"name": "Acme South", "parentId": acme}),
        (True, "loner", "createOrganization", {"name": "Own"}),
        (True, "owner", "addMembers", {"organizationId": acme, "members": [member]}),
        (True, "owner", "updateMembers", {"organizationId": acme, "members": [{"userId": loner, "role": "EDITOR"}]}),
        (True, "owner", "removeMembers", {"organizationId": acme, "userIds": [loner]}),
        (True, "editor", "leaveOrganization", {"organizationId": acme}),
        (True, "platform", "moveOrganization", {"id": org_id(cast.north), "parentId": org_id(cast.other)}),
        (True, "platform", "deleteOrganization", {"id": org_id(cast.other), "cascade": True}),
        (True, "viewer", "changePassword", {**secrets, "everywhere": True}),
        (True, "admin", "logout", {}),
        (True, "platform", "disableUser", {"id": loner}),
        (True, "platform", "enableUser", {"id": loner}),
        (True, "platform", "deleteUser", {"id": user_id(cast.people["editor"])}),
    ]


async def test_the_epoch_moves_when_access_does(cast: Cast) -> None:
    accesses = {caller: await access_of(cast, caller) for caller in PEOPLE}
    assert None not in accesses.values()
    epoch = await read_epoch(cast.store)
    changed: list[str] = []
    for moves, caller, mutation, given in steps(cast):
        await cast.change(caller, mutation, given)
        before, accesses = accesses, {name: await access_of(cast, name) for name in PEOPLE}
        last, epoch = epoch, await read_epoch(cast.store)
        assert (epoch != last) is moves, mutation
        if before != accesses:
            assert moves, f"{mutation} changes access"
            changed.append(mutation)
    # An account that was disabled has no session any more, so nobody sees more when it is enabled.
    assert changed == [name for moves, _, name, _ in steps(cast) if moves and name != "enableUser"]


async def test_a_session_that_ends_for_the_next_login_moves_it(cast: Cast) -> None:
    """The fifty-first session of a person ends the first; those before take nothing away."""
    await cast.token("viewer")
    before = await read_epoch(cast.store)
    for _ in range(49):
        await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    assert await read_epoch(cast.store) == before
    assert await access_of(cast, "viewer") is not None
    await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    assert await read_epoch(cast.store) > before
    assert await access_of(cast, "viewer") is None


TOGETHER = """
query Seen($id: ID!) {
  things(first: 10) { totalCount nodes { id } }
  none: things(filter: { name: { eq: "no thing is called so" } }) { totalCount nodes { id } }
  thing(id: $id) { id }
}
"""
# What each read gives to whoever sees four things, as the number of things in it.
READS = {
    TOGETHER: [4, 0, 1],
    "query Seen($id: ID!) { things(first: 10) { nodes { id } } thing(id: $id) { id } }": [4, 1],
    "{ things(first: 10) { nodes { id } } }": [4],
    '{ things(filter: { name: { eq: "no thing is called so" } }) { nodes { id } } }': [0],
    "query Seen($id: ID!) { thing(id: $id) { id } }": [1],
}


async def test_what_another_process_changes_counts_with_the_next_request(
    start_gateway: StartGateway, fleet: Fleet
) -> None:
    """Each kind of read, on a gateway that has kept the caller's access, after another has changed it."""
    first, second = await start_gateway(), await start_gateway()
    tenant, person, administrator = fleet.alder, fleet.alder.viewer, fleet.administrator.token
    organization = {"organizationId": tenant.organization}
    leaves = {**organization, "userIds": [person.id]}
    joins = {**organization, "members": [{"userId": person.id, "role": "VIEWER"}]}

    async def seen(query: str) -> list[int]:
        variables = {"id": tenant.pump.id} if "$id" in query else None
        data = await first.data(query, variables, token=person.token)
        return [len(value["nodes"]) if "nodes" in value else 1 for value in data.values() if value is not None]

    for query, everything in READS.items():
        assert await seen(query) == everything
        await second.change("removeMembers", leaves, select="__typename", token=administrator)
        assert not any(await seen(query)), query
        await second.change("addMembers", joins, select="__typename", token=administrator)
        assert await seen(query) == everything


async def test_an_account_that_another_process_disables_is_out_with_the_next_request(
    start_gateway: StartGateway, fleet: Fleet
) -> None:
    first, second = await start_gateway(), await start_gateway()
    person, administrator = fleet.alder.viewer, fleet.administrator.token
    for query in READS:
        variables = {"id": fleet.alder.pump.id} if "$id" in query else None
        token = (await first.sign_in(person.email, person.password)).access_token
        await first.data(query, variables, token=token)
        await second.change("disableUser", {"id": person.id}, select="__typename", token=administrator)
        assert set((await first.graphql(query, variables, token=token)).codes) == {"UNAUTHENTICATED"}, query
        await second.change("enableUser", {"id": person.id}, select="__typename", token=administrator)
