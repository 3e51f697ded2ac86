"""The paths of the device protocol: who is asking, what it costs, what is read, and which service does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from aiohttp import hdrs, web

from endpoints.answers import HttpError
from endpoints.application import SERVICE
from endpoints.bodies import read_body
from endpoints.devices import messages
from endpoints.devices.answers import accepted, instructions, refusal
from endpoints.trace import Trace, trace_of
from models.store import Store
from services import device_reports, thing_attributes, update_logs
from services.access import Access, ThingPrincipal, resolve_access
from services.artifact_choice import ARTIFACT_NAME, DEVICE_TYPE
from services.device_reports import Crowded
from services.errors import FleetError
from services.offers import Installed, Offer, Offers
from services.polls import Polls, Standing
from services.sign_ins import SignIns
from services.signed_addresses import SignedAddresses
from services.unit_of_work import unit_of_work

ROOT: Final = "/api/devices"
DEPLOYMENT: Final = f"{ROOT}/v1/deployments/device/deployments"
BODY_BYTES: Final = 65_536
LOG_BYTES: Final = 1_048_576
SIGN_IN_COST: Final = 1_000
POLL_COST: Final = 1_000
WRITE_COST: Final = 4_000
"""What a request takes from the budget of a minute (`endpoints.costs`): that of the device, or of its address."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer: TypeAlias = Callable[[web.Request, Trace], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceServices:
    """What the protocol is served from."""

    store: Store
    committed: Callable[[], None]
    sign_ins: SignIns
    offers: Offers
    addresses: SignedAddresses
    polls: Polls


class DeviceRoutes:
    """Serves devices."""

    def __init__(self, services: DeviceServices) -> None:
        """Answer from `services`."""
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """What the application serves."""
        return [
            web.post(f"{ROOT}/v1/authentication/auth_requests", _answering(self.sign_in)),
            web.put(f"{ROOT}/v1/inventory/device/attributes", _answering(self.write_attributes)),
            web.patch(f"{ROOT}/v1/inventory/device/attributes", _answering(self.write_attributes)),
            web.get(f"{DEPLOYMENT}/next", _answering(self.next_by_parameters), allow_head=False),
            web.post(f"{DEPLOYMENT}/next", _answering(self.next_by_flat_body)),
            web.post(f"{ROOT}/v2/deployments/device/deployments/next", _answering(self.next_by_body)),
            web.put(f"{DEPLOYMENT}/{{id}}/status", _answering(self.report)),
            web.put(f"{DEPLOYMENT}/{{id}}/log", _answering(self.write_log)),
        ]

    async def sign_in(self, request: web.Request, trace: Trace) -> web.Response:
        """Give a token for identity data, a public key and a signature over the body (services.sign_ins).

        200 with the bare token; 400 malformed, 401 not accepted (yet), or of a wrong signature or tenant token.
        """
        service = request.app[SERVICE]
        trace.address = service.addresses.of(request)
        service.costs.spend(SIGN_IN_COST, trace)
        body = await _read(request, BODY_BYTES)
        signature = request.headers.get("X-MEN-Signature")
        tenant_token = _bearer(request.headers.get(hdrs.AUTHORIZATION))
        sign_in = self._services.sign_ins.sign_in
        token = await service.running.to_the_end(lambda: sign_in(body, signature, tenant_token))
        return web.Response(body=token.encode(), content_type="application/jwt", headers={"Cache-Control": "no-store"})

    async def write_attributes(self, request: web.Request, trace: Trace) -> web.Response:
        """Take an inventory: PUT replaces what the device said before, PATCH adds to it. 200 without a body."""
        thing = await _thing(request, trace, WRITE_COST)
        values = messages.attributes(await _read(request, BODY_BYTES))
        replace = request.method == hdrs.METH_PUT

        async def write() -> None:
            access = await self._access(thing)
            async with unit_of_work(self._services.store, access, self._services.committed) as work:
                await thing_attributes.write_inventory(work, thing.thing_id, values, replace=replace)

        await request.app[SERVICE].running.to_the_end(write)
        return web.Response()

    async def next_by_parameters(self, request: web.Request, trace: Trace) -> web.Response:
        """Answer what to install next, by type and name alone (mender.ota.check-update): 200 or 204."""
        thing = await _thing(request, trace, POLL_COST)
        names = (DEVICE_TYPE, ARTIFACT_NAME)
        given = messages.installed({name: request.query[name] for name in names if name in request.query})
        return await self._next(request, thing, given, is_simple=True)

    async def next_by_flat_body(self, request: web.Request, trace: Trace) -> web.Response:
        """Answer what to install next, by all that the device provides (mender.ota.check-update-with-provides)."""
        thing = await _thing(request, trace, POLL_COST)
        given = messages.installed_of_body(await _read(request, BODY_BYTES), wrapped=False)
        return await self._next(request, thing, given)

    async def next_by_body(self, request: web.Request, trace: Trace) -> web.Response:
        """Answer the same question in its second version; maps of what a device may do by itself are never sent."""
        thing = await _thing(request, trace, POLL_COST)
        given = messages.installed_of_body(await _read(request, BODY_BYTES), wrapped=True)
        return await self._next(request, thing, given)

    async def _next(
        self, request: web.Request, thing: ThingPrincipal, given: Installed, *, is_simple: bool = False
    ) -> web.Response:
        """Most devices ask for nothing: then one shared look is all that it takes."""
        service = request.app[SERVICE]
        service.running.enter()
        try:
            standing = await self._services.polls.standing(thing)
        finally:
            service.running.leave()
        said = _completed(given, standing) if is_simple else given
        if not standing.may_have_update and said.software() == standing.software:
            return accepted()
        offers = self._services.offers
        offer = await service.running.to_the_end(lambda: offers.next(standing.access, said))
        return accepted() if offer is None else instructions(self._instructions(offer, given))

    def _instructions(self, offer: Offer, given: Installed) -> dict[str, Any]:
        """What a device installs, under the id of its own execution, and where the file is."""
        address = self._services.addresses.download(offer.artifact_id)
        return {
            "id": str(offer.execution_id),
            "artifact": {
                "artifact_name": offer.artifact_name,
                # A file for every type names none, and a device takes no file that does not name its own.
                "device_types_compatible": list(offer.compatible_types) or [given.device_type],
                "source": {"uri": address.url, "expire": address.expires_at.isoformat().replace("+00:00", "Z")},
            },
        }

    async def report(self, request: web.Request, trace: Trace) -> web.Response:
        """Take a step or the result of an update: 204.

        400 unknown status, 404 no execution of this thing, 409 it has ended: the device stops, and undoes what it did.
        """
        thing = await _thing(request, trace, WRITE_COST)
        execution_id = messages.execution_key(request.match_info["id"])
        given = messages.report(await _read(request, BODY_BYTES))

        async def write() -> None:
            access = await self._access(thing)
            services = self._services
            await device_reports.report(services.store, access, services.committed, execution_id, given)

        try:
            await request.app[SERVICE].running.to_the_end(write)
        except Crowded:
            raise HttpError(
                HTTPStatus.SERVICE_UNAVAILABLE, "Others were in the way. Try again.", headers={"Retry-After": "1"}
            ) from None
        return accepted()

    async def write_log(self, request: web.Request, trace: Trace) -> web.Response:
        """Take the log of an update in place of what was there: 204. A log of more than 1 MiB is refused (413)."""
        thing = await _thing(request, trace, WRITE_COST)
        execution_id = messages.execution_key(request.match_info["id"])
        lines = messages.log_lines(await _read(request, LOG_BYTES))

        async def write() -> None:
            access = await self._access(thing)
            async with unit_of_work(self._services.store, access, self._services.committed) as work:
                await update_logs.replace(work, execution_id, lines)

        await request.app[SERVICE].running.to_the_end(write)
        return accepted()

    async def _access(self, thing: ThingPrincipal) -> Access:
        return await resolve_access(self._services.store, thing)


