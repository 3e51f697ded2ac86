from __future__ import annotations

from models.tables import SESSION
from tests.cast import PASSWORD, Cast, email_of

VIEWER = "{ viewer { user { email } } }"
LOGOUT = "mutation { logout { endedSessions userErrors { code } } }"


async def test_logout_ends_the_session_at_once(cast: Cast) -> None:
    here = await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    there = await cast.gateway.sign_in(email_of("viewer"), PASSWORD)
    assert await cast.gateway.data(LOGOUT, token=here.access_token) == {
        "logout": {"endedSessions": 1, "userErrors": []}
    }
    assert (await cast.gateway.graphql(VIEWER, token=here.access_token)).codes == ["UNAUTHENTICATED"]
    assert (await cast.gateway.graphql(LOGOUT, token=here.access_token)).codes == ["UNAUTHENTICATED"]
    payload = await cast.gateway.mutate("refreshSession", {"refreshToken": here.refresh_token})
    assert payload["userErrors"][0]["code"] == "UNAUTHENTICATED"
    assert (await cast.gateway.data(VIEWER, token=there.access_token))["viewer"]["user"]


async def test_logout_everywhere_ends_all_own_sessions(cast: Cast) -> None:
    tokens = [(await cast.gateway.sign_in(email_of("viewer"), PASSWORD)).access_token for _ in range(3)]
    other = await cast.token("editor")
    payload = await cast.gateway.mutate("logout", {"everywhere": True}, select="endedSessions", token=tokens[0])
    assert payload == {"endedSessions": 3, "userErrors": []}
    for token in tokens:
        assert (await cast.gateway.graphql(VIEWER, token=token)).codes == ["UNAUTHENTICATED"]
    assert (await cast.gateway.data(VIEWER, token=other))["viewer"]["user"]


async def test_only_people_log_out(cast: Cast) -> None:
    await cast.token("viewer")
    await cast.refused("logout", {}, {"anonymous": "UNAUTHENTICATED", "thing": "FORBIDDEN"})
    assert await cast.count(SESSION, SESSION.c.revoked_at.is_not(None)) == 0
