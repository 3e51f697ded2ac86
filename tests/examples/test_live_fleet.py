"""The page of examples/live-fleet: its types, its operations, and a visit in a real browser over a failing network."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from sqlalchemy import delete

from demo.fleet import build_fleet
from demo.people import DEMO_EMAIL, DEMO_PASSWORD
from gateway import PARTS
from models.tables import DEPLOYMENT, EVENT, OTA_JOB
from tests.examples.front import Control, Front, before
from tests.explorer.javascript import ROOT, chromium, node, require_packages, run
from tests.gateways import Gateway, StartGateway
from tests.rows import key

PAGE = ROOT / "examples" / "live-fleet"
SCREENSHOTS = ROOT / "var" / "screenshots" / "live-fleet"
OPERATIONS = sorted((PAGE / "src" / "operations").glob("*.graphql"))
THINGS = 120
SHORTEST_TOKEN = 30


def npm_tool(name: str, *arguments: str | Path) -> None:
    require_packages(PAGE)
    ended = run([node(), PAGE / "node_modules" / name, *arguments], folder=PAGE, seconds=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


def test_there_are_queries_mutations_and_subscriptions() -> None:
    definitions = [each for path in OPERATIONS for each in parse(path.read_text(encoding="utf-8")).definitions]
    assert {each.operation.value for each in definitions if isinstance(each, OperationDefinitionNode)} == {
        "query",
        "mutation",
        "subscription",
    }


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_its_operation_is_valid(schema: GraphQLSchema, path: Path) -> None:
    assert validate(schema, parse(path.read_text(encoding="utf-8"))) == []


def test_its_types_hold() -> None:
    npm_tool("typescript/bin/tsc", "--noEmit")


class Backstage:
    """What happens at the gateway during the visit, and what the visitor is told of it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.front: Front | None = None
        self._token = ""
        self._signed_in = -math.inf

    async def token(self) -> str:
        """A token of the demo account that is good for the next operation."""
        if time.monotonic() - self._signed_in > SHORTEST_TOKEN / 2:
            self._token = (await self.gateway.sign_in(DEMO_EMAIL, DEMO_PASSWORD)).access_token
            self._signed_in = time.monotonic()
        return self._token

    @property
    def controls(self) -> Mapping[str, Control]:
        """By the name that the visitor asks for."""
        return {
            "fleet": self.fleet,
            "report": self.report,
            "rename": self.rename,
            "progress": self.progress,
            "fail": self.fail,
            "sockets": self.sockets,
            "expire": self.expire,
            "forget": self.forget,
            "end": self.end,
        }

    async def one(self, filter: str) -> dict[str, Any]:
        query = f"{{ things(first: 1, filter: {{ {filter} }}) {{ nodes {{ id name }} }} }}"
        thing: dict[str, Any] = (await self.gateway.data(query, token=await self.token()))["things"]["nodes"][0]
        return thing

    async def deployment(self) -> dict[str, Any]:
        """A running one, with an update that waits for its thing."""
        query = "{ deployments(first: 100) { nodes { id status executions(first: 100) { nodes { id status } } } } }"
        deployments = (await self.gateway.data(query, token=await self.token()))["deployments"]["nodes"]
        for deployment in deployments:
            waiting = [each["id"] for each in deployment["executions"]["nodes"] if each["status"] == "PENDING"]
            if deployment["status"] == "IN_PROGRESS" and len(waiting) > 1:
                return {"id": deployment["id"], "waiting": waiting}
        raise LookupError("no deployment of the demo fleet has updates that wait")

    async def organization(self) -> str:
        """One of those at the bottom, with things of its own."""
        query = "{ organizations(first: 100) { nodes { id name } } }"
        organizations = (await self.gateway.data(query, token=await self.token()))["organizations"]["nodes"]
        return str(next(each["id"] for each in organizations if each["name"] == "Harbour Cold Store"))

    async def fleet(self, asked: Any) -> dict[str, Any]:
        query = "query Stats($filter: ThingFilter) { thingStats(filter: $filter) { total connected } }"
        filter = {"organization": {"id": asked["organization"]}} if "organization" in asked else None
        stats = (await self.gateway.data(query, {"filter": filter}, token=await self.token()))["thingStats"]
        return {"things": stats["total"], "connected": stats["connected"]}

    async def report(self, asked: Any) -> None:
        for value in asked["values"]:
            reported = {"thingId": asked["id"], "reported": {"temperature": value}}
            await self.gateway.change(
                "reportThingState", reported, select="state { version }", token=await self.token()
            )

    async def rename(self, asked: Any) -> None:
        await self.gateway.change("updateThings", {"things": [asked]}, select="things { id }", token=await self.token())

    async def progress(self, _: Any) -> None:
        execution = (await self.deployment())["waiting"][0]
        report = {"executionId": execution, "status": "SUCCESS", "progress": 100}
        await self.gateway.change("reportOtaExecution", report, select="otaExecution { id }", token=await self.token())

    async def fail(self, asked: Any) -> None:
        """One update more fails than the deployment may have failures."""
        bounded = DEPLOYMENT.update().where(DEPLOYMENT.c.id == key(asked["id"]))
        jobs = OTA_JOB.update().where(OTA_JOB.c.deployment_id == key(asked["id"]))
        async with self.gateway.application[PARTS].store.write() as session:
            await session.execute(bounded.values(stop_failures=DEPLOYMENT.c.failure_count))
            await session.execute(jobs.values(retries=0))
        query = """query ($id: ID!) { deployment(id: $id) {
            executions(first: 1, filter: { status: PENDING }) { nodes { id } }
        } }"""
        found = (await self.gateway.data(query, {"id": asked["id"]}, token=await self.token()))["deployment"]
        report = {"executionId": found["executions"]["nodes"][0]["id"]}
        for status in ("INSTALLING", "FAILURE"):
            told = {**report, "status": status}
            token = await self.token()
            await self.gateway.change("reportOtaExecution", told, select="otaExecution { id }", token=token)

    async def sockets(self, _: Any) -> dict[str, int]:
        assert self.front is not None
        return {"opened": self.front.opened}

    async def expire(self, _: Any) -> None:
        """Wait for longer than the token lived that the socket was opened with."""
        await asyncio.sleep(SHORTEST_TOKEN / 4 + 1)

    async def forget(self, asked: Any) -> None:
        """As after a long absence: the log holds nothing of what the page has seen, and something newer."""
        async with self.gateway.application[PARTS].store.write() as session:
            await session.execute(delete(EVENT))
        await self.report({"id": asked["id"], "values": [-20]})

    async def end(self, _: Any) -> None:
        await self.gateway.change("logout", {"everywhere": True}, select="endedSessions", token=await self.token())