def _answering(answer: Answer) -> Handler:
    """The handler that tells errors as devices expect them."""

    async def handle(request: web.Request) -> web.Response:
        trace = trace_of(request)
        try:
            return await answer(request, trace)
        except (HttpError, FleetError) as error:
            return refusal(error, trace.request_id)

    return handle


async def _thing(request: web.Request, trace: Trace, cost: int) -> ThingPrincipal:
    """The thing that is asking, which has paid. Raises HttpError: 401 nobody, 403 a person, 429 too often."""
    service = request.app[SERVICE]
    principal = await service.principal(request.headers.get(hdrs.AUTHORIZATION), trace)
    if principal is None:
        message = "Sign in first: this needs the token of a device."
        raise HttpError(HTTPStatus.UNAUTHORIZED, message, headers={"WWW-Authenticate": "Bearer"})
    if not isinstance(principal, ThingPrincipal):
        raise HttpError(HTTPStatus.FORBIDDEN, "This is for devices alone.")
    service.costs.spend(cost, trace)
    return principal


async def _read(request: web.Request, limit: int) -> bytes:
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Request bodies must not be compressed.", close=True)
    return await read_body(request, limit, request.app[SERVICE].settings.body_seconds)


def _bearer(authorization: str | None) -> str | None:
    """The token in a header, if it is one."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _completed(given: Installed, standing: Standing) -> Installed:
    """What the simple form leaves unsaid is as it was, when the thing still has what it last said that it has."""
    known = dict(standing.software)
    if (known.pop(DEVICE_TYPE, None), known.pop(ARTIFACT_NAME, None)) != (given.device_type, given.artifact_name):
        return given
    return Installed(given.device_type, given.artifact_name, known)
