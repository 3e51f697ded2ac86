"""Signing in over HTTP: what each request is answered, and that a token is good exactly as long as it should be."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from sqlalchemy import update

from gateway import PARTS
from models.enums import OrganizationStatus
from models.tables import AUTH_SET, ORGANIZATION, THING, THING_TOKEN
from services.tokens import Audience
from tests.cast import Cast, org_id
from tests.client import Answer
from tests.key_pairs import TENANT, Device, add_tenant, new_key, signature

SIGN_IN: Final = "/api/devices/v1/authentication/auth_requests"
ATTRIBUTES: Final = "/api/devices/v1/inventory/device/attributes"
NEXT: Final = "/api/devices/v2/deployments/device/deployments/next"
PROVIDES: Final = {"device_provides": {"device_type": "pump-2", "artifact_name": "0.9"}}


class Caller:
    """A device with a key pair, over HTTP."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.gateway = device.cast.gateway

    async def sign_in(self, body: bytes | None = None, **headers: str) -> Answer:
        sent = self.device.body if body is None else body
        signed = {"X-MEN-Signature": signature(self.device.key, sent)}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.gateway.request("POST", SIGN_IN, data=sent, headers={**signed, **given})

    async def token(self) -> str:
        answer = await self.sign_in()
        assert answer.status == 200, answer.body
        return answer.body.decode()

    async def ask(self, token: str) -> Answer:
        return await self.gateway.request("POST", NEXT, token=f"Bearer {token}", json=PROVIDES)

    async def tell(self, token: str) -> Answer:
        attributes = [{"name": "ram", "value": 17}]
        return await self.gateway.request("PATCH", ATTRIBUTES, token=f"Bearer {token}", json=attributes)


@pytest.fixture
async def caller(cast: Cast) -> Caller:
    await add_tenant(cast)
    return Caller(Device(cast, {"mac": "aa:bb"}))


def told(answer: Answer) -> int:
    """The status of an error, which has the shape of this protocol."""
    assert answer.json.keys() == {"error", "request_id"}
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    return answer.status


@pytest.mark.parametrize("kind", ["rsa", "p256", "ed25519"])
async def test_pending_then_accepted(cast: Cast, kind: str) -> None:
    await add_tenant(cast)
    caller = Caller(Device(cast, {"mac": "aa:bb"}, new_key(kind)))
    assert [told(await caller.sign_in()) for _ in range(2)] == [401, 401]
    assert await cast.count(AUTH_SET) == 1
    await cast.change("editor", "acceptAuthSet", {"id": await caller.device.auth_set()})
    answer = await caller.sign_in()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/jwt")
    first, second = answer.body.decode(), await caller.token()
    assert first != second
    for token in (first, second):
        assert (await caller.ask(token)).status == 204
        assert (await caller.tell(token)).status == 200


async def test_the_tenant_token_may_stand_in_the_header(cast: Cast) -> None:
    await add_tenant(cast)
    caller = Caller(Device(cast, {"mac": "aa:bb"}, tenant=None))
    assert told(await caller.sign_in()) == 401
    assert await cast.count(AUTH_SET) == 0
    assert told(await caller.sign_in(Authorization=f"Bearer {TENANT}")) == 401
    assert await cast.count(AUTH_SET) == 1


async def test_the_signature_may_be_called_in_any_case(caller: Caller) -> None:
    body = caller.device.body
    for name in ("x-men-signature", "X-Men-Signature", "X-MEN-SIGNATURE"):
        headers = {name: signature(caller.device.key, body)}
        answer = await caller.gateway.request("POST", SIGN_IN, data=body, headers=headers)
        assert told(answer) == 401
        assert "accepted" in answer.json["error"]


