"""Reports share commits: each is taken or fails by itself, in the order of arrival, under the access as it is then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, insert, select, update

from models.columns import now
from models.enums import EventKind, Role
from models.errors import StoreError
from models.ids import new_id
from models.tables import EVENT, MEMBERSHIP, SESSION, THING, THING_STATE
from models.writers import Interrupted, Refused
from services import reports
from services.access import ANONYMOUS, Access, ThingPrincipal, UserPrincipal, resolve_access
from services.errors import Conflict, FleetError, Forbidden, InvalidInput, LimitReached, NotFound, Unauthenticated
from services.reports import Reports
from services.submissions import Outcome, Report, Taken
from services.tokens import digest
from tests.cast import THING_KEY, Cast
from tests.services.standing_writers import Failing, Gated

CHANGED = EVENT.c.kind == EventKind.THING_STATE_CHANGED


@pytest.fixture
def taking(cast: Cast) -> Reports:
    return Reports(cast.store, lambda: None)


@pytest.fixture
def gate(cast: Cast) -> Gated:
    """A gate before the transactions of the store."""
    gated = Gated(cast.store.writers)
    cast.store.writers = gated
    return gated


async def access_of(cast: Cast, caller: str) -> Access:
    """What a person of the cast may do, in a session of their own."""
    session, person = new_id(), cast.people[caller]
    row = {"id": session, "user_id": person, "created_at": now(), "expires_at": now().replace(year=2999)}
    async with cast.store.write() as writing:
        await writing.execute(insert(SESSION).values(row))
    return await resolve_access(cast.store, UserPrincipal(person, session, 0.0))


def access_of_thing(cast: Cast) -> Access:
    return Access(ThingPrincipal(cast.thing, cast.acme, digest(THING_KEY)))


def taken(outcomes: Sequence[Outcome]) -> list[Taken]:
    for each in outcomes:
        if isinstance(each, FleetError):
            raise each
    return [each for each in outcomes if isinstance(each, Taken)]


async def reported(cast: Cast, key: UUID) -> Any:
    return await cast.value(THING_STATE.c.reported, THING_STATE.c.thing_id == key)


async def told(cast: Cast, key: UUID) -> list[tuple[int, Any]]:
    """Version and patch of every change of a thing's state, in the order of the log."""
    place = (EVENT.c.transaction, EVENT.c.sequence)
    rows = await cast.rows(select(EVENT.c.detail).where(EVENT.c.thing_id == key, CHANGED).order_by(*place))
    return [(row.detail["version"], row.detail["patch"]) for row in rows]


async def commits(cast: Cast) -> int:
    """How many transactions have told of states: each does so at a moment of its own."""
    return int((await cast.rows(select(func.count(EVENT.c.occurred_at.distinct())).where(CHANGED)))[0][0])


async def test_reports_of_one_thing_are_taken_in_order_each_with_its_version(cast: Cast, taking: Reports) -> None:
    given = [Report(cast.thing, {"last": number, str(number): True}) for number in range(5)]
    outcomes, _ = await taking.take(await access_of(cast, "editor"), given)
    assert [each.version for each in taken(outcomes)] == [1, 2, 3, 4, 5]
    assert await told(cast, cast.thing) == [(number + 1, each.reported) for number, each in enumerate(given)]
    whole = {"last": 4, **{str(number): True for number in range(5)}}
    assert [each.state["reported"] for each in taken(outcomes)] == [whole] * 5
    assert (await reported(cast, cast.thing), await commits(cast)) == (whole, 1)


async def test_a_report_that_stands_alone_stands_between_those_that_are_merged(cast: Cast, taking: Reports) -> None:
    given = [Report(cast.thing, {"a": 1}), Report(cast.thing, {"b": 1}, replace=True), Report(cast.thing, {"c": 1})]
    await taking.take(access_of_thing(cast), given)
    assert await reported(cast, cast.thing) == {"b": 1, "c": 1}


