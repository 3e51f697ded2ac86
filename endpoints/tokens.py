"""`/tokens/verify`: whether the token of a thing is good, for proxies and services beside the gateway.

It is asked with the very header that is to be judged, as a proxy hands it on (`auth_request` of nginx and its like):
200 with whose it is, 400 for no token of a thing at all, 401 for one that is not good or was revoked, and a person's,
and 403 for one whose time is over, with which the thing should sign in anew (mender.identity.verify-device-token).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import hdrs, web

from endpoints.answers import HttpError
from endpoints.application import SERVICE
from endpoints.devices.answers import refusal
from endpoints.trace import trace_of
from services.access import ThingPrincipal
from services.errors import FleetError, TokenExpired

PATH: Final = "/tokens/verify"
VERIFY_COST: Final = 100
"""What a question takes from the budget of the address that asks."""


class TokenRoutes:
    """Says whether tokens of things are good."""

    def __init__(self, authenticate_thing: Callable[[str | None], Awaitable[ThingPrincipal]]) -> None:
        """Ask `authenticate_thing`, which raises as `services.sessions.Authenticator.authenticate_thing` does."""
        self._authenticate = authenticate_thing

    def routes(self) -> list[web.RouteDef]:
        """What the application serves."""
        return [web.get(PATH, self.verify, allow_head=False), web.post(PATH, self.verify)]

    async def verify(self, request: web.Request) -> web.Response:
        """Judge the Authorization header; the body is not looked at."""
        trace, service = trace_of(request), request.app[SERVICE]
        trace.address = service.addresses.of(request)
        try:
            service.costs.spend(VERIFY_COST, trace)
            thing = await self._authenticate(request.headers.get(hdrs.AUTHORIZATION))
        except TokenExpired as error:
            return refusal(HttpError(HTTPStatus.FORBIDDEN, error.message), trace.request_id)
        except (FleetError, HttpError) as error:
            return refusal(error, trace.request_id)
        trace.principal = thing.id
        said = {
            "thing": f"thing_{thing.thing_id.hex}",
            "organization": f"org_{thing.organization_id.hex}",
            "token": None if thing.token_id is None else f"thingtoken_{thing.token_id.hex}",
            "expiresAt": thing.expires_at,
        }
        return web.Response(
            body=orjson.dumps(said), content_type="application/json", headers={"Cache-Control": "no-store"}
        )
