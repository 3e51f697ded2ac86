"""What a thing is offered next (ota.md, "What a thing is offered next").

A thing that asks is nearly always told that there is nothing, which costs one statement (`models.waiting`). When there
is something, the update is marked as offered, with the file that was picked for the thing, and the same is said again
until the thing reports its end. One transaction marks or ends one update of each of the things that ask while another
runs, so that locks are taken in one order; what ends is followed by a new look.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import select

from models.columns import now
from models.enums import OtaExecutionStatus as Status
from models.enums import Permission
from models.store import Store
from models.tables import THING
from models.waiting import Waiting, WaitingThing, WaitingUpdate, read_all_waiting, read_waiting
from services import signing_requests
from services.access import ANONYMOUS, Access, ThingPrincipal
from services.artifact_choice import (
    ARTIFACT_NAME,
    DEVICE_TYPE,
    File,
    Shelf,
    Software,
    choose,
    is_installed,
)
from services.batches import Batches
from services.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated, WrongState
from services.execution_steps import Standing, Step, lock_free, take
from services.offer_order import UNDER_WAY, Line, line_up, was_offered
from services.offer_signing import NO_KEY, Keys, read_keys
from services.thing_software import keep, last_said
from services.unit_of_work import UnitOfWork, unit_of_work
from services.validation import MAX_JSON_TEXT, NAME_LENGTH, check_name, check_text
from sql.sets import member_of

LOOKS: Final = 20
"""How often it is looked anew for one question: after an update has ended, and after somebody got in the way."""
TOGETHER: Final = 100
"""Things that are given updates with one transaction."""
MOST_PROVIDED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Installed:
    """What a thing says that it has: its type, the name of its artifact, and whatever else it provides."""

    device_type: str
    artifact_name: str
    provides: Mapping[str, str] = field(default_factory=dict)

    def software(self) -> dict[str, str]:
        """All of it by key, as `thing.software` keeps it: `device_type`, `artifact_name`, and what it provides.

        Raises InvalidInput for a name that is empty or too long, and for too much of it.
        """
        named = {
            DEVICE_TYPE: check_name(self.device_type, ("deviceType",)),
            ARTIFACT_NAME: check_name(self.artifact_name, ("artifactName",)),
        }
        if len(self.provides) > MOST_PROVIDED:
            raise InvalidInput(f"a thing provides {MOST_PROVIDED:,} things at most", ("provides",))
        for key, value in self.provides.items():
            if not isinstance(value, str):
                raise InvalidInput("what a thing provides are texts", ("provides", key))
            check_text(key, ("provides",), limit=NAME_LENGTH)
            check_text(value, ("provides", key))
        if sum(len(key) + len(value) for key, value in self.provides.items()) > MAX_JSON_TEXT:
            raise InvalidInput("what the thing provides is too much text", ("provides",))
        return {**self.provides, **named}


@dataclass(frozen=True, slots=True)
class Offer:
    """An update with the file for the thing; `key_digests` are those of the keys that the file is signed with.

    `for_people` says whether people who are asked for their consent may have the file.
    """

    execution_id: UUID
    job_id: UUID
    deployment_id: UUID | None
    artifact_id: UUID
    artifact_name: str
    artifact_version: str
    file_name: str
    compatible_types: list[str]
    size: int
    sha256: str
    md5: str | None
    description: str
    metadata: dict[str, Any]
    key_digests: list[str]
    for_people: bool = False


class _Look(Enum):
    """What follows when nothing was given out, and not for good: another look, at once or when others are done."""

    AGAIN = "again"
    LATER = "later"


class _Question(NamedTuple):
    """What a thing asks for that is to be marked: who asks, and what it says that it has, as sorted pairs."""

    principal: ThingPrincipal
    said: tuple[tuple[str, str], ...] | None


class _Outcome(NamedTuple):
    """What becomes of a question, and what has to move for that."""

    answer: Offer | _Look
    steps: Sequence[Step] = ()


_Answer = Offer | _Look | Unauthenticated


class Offers:
    """Says what things are offered."""

    def __init__(self, store: Store, committed: Callable[[], None], *, clock: Callable[[], datetime] = now) -> None:
        """`committed` is called after each commit that left events; `clock` says what time it is."""
        self._store = store
        self._committed = committed
        self._clock = clock
        self._marks: Batches[_Question, _Answer] = Batches(self._give, most=TOGETHER, name="offers of updates")

    async def next(self, access: Access, installed: Installed | None) -> Offer | None:
        """The update that the thing is to take now, marked as offered; None when nothing is due.

        Without `installed`, what the thing last said counts. An update whose file is installed already ends as
        ALREADY_INSTALLED, one without a fitting file as NO_ARTIFACT, one without a fitting key as FAILURE; then it is
        looked for another one. The key of the thing is proven by the same statement, so that a presumed access will do.
        Raises Forbidden for people, Unauthenticated when the key is no longer good, InvalidInput, and Conflict when
        others got in the way too often.
        """
        if access.thing is None:
            raise Forbidden("only a thing asks for its own updates")
        said = None if installed is None else installed.software()
        question = _Question(access.thing, None if said is None else tuple(sorted(said.items())))
        for attempt in range(LOOKS):
            waiting = _proven(access.thing, await read_waiting(self._store, access.thing.thing_id))
            line = line_up(waiting, self._clock())
            if said is None or orjson.loads(waiting.thing.software) == said:
                if not line.updates:
                    return None
                again = await self._repeat(waiting, line.updates[0], said)
                if again is not None:
                    return again
            try:
                found = await self._marks.get(question)
            except Conflict:
                found = _Look.LATER
            if isinstance(found, Unauthenticated):
                raise Unauthenticated(found.message)
            if not isinstance(found, _Look):
                return found
            if found is _Look.LATER:
                await asyncio.sleep(random.uniform(0, 0.005) * 2 ** min(attempt, 6))  # noqa: S311 - not for secrets
        raise Conflict("other changes are made at the same time; try again")

    async def preview(self, access: Access, thing_id: UUID) -> Offer | None:
        """What the thing would be offered if it asked now, and for people also what waits for their consent.

        Changes nothing (rainmaker.ota.user-check-update). A file that is to be signed is told of as it was uploaded
        until the thing has asked for it. Raises NotFound unless the caller is the thing, or may read its updates.
        """
        waiting = await read_waiting(self._store, thing_id)
        if waiting is None or not _may_look(access, thing_id, waiting.thing):
            raise NotFound("there is no thing with this id", ("thingId",))
        async with self._store.read() as reading:
            software, shelf = await last_said(reading, thing_id, waiting.thing), Shelf(reading)
            for each in line_up(waiting, self._clock(), consent=access.thing is None).updates:
                keys = await read_keys(reading, waiting.thing, each)
                file = await _pick(shelf, each, software)
                if file is not None and keys is not None and not is_installed(file, software):
                    return _offer(each, file, keys)
        return None

    async def _repeat(self, waiting: Waiting, first: WaitingUpdate, said: Software | None) -> Offer | None:
        """The same instruction again, without a change; None when there is something to be changed."""
        if not was_offered(first) or first.artifact_id is None:
            return None
        async with self._store.read() as reading:
            file = await Shelf(reading).file(UUID(hex=first.artifact_id))
            software = orjson.loads(waiting.thing.software) if said is None else said
            if file is None or is_installed(file, software):
                return None
            keys = await read_keys(reading, waiting.thing, first)
        return None if keys is None else _offer(first, file, keys)

    async def _give(self, questions: Collection[_Question]) -> Mapping[_Question, _Answer]:
        """Mark for each thing the first update that can be given out, or end the first one that cannot be done.

        Those who ask while others are being answered share the next transaction. The things are locked, so that each is
        offered one at a time however often it asks at once; what waits for them is read after that.
        """
        first = {each.principal.thing_id: each for each in questions}
        found: dict[_Question, _Answer] = dict.fromkeys(questions, _Look.AGAIN)
        things = sorted(first)
        async with unit_of_work(self._store, ANONYMOUS, self._committed, clock=self._clock) as work:
            lock = select(THING.c.id).where(member_of(THING.c.id, things)).order_by(THING.c.id)
            await work.session.execute(lock.with_for_update(key_share=True))
            shelf = Shelf(work.session)
            moves: dict[_Question, Sequence[Step]] = {}
            for key, waiting in zip(things, await read_all_waiting(self._store, things), strict=True):
                question = first[key]
                del found[question]
                try:
                    outcome = await _answer(work, question, _proven(question.principal, waiting), shelf)
                except Unauthenticated as error:
                    found[question] = error
                    continue
                if outcome is not None:
                    found[question], moves[question] = outcome
            held = await _held(work, moves) if len(moves) > 1 else set()
            found |= dict.fromkeys(held, _Look.LATER)
            await take(work, [step for question, steps in moves.items() if question not in held for step in steps])
        return found


def _proven(principal: ThingPrincipal, waiting: Waiting | None) -> Waiting:
    """What waits for a thing whose key is still good; a token was looked at when the access was resolved."""
    if waiting is None or (principal.token_id is None and waiting.thing.key_digest != principal.digest):
        raise Unauthenticated("the thing's key is not valid")
    return waiting


async def _held(work: UnitOfWork, moves: Mapping[_Question, Sequence[Step]]) -> set[_Question]:
    """The questions of which something is held, or was moved, by somebody else."""
    standings = [step.standing for steps in moves.values() for step in steps]
    free = await lock_free(work, standings) if standings else set()
    return {question for question, steps in moves.items() if any(step.standing.id not in free for step in steps)}


async def _answer(work: UnitOfWork, question: _Question, waiting: Waiting, shelf: Shelf) -> _Outcome | None:
    """What becomes of the question of a thing that is locked; None when nothing can be given out."""
    thing_id = question.principal.thing_id
    if question.said is None:
        software = await last_said(work.session, thing_id, waiting.thing)
    else:
        software = dict(question.said)
        await keep(work, thing_id, waiting.thing, dict(question.said))
    line = line_up(waiting, work.moment)
    for each in line.updates:
        outcome = await _try(work, _Ask(thing_id, waiting.thing, each, software), line, shelf)
        if outcome is not None:
            return outcome
    return None


@dataclass(frozen=True, slots=True)
class _Ask:
    """One update that a thing asks for, and what it says that it has."""

    thing_id: UUID
    thing: WaitingThing
    update: WaitingUpdate
    software: Software

    def standing(self, update: WaitingUpdate) -> Standing:
        """An update of this thing, as it was read."""
        group = self.thing.home_group_id
        return Standing(
            id=UUID(hex=update.id),
            organization_id=UUID(hex=self.thing.organization_id),
            thing_id=self.thing_id,
            home_group_id=None if group is None else UUID(hex=group),
            job_id=UUID(hex=update.job_id),
            deployment_id=None if update.deployment_id is None else UUID(hex=update.deployment_id),
            status=Status(update.status),
        )

    def step(self, landing: Status, file: File | None, **values: Any) -> Step:
        """What the asking does to the update."""
        given = {"device_type": self.software.get(DEVICE_TYPE, ""), "artifact_id": None if file is None else file.id}
        return Step(self.standing(self.update), landing, given | values, asks=self.update.offered_at is None)


def _may_look(access: Access, thing_id: UUID, thing: WaitingThing) -> bool:
    if access.thing is not None:
        return access.thing.thing_id == thing_id
    owner = UUID(hex=thing.organization_id)
    return access.allows(Permission.THING_READ, owner) and access.allows(Permission.OTA_READ, owner)


async def _pick(shelf: Shelf, update: WaitingUpdate, software: Software) -> File | None:
    """The file of an update: the one that was offered, else the best of the job or of the release for this software."""
    if was_offered(update) and update.artifact_id is not None:
        offered = await shelf.file(UUID(hex=update.artifact_id))
        if offered is not None:
            return offered
    if update.job_artifact_id is not None:
        file = await shelf.file(UUID(hex=update.job_artifact_id))
        return None if file is None else choose([file], software)
    if update.release_id is None:
        return None
    owner = None if update.deployed_by_id is None else UUID(hex=update.deployed_by_id)
    return choose(await shelf.release(UUID(hex=update.release_id), owner), software)


async def _try(work: UnitOfWork, ask: _Ask, line: Line, shelf: Shelf) -> _Outcome | None:
    """Give out one update, or end it when it cannot be done; None when it has to wait for its file to be signed."""
    file = await _pick(shelf, ask.update, ask.software)
    if file is None:
        return _end(ask, Status.NO_ARTIFACT, None)
    if is_installed(file, ask.software):
        return _end(ask, Status.ALREADY_INSTALLED, file)
    keys = await read_keys(work.session, ask.thing, ask.update)
    if was_offered(ask.update):
        return _Outcome(_offer(ask.update, file, keys or {}))
    if keys is None:
        return _end(ask, Status.FAILURE, file, NO_KEY)
    try:
        signed = await _signed(work, ask.update, file, keys)
    except (InvalidInput, NotFound, WrongState) as error:
        return _end(ask, Status.FAILURE, file, error.message)
    return None if signed is None else _Outcome(_offer(ask.update, signed, keys), _mark(work, ask, signed, line))


async def _signed(work: UnitOfWork, update: WaitingUpdate, file: File, keys: Keys) -> File | None:
    """The file with the signatures that the job wants; None while it is being signed, which this asks for.

    Raises InvalidInput, NotFound and WrongState for what will never be signed.
    """
    if not keys:
        return file
    made = await signing_requests.provide(work, file.id, list(keys), UUID(hex=update.job_id))
    return None if made is None else await Shelf(work.session).file(made)


def _mark(work: UnitOfWork, ask: _Ask, file: File, line: Line) -> Sequence[Step]:
    """Mark an update as offered; what was offered before and is withheld now has to be offered again."""
    given = ask.update
    landing = Status.TRIGGERED if given.status == Status.PENDING else Status(given.status)
    steps = [ask.step(landing, file, offered_at=given.offered_at or work.moment)]
    steps += [Step(ask.standing(each), Status.PENDING) for each in line.offered if each is not given]
    steps += [Step(ask.standing(each), Status.ABORTED) for each in line.left]
    return steps


def _end(ask: _Ask, landing: Status, file: File | None, why: str = "") -> _Outcome | None:
    """End an update that cannot be done; one that has begun is left to the thing, unless its file is there."""
    if ask.update.status in UNDER_WAY and landing is not Status.ALREADY_INSTALLED:
        return None
    return _Outcome(_Look.AGAIN, [ask.step(landing, file, substate=why)])


def _offer(update: WaitingUpdate, file: File, keys: Keys) -> Offer:
    return Offer(
        execution_id=UUID(hex=update.id),
        job_id=UUID(hex=update.job_id),
        deployment_id=None if update.deployment_id is None else UUID(hex=update.deployment_id),
        artifact_id=file.id,
        artifact_name=file.name,
        artifact_version=file.artifact_version,
        file_name=file.file_name,
        compatible_types=file.compatible_types,
        size=file.size,
        sha256=file.sha256,
        md5=file.md5,
        description=update.description,
        metadata=orjson.loads(update.metadata),
        key_digests=sorted(keys.values()),
        for_people=update.share_file,
    )