async def test_those_who_wait_share_a_commit(cast: Cast, taking: Reports, gate: Gated) -> None:
    keys = [cast.thing, *await cast.add_things(19)]
    access = await access_of(cast, "owner")
    first = asyncio.create_task(taking.take(access, [Report(cast.thing, {"first": True})]))
    await gate.waiting.wait()
    others = [asyncio.create_task(taking.take(access, [Report(key, {"n": place})])) for place, key in enumerate(keys)]
    own = asyncio.create_task(taking.take(access_of_thing(cast), [Report(None, {"own": True})]))
    await asyncio.sleep(0)
    gate.go.set()
    for outcomes, _ in await asyncio.gather(first, *others, own):
        assert len(taken(outcomes)) == 1
    assert (gate.begun, await commits(cast)) == (2, 2)
    assert await reported(cast, cast.thing) == {"first": True, "n": 0, "own": True}
    assert [version for version, _ in await told(cast, cast.thing)] == [1, 2, 3]


async def test_more_than_fit_share_several_commits_in_order(
    cast: Cast, taking: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_TOGETHER", 4)
    outcomes, _ = await taking.take(access_of_thing(cast), [Report(None, {"n": number}) for number in range(10)])
    assert [each.version for each in taken(outcomes)] == list(range(1, 11))
    assert await commits(cast) == 3
    assert await reported(cast, cast.thing) == {"n": 9}


async def test_two_transactions_at_a_time_are_never_about_one_thing(
    cast: Cast, taking: Reports, gate: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is about a thing that is being written is passed over, with all that came after it for the same things."""
    monkeypatch.setattr(reports, "MAX_TOGETHER", 2)
    gate.at_a_time = 2
    (other,) = await cast.add_things(1)
    access = await access_of(cast, "owner")

    def report(*things: UUID, **values: int) -> asyncio.Task[Any]:
        return asyncio.create_task(taking.take(access, [Report(key, values) for key in things]))

    tasks = [report(cast.thing, cast.thing, a=1)]
    await gate.waiting.wait()
    tasks += [report(cast.thing, other, b=2), report(other, c=3), report(cast.thing, d=4)]
    await asyncio.sleep(0.05)
    assert gate.begun == 1
    (free,) = await cast.add_things(1)
    tasks.append(report(free, e=5))
    async with asyncio.timeout(5):
        while gate.begun < 2:  # noqa: ASYNC110 - writers tell nobody
            await asyncio.sleep(0.01)
    gate.go.set()
    for outcomes, _ in await asyncio.gather(*tasks):
        assert taken(outcomes)
    assert await told(cast, cast.thing) == [(1, {"a": 1}), (2, {"a": 1}), (3, {"b": 2}), (4, {"d": 4})]
    assert await told(cast, other) == [(1, {"b": 2}), (2, {"c": 3})]
    assert await told(cast, free) == [(1, {"e": 5})]


async def test_a_bad_report_fails_alone(cast: Cast, taking: Reports) -> None:
    (north,) = await cast.add_things(1, organization=cast.other)
    long = "x" * 40_000
    given: list[Report | FleetError] = [
        Report(cast.thing, {"text": long}),
        Report(new_id(), {"a": 1}),
        Report(north, {"a": 1}),
        Report(None, {"a": 1}),
        Report(cast.thing, ["no object"]),
        Report(cast.thing, {"more": long}),
        InvalidInput("not an id", ("thingId",)),
        Report(cast.thing, {"b": 1}),
    ]
    outcomes, _ = await taking.take(await access_of(cast, "editor"), given)
    failed = [(type(each), each.path) if isinstance(each, FleetError) else each.version for each in outcomes]
    assert failed == [
        1,
        (NotFound, ("thingId",)),
        (NotFound, ("thingId",)),
        (InvalidInput, ("thingId",)),
        (InvalidInput, ("reported",)),
        (InvalidInput, ("reported",)),
        (InvalidInput, ("thingId",)),
        2,
    ]
    assert await reported(cast, cast.thing) == {"text": long, "b": 1}
    assert await told(cast, north) == []


async def test_not_found_comes_before_forbidden(cast: Cast, taking: Reports) -> None:
    given = [Report(cast.thing, {"a": 1}), Report(new_id(), {"a": 1})]
    for caller, expected in (
        ("viewer", [Forbidden, NotFound]),
        ("outsider", [NotFound] * 2),
        ("loner", [NotFound] * 2),
    ):
        outcomes, _ = await taking.take(await access_of(cast, caller), given)
        assert [type(each) for each in outcomes] == expected
    outcomes, _ = await taking.take(ANONYMOUS, given)
    assert [type(each) for each in outcomes] == [NotFound] * 2
    assert await cast.count(EVENT) == 0


async def test_who_lost_the_access_while_waiting_writes_nothing(cast: Cast, taking: Reports, gate: Gated) -> None:
    access = await access_of(cast, "editor")
    waiting = asyncio.create_task(taking.take(access, [Report(cast.thing, {"a": 1})]))
    own = asyncio.create_task(taking.take(access_of_thing(cast), [Report(None, {"own": True})]))
    await gate.waiting.wait()
    async with cast.store.write() as session:
        await session.execute(delete(MEMBERSHIP).where(MEMBERSHIP.c.user_id == access.user_id))
    gate.go.set()
    (outcome,), renewed = await waiting
    assert isinstance(outcome, NotFound)
    assert (renewed.roles, access.roles != {}) == ({}, True)
    assert len(taken((await own)[0])) == 1
    assert await told(cast, cast.thing) == [(1, {"own": True})]


async def test_an_access_that_came_to_be_while_waiting_counts(cast: Cast, taking: Reports, gate: Gated) -> None:
    access = await access_of(cast, "viewer")
    waiting = asyncio.create_task(taking.take(access, [Report(cast.thing, {"a": 1})]))
    await gate.waiting.wait()
    async with cast.store.write() as session:
        raised = update(MEMBERSHIP).where(MEMBERSHIP.c.user_id == access.user_id).values(role=Role.EDITOR)
        await session.execute(raised)
    gate.go.set()
    outcomes, renewed = await waiting
    assert len(taken(outcomes)) == 1
    assert renewed.roles != access.roles


async def test_who_is_signed_out_while_waiting_is_told_so(cast: Cast, taking: Reports, gate: Gated) -> None:
    access = await access_of(cast, "owner")
    good, unfit = Report(cast.thing, {"a": 1}), Report(None, {"a": 1})
    waiting = asyncio.create_task(taking.take(access, [good, unfit]))
    await gate.waiting.wait()
    async with cast.store.write() as session:
        await session.execute(update(SESSION).values(revoked_at=now()))
    gate.go.set()
    with pytest.raises(Unauthenticated):
        await waiting
    with pytest.raises(Unauthenticated):
        await taking.take(access, [unfit])
    assert await cast.count(EVENT) == 0


async def test_a_key_that_was_replaced_while_waiting_is_no_longer_good(
    cast: Cast, taking: Reports, gate: Gated
) -> None:
    editor = await access_of(cast, "editor")
    waiting = asyncio.create_task(taking.take(access_of_thing(cast), [Report(None, {"own": True})]))
    other = asyncio.create_task(taking.take(editor, [Report(cast.thing, {"a": 1})]))
    await gate.waiting.wait()
    async with cast.store.write() as session:
        await session.execute(update(THING).values(key_digest=digest("another-key")))
    gate.go.set()
    with pytest.raises(Unauthenticated):
        await waiting
    assert len(taken((await other)[0])) == 1
    assert await told(cast, cast.thing) == [(1, {"a": 1})]


async def test_a_caller_who_goes_away_takes_nobody_along(cast: Cast, taking: Reports, gate: Gated) -> None:
    access = await access_of(cast, "owner")
    first, second, third = (
        asyncio.create_task(taking.take(access, [Report(cast.thing, {name: True})])) for name in "abc"
    )
    await gate.waiting.wait()
    late = asyncio.create_task(taking.take(access, [Report(cast.thing, {"d": True})]))
    await asyncio.sleep(0)
    # One is being written, another still waits.
    first.cancel()
    late.cancel()
    gate.go.set()
    for task in (second, third):
        assert len(taken((await task)[0])) == 1
    for task in (first, late):
        with pytest.raises(asyncio.CancelledError):
            await task
    outcomes, _ = await taking.take(access, [Report(cast.thing, {"e": True})])
    assert len(taken(outcomes)) == 1
    assert (await reported(cast, cast.thing)).keys() >= {"b", "c", "e"}
    assert "d" not in await reported(cast, cast.thing)


async def test_there_is_a_bound_to_what_waits(
    cast: Cast, taking: Reports, gate: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_WAITING", 2)
    access = access_of_thing(cast)
    waiting = [asyncio.create_task(taking.take(access, [Report(None, {"n": number})])) for number in range(2)]
    await gate.waiting.wait()
    with pytest.raises(LimitReached, match="try again"):
        await taking.take(access, [Report(None, {"more": 1})])
    gate.go.set()
    for task in waiting:
        assert len(taken((await task)[0])) == 1
    outcomes, _ = await taking.take(access, [Report(None, {"again": 1})])
    assert len(taken(outcomes)) == 1


@pytest.mark.parametrize("clashes", [1, reports.ATTEMPTS - 1])
async def test_what_others_interrupt_is_begun_anew(cast: Cast, taking: Reports, clashes: int) -> None:
    failing = cast.store.writers = Failing(cast.store.writers, [Interrupted("a deadlock")] * clashes)
    given = [Report(None, {"n": number}) for number in range(3)]
    outcomes, _ = await taking.take(access_of_thing(cast), given)
    assert [each.version for each in taken(outcomes)] == [1, 2, 3]
    assert failing.begun == clashes + 1
    assert [version for version, _ in await told(cast, cast.thing)] == [1, 2, 3]


async def test_what_is_interrupted_for_ever_is_a_conflict(cast: Cast, taking: Reports) -> None:
    cast.store.writers = Failing(cast.store.writers, [Interrupted("a deadlock")] * reports.ATTEMPTS)
    with pytest.raises(Conflict, match="try again"):
        await taking.take(access_of_thing(cast), [Report(None, {"a": 1})])
    assert await cast.count(EVENT) == 0
    assert len(taken((await taking.take(access_of_thing(cast), [Report(None, {"a": 1})]))[0])) == 1


async def test_what_the_database_refuses_fails_alone(cast: Cast, taking: Reports, gate: Gated) -> None:
    """However it came past the checks: those who share its transaction are written without it."""
    gate.behind = Failing(gate.behind, [Refused("cannot be stored")] * 2, when="poison")
    access = await access_of(cast, "owner")
    (other,) = await cast.add_things(1)
    given = [Report(cast.thing, {"a": 1}), Report(other, {"poison": 1}), Report(cast.thing, {"b": 1})]
    first, bad, last = [asyncio.create_task(taking.take(access, [each])) for each in given]
    await gate.waiting.wait()
    gate.go.set()
    assert [len(taken((await task)[0])) for task in (first, last)] == [1, 1]
    with pytest.raises(StoreError):
        await bad
    assert await reported(cast, cast.thing) == {"a": 1, "b": 1}
    assert await told(cast, other) == []


async def test_a_failure_of_the_database_fails_everybody_and_the_next_goes_on(cast: Cast, taking: Reports) -> None:
    cast.store.writers = Failing(cast.store.writers, [RuntimeError("the disk is full")])
    access = access_of_thing(cast)
    tasks = [taking.take(access, [Report(None, {"n": number})]) for number in range(3)]
    failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in failures] == [StoreError] * 3
    assert all(isinstance(each, StoreError) and isinstance(each.__cause__, RuntimeError) for each in failures)
    assert len(taken((await taking.take(access, [Report(None, {"a": 1})]))[0])) == 1


async def test_everybody_is_answered_before_the_end(cast: Cast, taking: Reports, gate: Gated) -> None:
    access = access_of_thing(cast)
    waiting = [asyncio.create_task(taking.take(access, [Report(None, {"n": number})])) for number in range(3)]
    await gate.waiting.wait()
    stopping = asyncio.create_task(taking.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    gate.go.set()
    await stopping
    await asyncio.sleep(0)
    assert all(task.done() for task in waiting)
    assert [len(taken(outcomes)) for outcomes, _ in await asyncio.gather(*waiting)] == [1, 1, 1]
    await taking.stop()


async def test_readers_are_woken_after_each_commit_that_told_something(cast: Cast) -> None:
    woken: list[bool] = []
    taking = Reports(cast.store, lambda: woken.append(True))
    access = await access_of(cast, "owner")
    await taking.take(access, [Report(new_id(), {"a": 1})])
    assert woken == []
    await taking.take(access, [Report(cast.thing, {"a": 1}), Report(cast.thing, {"a": 2})])
    assert woken == [True]


async def test_what_is_late_at_the_end_is_given_up(
    cast: Cast, taking: Reports, gate: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "SECONDS_TO_DRAIN", 0.05)
    monkeypatch.setattr(reports, "MAX_TOGETHER", 1)
    access = access_of_thing(cast)
    waiting = [asyncio.create_task(taking.take(access, [Report(None, {"n": number})])) for number in range(3)]
    await gate.waiting.wait()
    await taking.stop()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in outcomes] == [asyncio.CancelledError] * 3
    assert await cast.count(EVENT) == 0
