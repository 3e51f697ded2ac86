"""Who a request comes from: the Authorization header, and what becomes of a token after it was given."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from models.columns import now
from models.enums import UserStatus
from models.tables import SESSION, THING, USER
from services.tokens import Audience, TokenKeys
from tests.cast import THING_KEY, Cast
from tests.gateways import TOKEN_SECRET

VIEWER = "{ viewer { user { email } thing { name } } }"


async def test_person_and_thing_are_told_apart(cast: Cast) -> None:
    assert await cast.data("viewer", VIEWER) == {"viewer": {"user": {"email": "viewer@example.com"}, "thing": None}}
    assert await cast.data("thing", VIEWER) == {"viewer": {"user": None, "thing": {"name": "Pump"}}}
    assert (await cast.gateway.graphql(VIEWER)).codes == ["UNAUTHENTICATED"]


async def test_schemes_are_not_interchangeable(cast: Cast) -> None:
    access_token = await cast.token("viewer")
    for header in (f"Bearer {THING_KEY}", f"Thing {access_token}"):
        assert (await cast.gateway.graphql(VIEWER, token=header)).codes == ["UNAUTHENTICATED"]


async def test_scheme_is_taken_in_any_case(cast: Cast) -> None:
    assert (await cast.gateway.data(VIEWER, token=f"thing {THING_KEY}"))["viewer"]["thing"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_malformed_headers_are_refused(cast: Cast) -> None:
    access_token = await cast.token("viewer")
    headers = [
        "Bearer ",
        "Bearer",
        "Basic dmlld2VyOnBhc3N3b3Jk",
        f"{access_token} ",
        f"Bearer {access_token} {access_token}",
        f"Bearer {access_token}x",
        f"Bearer  ,{access_token}",
        "Bearer " + "x" * 5000,
        "Thing ",
        "Thing " + "x" * 5000,
        "Thing kéy",
        "Thing nothing-has-this-key",
    ]
    for header in headers:
        answer = await cast.gateway.request(
            "POST", "/graphql", headers={"Authorization": header}, json={"query": VIEWER}
        )
        assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"]), header


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_forged_tokens_are_refused(cast: Cast) -> None:
    ours, theirs = TokenKeys.of(TOKEN_SECRET), TokenKeys.of("a secret of somebody else, long enough")
    claims = {"sub": cast.people["owner"].hex, "sid": cast.people["owner"].hex}
    forged = [
        theirs.sign(Audience.ACCESS, claims, seconds=60),
        ours.sign(Audience.UPLOAD, claims, seconds=60),
        ours.sign(Audience.ACCESS, claims, seconds=-60),
        ours.sign(Audience.ACCESS, {"sub": claims["sub"]}, seconds=60),
        ours.sign(Audience.ACCESS, {"sub": "x", "sid": "y"}, seconds=60),
        # Signed by us, of a session that is not there.
        ours.sign(Audience.ACCESS, claims, seconds=60),
    ]
    for token in forged:
        assert (await cast.gateway.graphql(VIEWER, token=token)).codes == ["UNAUTHENTICATED"]


async def test_session_that_is_over_opens_nothing(cast: Cast) -> None:
    for name in ("viewer", "editor", "admin"):
        await cast.token(name)
    async with cast.store.write() as session:
        mine = SESSION.c.user_id == cast.people["viewer"]
        await session.execute(update(SESSION).where(mine).values(expires_at=now() - timedelta(seconds=1)))
        await session.execute(update(USER).where(USER.c.id == cast.people["editor"]).values(status=UserStatus.DISABLED))
        await session.execute(delete(THING).where(THING.c.id == cast.thing))
    for name in ("viewer", "editor", "thing"):
        assert (await cast.gateway.graphql(VIEWER, token=await cast.token(name))).codes == ["UNAUTHENTICATED"]
    assert (await cast.data("admin", VIEWER))["viewer"]["user"]


async def test_access_follows_the_roles_of_the_moment(cast: Cast) -> None:
    names = "{ organizations { nodes { name } } }"
    await cast.token("viewer")
    owner = {"organizationId": f"org_{cast.acme.hex}", "userIds": [f"user_{cast.people['viewer'].hex}"]}
    assert len((await cast.data("viewer", names))["organizations"]["nodes"]) == 2
    await cast.change("owner", "removeMembers", owner)
    assert (await cast.data("viewer", names))["organizations"]["nodes"] == []
