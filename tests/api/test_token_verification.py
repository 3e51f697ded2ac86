"""`/tokens/verify`: what proxies and services beside the gateway are told about a thing's token."""

from __future__ import annotations

import pytest

from gateway import PARTS
from models.ids import new_id
from services.tokens import Audience
from tests.cast import THING_KEY, Cast, org_id
from tests.key_pairs import Device, add_tenant
from tests.rows import key

PATH = "/tokens/verify"


@pytest.fixture
async def device(cast: Cast) -> Device:
    """An accepted thing."""
    await add_tenant(cast)
    return await Device(cast, {"mac": "1"}).accepted()


async def status(cast: Cast, authorization: str | None, method: str = "GET") -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return (await cast.gateway.request(method, PATH, headers=headers)).status


async def test_a_good_token_is_told_whose_it_is(cast: Cast, device: Device) -> None:
    token = await device.sign_in()
    claims = cast.gateway.application[PARTS].keys.verify(Audience.THING, token)
    for method in ("GET", "POST"):
        answer = await cast.gateway.request(method, PATH, headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 200
        assert answer.json == {
            "thing": await device.thing(),
            "organization": org_id(cast.acme),
            "token": f"thingtoken_{claims['jti']}",
            "expiresAt": claims["exp"],
        }
        assert answer.headers["Cache-Control"] == "no-store"


async def test_answers_are_kept_apart(cast: Cast, device: Device) -> None:
    """400 for no token of a thing, 401 for one that is not good and for a person's, 403 for one whose time is over."""
    token, keys = await device.sign_in(), cast.gateway.application[PARTS].keys
    claims = {"jti": new_id().hex, "sub": key(await device.thing()).hex, "org": cast.acme.hex}
    for header in (None, "", "Bearer", "Bearer x", f"Thing {THING_KEY}", f"Basic {token}"):
        assert await status(cast, header) == 400, header
    for each in (f"{token}x", keys.sign(Audience.THING, claims, seconds=60), await cast.token("owner")):
        assert await status(cast, f"Bearer {each}") == 401
    assert await status(cast, f"Bearer {keys.sign(Audience.THING, claims, seconds=-60)}") == 403
    assert await status(cast, f"Bearer {token}") == 200
    await cast.change("editor", "rejectAuthSet", {"id": await device.auth_set()})
    assert await status(cast, f"Bearer {token}") == 401
