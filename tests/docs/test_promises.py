"""What the pages promise in so many words, and no other test holds."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from models.enums import EventKind
from models.ids import new_id
from models.store import Store
from services.access import Access, UserPrincipal
from services.events import EventScope, Position, latest_position, read_events
from services.unit_of_work import unit_of_work
from tests.client import SubscriptionRefused
from tests.docs.pages import README, operations
from tests.fleets import Fleet
from tests.gateways import Gateway, StartGateway
from tests.rows import add_campaign, store_of
from tests.statements import Recorder

WATCH = "subscription ($after: String) { thingStateChanged(after: $after) { cursor version thing { name } } }"
REPORT = "mutation { reportThingState(input: { reported: { seen: true } }) { state { version } } }"
EVERYTHING = Access(UserPrincipal(new_id(), new_id(), time() + 3600), is_platform_admin=True)
STATES = EventScope((EventKind.THING_STATE_CHANGED,))


async def test_the_first_request_of_the_readme_is_eleven_statements(
    gateway: Gateway, fleet: Fleet, statements: Recorder
) -> None:
    await gateway.data(REPORT, token=fleet.alder.pump.token)
    things = [fleet.alder.pump.id, fleet.alder.probe.id]
    await add_campaign(store_of(gateway), fleet.alder.organization, things, name="one of many")
    first = next(operations(README))
    with statements() as seen:
        data = await gateway.data(first.document, token=fleet.alder.viewer.token)
    assert "one of many" in str(data)
    assert "eleven SQL statements" in README.read_text(encoding="utf-8")
    assert seen.count == 11


async def test_a_cursor_of_one_process_is_good_at_another(start_gateway: StartGateway, fleet: Fleet) -> None:
    one, other = await start_gateway(), await start_gateway()
    async with one.subscribe(WATCH, token=fleet.alder.viewer.token) as events:
        await one.data(REPORT, token=fleet.alder.pump.token)
        cursor = (await events.next())["thingStateChanged"]["cursor"]
    for _ in range(3):
        await one.data(REPORT, token=fleet.alder.probe.token)
    async with other.subscribe(WATCH, {"after": cursor}, token=fleet.alder.viewer.token) as events:
        await other.data(REPORT, token=fleet.alder.meter.token)
        seen = [(await events.next())["thingStateChanged"] for _ in range(4)]
    assert [event["thing"]["name"] for event in seen] == ["probe", "probe", "probe", "meter"]
    assert [event["version"] for event in seen] == [1, 2, 3, 1]


async def test_a_cursor_of_an_event_that_is_no_longer_kept_is_refused(gateway: Gateway, fleet: Fleet) -> None:
    async with gateway.subscribe(WATCH, {"after": Position(0, 0).cursor}, token=fleet.alder.viewer.token) as events:
        with pytest.raises(SubscriptionRefused) as refused:
            await events.next()
    assert refused.value.codes == ["CURSOR_EXPIRED"]


SECONDS_TO_SETTLE = 20.0


async def write(store: Store, fleet: Fleet, thing: str, *, late: bool = False, before: Any = None) -> None:
    """Write one event in a transaction of its own; a late one lets `before` happen after it has begun to write."""
    key = UUID(hex=thing.partition("_")[2])
    organization = UUID(hex=fleet.alder.organization.partition("_")[2])
    async with unit_of_work(store, EVERYTHING, lambda: None) as work:
        if late:
            await work.session.execute(select(func.pg_current_xact_id()))
            await before()
        work.record(EventKind.THING_STATE_CHANGED, organization_id=organization, subject_id=key, thing_id=key)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_transaction_that_ends_late_is_never_skipped(gateway: Gateway, fleet: Fleet) -> None:
    """The second writer commits first; its event waits for the first one's, and then both come, in their order."""
    store, (first, second) = store_of(gateway), (fleet.alder.pump.id, fleet.alder.probe.id)
    start = await latest_position(store)
    while_first_was_open: list[Any] = []

    async def second_writes() -> None:
        await write(store, fleet, second)
        while_first_was_open.extend((await read_events(store, EVERYTHING, STATES, start)).events)

    await write(store, fleet, first, late=True, before=second_writes)
    async with asyncio.timeout(SECONDS_TO_SETTLE):
        # Transactions of other databases of the server hold events back, too, as long as they are open.
        while len(found := (await read_events(store, EVERYTHING, STATES, start)).events) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert while_first_was_open == []
    assert [f"thing_{event.subject_id.hex}" for event in found] == [first, second]
    positions = [event.position for event in found]
    assert positions == sorted(positions)
    assert positions[0].sequence > positions[1].sequence


@pytest.mark.parametrize("change", [str.upper, lambda text: f" {text}", lambda text: f"{text[:14]}-{text[14:]}"])
async def test_one_object_has_one_id(gateway: Gateway, fleet: Fleet, change: Any) -> None:
    asked = "query ($id: ID!) { node(id: $id) { __typename id } }"
    answer = await gateway.data(asked, {"id": fleet.alder.pump.id}, token=fleet.alder.viewer.token)
    assert answer["node"] == {"__typename": "Thing", "id": fleet.alder.pump.id}
    refused = await gateway.graphql(asked, {"id": change(fleet.alder.pump.id)}, token=fleet.alder.viewer.token)
    assert refused.codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_running_gateway_is_copied(gateway: Gateway, fleet: Fleet, database_url: str, tmp_path: Path) -> None:
    await gateway.data(REPORT, token=fleet.alder.pump.token)
    command = re.search(r"python -c '(import sqlite3;.*)'$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert command is not None
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "fleet.db").symlink_to(Path(str(make_url(database_url).database)))
    subprocess.run([sys.executable, "-c", command[1]], cwd=tmp_path, check=True)  # noqa: ASYNC221
    copy = sqlite3.connect(tmp_path / "var" / "backup.db")
    try:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM event WHERE kind = 'THING_STATE_CHANGED'").fetchone() == (1,)
    finally:
        copy.close()