async def test_requests_that_are_malformed(caller: Caller) -> None:
    good: dict[str, Any] = json.loads(caller.device.body)
    wrong: list[Any] = [
        [],
        {},
        *({name: value for name, value in good.items() if name != left} for left in ("id_data", "pubkey")),
        {**good, "id_data": {"mac": "aa:bb"}},
        {**good, "id_data": "mac"},
        {**good, "id_data": "{}"},
        {**good, "pubkey": "a key"},
    ]
    for content in wrong:
        assert told(await caller.sign_in(json.dumps(content).encode())) == 400
    assert told(await caller.sign_in(b"{")) == 400
    assert told(await caller.gateway.request("POST", SIGN_IN, data=caller.device.body)) == 400
    assert told(await caller.sign_in(b" " * 65_537)) == 413
    assert await caller.device.cast.count(AUTH_SET) == 0


async def test_requests_that_are_not_believed(caller: Caller) -> None:
    body = caller.device.body
    other = signature(new_key(), body)
    for forged in (other, signature(caller.device.key, body + b" "), "AAAA", "?"):
        answer = await caller.gateway.request("POST", SIGN_IN, data=body, headers={"X-MEN-Signature": forged})
        assert told(answer) == 401
    stranger = Caller(Device(caller.device.cast, {"mac": "cc"}, tenant="nobody's"))
    assert told(await stranger.sign_in()) == 401
    assert await caller.device.cast.count(AUTH_SET) == 0


async def test_a_token_ends_with_its_time(caller: Caller) -> None:
    cast = caller.device.cast
    await caller.device.accepted()
    token = await caller.token()
    row = (await cast.rows(THING_TOKEN.select()))[0]
    claims = {"jti": row.id.hex, "sub": row.thing_id.hex, "org": row.organization_id.hex}
    over = cast.gateway.application[PARTS].keys.sign(Audience.THING, claims, seconds=-5)
    assert told(await caller.ask(over)) == 401
    assert told(await caller.tell(over)) == 401
    assert (await caller.ask(token)).status == 204


@pytest.mark.parametrize("end", ["revoked", "rejected", "suspended", "decommissioned"])
async def test_a_token_that_was_just_good_ends_at_once(caller: Caller, end: str) -> None:
    cast = caller.device.cast
    await caller.device.accepted()
    token = await caller.token()
    thing, auth_set = await caller.device.thing(), await caller.device.auth_set()
    assert (await caller.ask(token)).status == 204
    match end:
        case "revoked":
            await cast.change("admin", "revokeThingTokens", {"thingId": thing}, "revokedCount")
        case "rejected":
            await cast.change("editor", "rejectAuthSet", {"id": auth_set})
        case "suspended":
            suspended = update(ORGANIZATION).where(ORGANIZATION.c.id == cast.acme)
            async with cast.store.write() as session:
                await session.execute(suspended.values(status=OrganizationStatus.SUSPENDED))
        case _:
            await cast.change("admin", "decommissionThings", {"ids": [thing]})
    assert told(await caller.ask(token)) == 401
    assert told(await caller.tell(token)) == 401
    assert (await caller.sign_in()).status == (200 if end == "revoked" else 401)


async def test_a_token_opens_the_graph_as_the_thing_alone(caller: Caller) -> None:
    cast = caller.device.cast
    await caller.device.accepted()
    token = f"Bearer {await caller.token()}"
    data = await cast.gateway.data("{ viewer { thing { id } } }", token=token)
    assert data == {"viewer": {"thing": {"id": await caller.device.thing()}}}
    given = {"organizationId": org_id(cast.acme), "name": "mine"}
    document = "mutation Add($input: CreateGroupInput!) { createGroup(input: $input) { userErrors { code } } }"
    answer = await cast.gateway.graphql(document, {"input": given}, token=token)
    assert "FORBIDDEN" in str(answer.json)
    assert await cast.count(THING) == 2


async def test_a_preauthorized_device_is_let_in_at_once(caller: Caller) -> None:
    cast = caller.device.cast
    public_key = json.loads(caller.device.body)["pubkey"]
    given = {"organizationId": org_id(cast.acme), "identity": caller.device.identity, "publicKey": public_key}
    await cast.change("editor", "preauthorizeThing", given, "authSet { id }")
    assert (await caller.ask(await caller.token())).status == 204
