"""A small schema for tests of the protocols, whose resolvers can be held and watched, and its live server."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import strawberry
from aiohttp import web
from strawberry.scalars import JSON

from endpoints.application import build_application
from endpoints.registered import RegisteredDocuments
from endpoints.server import make_runner
from endpoints.settings import EndpointSettings
from engine.errors import ClientError
from engine.execution import Operations
from engine.limits import Limits


@dataclass
class Laboratory:
    """What the resolvers do and what was seen of it."""

    seen: Counter[str] = field(default_factory=Counter)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)
    ready: dict[str, bool] = field(default_factory=lambda: {"database": True, "migrations": True})

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    def at(self, name: str) -> asyncio.Event:
        """Set when a resolver stands at the gate, or when something of that name was seen."""
        return self.reached.setdefault(name, asyncio.Event())

    def see(self, what: str) -> None:
        self.seen[what] += 1
        self.at(what).set()

    async def hold(self, name: str) -> None:
        """Stand at a gate until it opens; note a cancellation."""
        self.see(name)
        try:
            await self.gate(name).wait()
        except asyncio.CancelledError:
            self.see(f"{name} cancelled")
            raise
        self.see(f"{name} passed")


@dataclass
class Caller:
    id: str
    expires_at: float | None = None


@dataclass
class LaboratoryContext:
    laboratory: Laboratory
    principal: Caller | None
    request_id: str

    async def close(self) -> None:
        self.laboratory.see("context closed")


Info = strawberry.Info[LaboratoryContext, None]


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    def whoami(self, info: Info) -> str | None:
        return info.context.principal.id if info.context.principal else None

    @strawberry.field
    def echo(self, value: JSON) -> JSON:
        return value

    @strawberry.field
    def number(self, value: int) -> int:
        return value

    @strawberry.field
    async def held(self, info: Info, gate: str) -> str:
        await info.context.laboratory.hold(gate)
        return gate

    @strawberry.field
    async def fault(self) -> str | None:
        raise RuntimeError("password=hunter2 at /srv/secret.py")

    @strawberry.field
    def vital(self) -> str:
        raise RuntimeError("hunter2")

    @strawberry.field
    def told(self) -> str | None:
        raise ClientError("There is no such thing.", "NOT_FOUND")

    @strawberry.field
    def wrong_type(self) -> int | None:
        return "hunter2"  # type: ignore[return-value]

    @strawberry.field
    def unwritable(self) -> JSON:
        return {"number": 2**70}  # type: ignore[return-value]

    @strawberry.field
    def deeper(self) -> Query:
        return Query()


@strawberry.type
class Mutation:
    @strawberry.mutation
    def note(self, info: Info, what: str) -> str:
        info.context.laboratory.see(f"noted {what}")
        return what

    @strawberry.mutation
    async def held_note(self, info: Info, gate: str) -> str:
        await info.context.laboratory.hold(gate)
        return gate


@strawberry.type
class Tick:
    number: int
    text: str = ""

    @strawberry.field
    def context_number(self, info: Info) -> int:
        """How many contexts were closed before this event: grows when every event has its own."""
        return info.context.laboratory.seen["context closed"]

    @strawberry.field
    async def held(self, info: Info, gate: str) -> str:
        await info.context.laboratory.hold(gate)
        return gate

    @strawberry.field
    def odd_only(self) -> int | None:
        if self.number % 2 == 0:
            raise ClientError("This one is even.", "WRONG_STATE")
        return self.number


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, count: int, size: int = 0) -> AsyncIterator[Tick]:
        try:
            for number in range(count):
                info.context.laboratory.see("tick")
                yield Tick(number=number, text="x" * size)
        finally:
            info.context.laboratory.see("ticks ended")

    @strawberry.subscription
    async def gated(self, info: Info, gate: str, size: int = 0) -> AsyncIterator[Tick]:
        yield Tick(number=0, text="x" * size)
        try:
            await info.context.laboratory.hold(gate)
        finally:
            info.context.laboratory.see(f"{gate} ended")
        yield Tick(number=1)

    @strawberry.subscription
    async def counted(self, after: str | None = None) -> AsyncIterator[Tick]:
        """The three numbers behind `after`."""
        first = int(after or 0) + 1
        for number in range(first, first + 3):
            yield Tick(number=number)

    @strawberry.subscription
    async def unwritable(self) -> AsyncIterator[JSON]:
        yield {"number": 2**70}  # type: ignore[misc]

    @strawberry.subscription
    async def failing(self) -> AsyncIterator[Tick]:
        yield Tick(number=1)
        raise RuntimeError("hunter2")

    @strawberry.subscription
    async def expired(self, after: int = 0) -> AsyncIterator[Tick]:
        if after >= 0:
            raise ClientError("The log does not reach back that far.", "CURSOR_EXPIRED")
        yield Tick(number=0)


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


@dataclass
class Served:
    """A running gateway over the laboratory's schema."""

    laboratory: Laboratory
    application: web.Application
    port: int
    callers: dict[str, Caller]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def coded(request: web.Request) -> web.Response:
    raise ClientError("No such file.", "NOT_FOUND")


async def broken(request: web.Request) -> web.Response:
    raise RuntimeError("hunter2")


@asynccontextmanager
async def served(
    settings: EndpointSettings | None = None,
    limits: Limits | None = None,
    registered: Mapping[str, str] | RegisteredDocuments | None = None,
    send_buffer: int | None = None,
) -> AsyncIterator[Served]:
    """Serve the laboratory on a free port of the loopback address, in the development profile unless told otherwise.

    `send_buffer` is what the system keeps of each connection for a client that does not read, in bytes.
    """
    settings = settings or EndpointSettings(production=False)
    laboratory = Laboratory()
    callers = {"Bearer alice": Caller("user_alice"), "Bearer bob": Caller("user_bob")}

    async def authenticate(authorization: str | None) -> Caller | None:
        if authorization is None:
            return None
        if authorization == "Bearer broken":
            raise RuntimeError("hunter2")
        if authorization not in callers:
            raise ClientError("The token is not valid.", "UNAUTHENTICATED")
        return callers[authorization]

    async def readiness() -> Mapping[str, bool]:
        laboratory.see("readiness")
        if not laboratory.ready:
            raise ConnectionError("hunter2")
        return laboratory.ready

    application = build_application(
        operations=Operations(SCHEMA, limits, hide_suggestions=settings.production),
        settings=settings,
        authenticate=authenticate,
        make_context=lambda principal, request_id: LaboratoryContext(laboratory, principal, request_id),  # type: ignore[arg-type]
        readiness=readiness,
        sdl=SCHEMA.as_str(),
        registered_documents=(
            registered if isinstance(registered, RegisteredDocuments) else RegisteredDocuments(registered)
        ),
        extra_routes=[web.get("/files/{name}", coded), web.get("/broken", broken)],
    )

    async def store(_: web.Application) -> AsyncIterator[None]:
        yield
        laboratory.see("store closed")

    application.cleanup_ctx.append(store)
    runner = make_runner(application, shutdown_seconds=5.0)
    await runner.setup()
    try:
        listening = socket.create_server(("127.0.0.1", 0))
        if send_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        await web.SockSite(runner, listening).start()
        yield Served(laboratory, application, runner.addresses[0][1], callers)
    finally:
        await runner.cleanup()