async def visit(page: Path, backstage: Backstage, facts: dict[str, Any]) -> dict[str, Any]:
    """Let the visitor go through the page, and give its report."""
    async with before(page, backstage.gateway.url, backstage.controls) as (address, front):
        backstage.front = front
        visitor = await asyncio.create_subprocess_exec(
            node(),
            Path(__file__).with_name("visit_live_fleet.mjs"),
            address,
            json.dumps(facts),
            SCREENSHOTS,
            env={**os.environ, "CHROMIUM": chromium()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, problem = await visitor.communicate()
    assert visitor.returncode == 0, problem.decode()
    report: dict[str, Any] = json.loads(printed)
    return report


@pytest.mark.browser
@pytest.mark.timeout(300)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_it_shows_what_happens_and_loses_nothing(start_gateway: StartGateway, tmp_path: Path) -> None:
    require_packages(ROOT / "explorer")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(npm_tool, "vite/bin/vite.js", "build", "--outDir", tmp_path / "page", "--emptyOutDir")
    gateway = await start_gateway(access_token_seconds=SHORTEST_TOKEN)
    parts = gateway.application[PARTS]
    fleet = await build_fleet(parts.store, things=THINGS, passwords=parts.passwords, storage=parts.storage)
    assert fleet.things == THINGS
    backstage = Backstage(gateway)
    before = await backstage.fleet({})
    facts: dict[str, Any] = {
        "email": DEMO_EMAIL,
        "password": DEMO_PASSWORD,
        "thing": await backstage.one('connected: true, name: { startsWith: "Cold-chain" }'),
        "silent": await backstage.one('connected: false, lifecycle: [INSTALLED], name: { startsWith: "Cold-chain" }'),
        "organization": await backstage.organization(),
        "deployment": (await backstage.deployment())["id"],
    }

    # Something has happened before, as in every fleet: the page goes on from there.
    await backstage.report({"id": facts["thing"]["id"], "values": [-10]})
    report = await visit(tmp_path / "page", backstage, facts)
    assert "failure" not in report, f"{report['step']}: {report['failure']} ({SCREENSHOTS}/failure.png)\n{report}"
    assert report["errors"] == report["violations"] == report["foreign"] == []
    steps = report["steps"]

    assert steps["wrongPassword"]
    assert steps["signIn"] == before

    assert steps["report"]["points"] == 1
    assert "-11.5" in steps["report"]["row"]
    assert steps["report"]["flash"] == "#e07a00"
    assert steps["keyboard"] == 1
    assert steps["connects"]["after"] == steps["connects"]["before"] + 1
    assert done(steps["deployment"]["after"]) == done(steps["deployment"]["before"]) + 1

    # What is done here arrives as an event, as what others do; what stops by itself says why.
    rollout = steps["rollout"]
    assert rollout["running"]["badge"] == "in progress"
    assert "IN_PROGRESS" in rollout["running"]["phases"]
    assert all(" of " in label or " things, " in label for label in rollout["running"]["labels"])
    assert len(rollout["running"]["labels"]) == len(rollout["running"]["phases"]) > 1
    assert rollout["paused"]["badge"] == "paused"
    assert "IN_PROGRESS" not in rollout["paused"]["phases"]
    assert rollout["stopped"]["badge"] == "paused"
    assert "fail" in rollout["stopped"]["reason"]
    assert failed(rollout["stopped"]["after"]) == failed(rollout["stopped"]["before"]) + 1

    # Five reports and a new name came while the network was cut: each once, and nothing else.
    assert steps["cut"]["points"] == 1
    assert steps["cut"]["after"] == 6
    assert steps["cut"]["status"].split("\n") == ["Live", "resumed after 6 missed events"]

    # The socket lives on under a fresh token: no other one was opened.
    assert steps["renewal"]["refreshes"] >= 1
    assert steps["renewal"]["after"] == steps["renewal"]["opened"]

    # Subscriptions that were ended, since the page was too slow, went on from the cursor that came with the error.
    assert steps["overrun"]["overruns"] >= 2
    assert steps["overrun"]["after"] == steps["overrun"]["points"] + 3
    assert steps["overrun"]["status"].startswith("Live")

    assert "the fleet was read anew" in steps["forgotten"]
    assert 0 < steps["scope"]["things"] < THINGS
    assert steps["scope"]["grid"] == f"{steps['scope']['connected']} things"
    assert steps["reload"] == "Dana Example"
    assert "session has ended" in steps["ended"]


def done(label: str) -> int:
    return int(label.split(" of ", maxsplit=1)[0])


def failed(label: str) -> int:
    return int(label.rsplit(", ", maxsplit=1)[1].removesuffix(" failed"))
