"""Two executors over one database: asking both, and saying where their answers differ."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import orjson
import pytest

from engine.documents import PreparedOperation
from engine.errors import RequestError
from engine.execution import Answer, Operations, Variables, refused
from gateway import build_parts
from resolvers.context import Context, Parts
from resolvers.guard import root_needs
from services import signed_addresses, tokens
from services.settings import Settings
from tests.differential.arguments import Known
from tests.differential.operations import Operation
from tests.differential.reduction import reduced
from tests.differential.updates import World
from tests.gateways import TOKEN_SECRET

Sights = dict[str, Known]
"""What each caller has seen of the world, as long as nobody changes it."""
Execute = Callable[[PreparedOperation, Variables | None, Context], Awaitable[Answer]]

SHOWN: Final = 3
COLLECTED_EVERY: Final = 100
"""Operations; Python does not collect garbage by itself meanwhile."""
CHARACTERS: Final = 1_000
NOON: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Finding:
    """One operation that was not answered as it should be, and why."""

    caller: str
    operation: Operation
    reason: str
    reference: bytes
    tried: bytes

    def __str__(self) -> str:
        return (
            f"{self.reason}\n  caller: {self.caller}, label: {self.operation.label}\n{self.operation.text}\n"
            f"  variables: {orjson.dumps(self.operation.variables).decode()}\n"
            f"  reference: {_short(self.reference)}\n  tried:     {_short(self.tried)}\n"
        )


@dataclass
class Report:
    """What came out of many operations."""

    findings: list[Finding] = field(default_factory=list)
    asked: int = 0
    failed: int = 0

    def __str__(self) -> str:
        lines = [f"{self.asked} operations, {self.failed} of them with errors; {len(self.findings)} findings"]
        return "\n".join([*lines, *map(str, self.findings[:SHOWN])])


class Stand:
    """The parts of a gateway over one database, and the callers in it."""

    def __init__(self, operations: Operations, reference: Operations, parts: Parts, world: World) -> None:
        """`operations` run by plans, `reference` never."""
        self.operations = operations
        self.reference = reference.execute
        self.sights: Sights = {}
        self.parts = parts
        self.world = world

    def context(self, caller: str) -> Context:
        """A fresh context of a caller."""
        return Context(self.parts, self.world.callers[caller], "request")

    async def ask(self, execute: Execute, caller: str, operation: Operation) -> Answer:
        """Prepare and execute an operation as a caller; a refused document is an answer, too."""
        try:
            prepared = self.operations.prepare(operation.text, operation.name)
        except RequestError as error:
            return refused(error)
        return await execute(prepared, operation.variables, self.context(caller))

    async def compare_all(self, asked: Iterable[tuple[str, Operation]], tried: Execute) -> Report:
        """Ask both executors for all of it; the first operations with findings are made as small as they can be."""
        report = Report()
        for caller, operation in asked:
            found = await self.compare(caller, operation, tried, report)
            if report.asked % COLLECTED_EVERY == 0:
                gc.collect()
            if found is not None:
                shown = len(report.findings) < SHOWN
                report.findings.append(await self._smallest(found, tried) if shown else found)
        return report

    async def compare(self, caller: str, operation: Operation, tried: Execute, report: Report) -> Finding | None:
        """Ask both executors, and say where they differ, or whether the one that is tried stepped aside without need.

        There is need where something asks for the schema, and where something is wrong with the operation, even if
        the answer does not show it: a bad argument of a field that no object is there for.
        """
        reference = await self.ask(self.reference, caller, operation)
        before = self.operations.fallbacks.copy()
        answer = await self.ask(tried, caller, operation)
        report.asked += 1
        report.failed += bool(reference.errors)
        reason = difference(reference, answer)
        aside = self.operations.fallbacks - before
        if reason is None and aside and not (reference.errors or operation.introspects or operation.is_faulty):
            reason = f"stepped aside without need: {', '.join(aside)}"
        if reason is None:
            return None
        return Finding(caller, operation, reason, body_of(reference), body_of(answer))

    async def _smallest(self, found: Finding, tried: Execute) -> Finding:
        """The same finding in as few words as possible."""

        async def shows(smaller: Operation) -> bool:
            return await self.compare(found.caller, smaller, tried, Report()) is not None

        smallest = await reduced(self.operations.schema, found.operation, shows)
        return await self.compare(found.caller, smallest, tried, Report()) or found


def _short(body: bytes) -> str:
    """The body, cut where nobody reads on."""
    text = body.decode()
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}…"


def body_of(answer: Answer) -> bytes:
    """The body of the answer, as it is sent."""
    return answer.encoded if answer.encoded is not None else orjson.dumps(answer.payload)


def difference(reference: Answer, tried: Answer) -> str | None:
    """What is not the same, in words; None when all is.

    Without errors the bodies must be equal byte for byte. With errors: `data` must, and codes and paths.
    """
    if reference.executed != tried.executed:
        return "one was refused and the other was not"
    if not reference.errors and not tried.errors:
        return None if body_of(reference) == body_of(tried) else "the bodies differ"
    if places(reference) != places(tried):
        return f"the errors differ: {places(reference)} and {places(tried)}"
    return None if orjson.dumps(reference.data) == orjson.dumps(tried.data) else "the data beside the errors differs"


def places(answer: Answer) -> list[tuple[str, str]]:
    """Codes and paths of the errors, in an order of their own."""
    return sorted((each["extensions"]["code"], repr(each.get("path"))) for each in answer.errors)


@asynccontextmanager
async def opened(
    operations: Operations, reference: Operations, url: str, world: World, directory: Path
) -> AsyncIterator[Stand]:
    """A stand over the database at `url`, for the time of the block."""
    settings = Settings(database_url=url, data_dir=directory, token_secret=TOKEN_SECRET)
    parts = replace(build_parts(settings), needs=root_needs(operations.schema))
    try:
        yield Stand(operations, reference, parts, world)
    finally:
        await parts.store.close()


def stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all signed addresses made at one moment, so that two answers hold the same ones."""
    monkeypatch.setattr(signed_addresses, "now", lambda: NOON)
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=NOON.timestamp))
