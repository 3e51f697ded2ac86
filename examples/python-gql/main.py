"""Sign in, ask one nested query, and see a thing's report arrive on a subscription."""

import asyncio
import os
import sys
import time
from contextlib import aclosing
from typing import Any

from client import SECONDS_TO_WAIT, over_http, over_socket, watch
from gql import GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportError
from operations import LOGIN, OVERVIEW, REPORT, WATCH

URL = os.environ.get("FLEETGRAPH_URL", "http://127.0.0.1:8000").rstrip("/") + "/graphql"
EMAIL = os.environ.get("FLEETGRAPH_EMAIL", "demo@example.com")
PASSWORD = os.environ.get("FLEETGRAPH_PASSWORD", "fleetgraph-demo")
SUBSCRIBE = over_http if os.environ.get("FLEETGRAPH_SUBSCRIPTIONS") == "http" else over_socket


async def ask(session: AsyncClientSession, operation: str, **variables: Any) -> Any:
    """Return the data of one operation; what the whole request failed on is raised."""
    return await session.execute(GraphQLRequest(operation, variable_values=variables))


def accepted(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of a mutation; what the caller can correct comes back in its `userErrors`."""
    if payload["userErrors"]:
        raise ValueError("; ".join(error["message"] for error in payload["userErrors"]))
    return payload


async def sign_in() -> str:
    """Return the value of the Authorization header."""
    async with over_http(URL) as session:
        payload = (await ask(session, LOGIN, input={"email": EMAIL, "password": PASSWORD}))["login"]
    return f"Bearer {accepted(payload)['session']['accessToken']}"


async def see_change(authorization: str, thing: dict[str, Any], example: str) -> None:
    """Wait for the event that carries our own report."""
    scope = {"scope": {"thingIds": [thing["id"]]}}
    async with aclosing(watch(lambda: SUBSCRIBE(URL, authorization), WATCH, scope)) as changes:
        async for change in changes:
            state = change["state"]
            if state["reported"].get("example") == example:
                version, cursor = state["version"], change["cursor"]
                print(f'{thing["name"]} reported "{example}" in version {version}, seen at cursor {cursor}')
                return


async def keep_reporting(session: AsyncClientSession, thing: dict[str, Any], example: str) -> None:
    """Let the thing report once a second, as things do."""
    while True:
        report = {"thingId": thing["id"], "reported": {"example": example}}
        accepted((await ask(session, REPORT, input=report))["reportThingState"])
        await asyncio.sleep(1)


def show(organizations: list[dict[str, Any]]) -> None:
    """Print what the query brought."""
    for organization in organizations:
        groups, deployments, jobs = (organization[name]["totalCount"] for name in ("groups", "deployments", "otaJobs"))
        print(f"{organization['name']}: {groups} groups, {deployments} deployments, {jobs} OTA jobs")
        for membership in organization["memberships"]["nodes"]:
            user = membership["user"] or {"email": "somebody"}
            print(f"  {user['email']} is {membership['role']}")
        for group in organization["groups"]["nodes"]:
            print(f"  {group['name']}: {', '.join(thing['name'] for thing in group['things']['nodes'])}")


async def main() -> None:
    """Do what the first line of this file says."""
    authorization = await sign_in()
    async with over_http(URL, authorization) as session:
        # 1. One query: organizations with their people, groups, things, deployments and OTA jobs.
        organizations = (await ask(session, OVERVIEW))["organizations"]["nodes"]
        show(organizations)
        thing = next(thing for organization in organizations for thing in organization["things"]["nodes"])

        # 2. Watch one thing, which reports until we have seen it.
        example = f"python-gql {time.time_ns()}"
        tasks = {
            asyncio.create_task(see_change(authorization, thing, example)),
            asyncio.create_task(keep_reporting(session, thing, example)),
        }
        done, pending = await asyncio.wait(tasks, timeout=SECONDS_TO_WAIT, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if not done:
            raise TimeoutError(f"No change arrived within {SECONDS_TO_WAIT} seconds.")
        for task in done:
            task.result()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (TransportError, ValueError, OSError, TimeoutError) as failure:
        sys.exit(f"Failed: {failure}")
