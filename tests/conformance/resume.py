"""Watch a thing with the client of examples/python-gql, and print a JSON line for each event.

A second operation is tried beside it. Ends when the thing reports that it should.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
from contextlib import aclosing
from pathlib import Path

from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError

EXAMPLE = Path(__file__).parents[2] / "examples" / "python-gql" / "client.py"

WATCH = """
subscription Watch($scope: EventScopeInput, $after: String) {
  thingStateChanged(scope: $scope, after: $after) { cursor version patch }
}
"""
WRONG = 'subscription Wrong { thingStateChanged(after: "no cursor") { cursor } }'
SECONDS = 0.1


def show(what: str, value: object) -> None:
    sys.stdout.write(json.dumps({"what": what, "value": value}) + "\n")
    sys.stdout.flush()


async def main(way: str, address: str, tokens: str, thing: str) -> None:
    example = runpy.run_path(str(EXAMPLE))

    def connected() -> Client:
        token = Path(tokens).read_text(encoding="utf-8")
        client: Client = example[f"over_{way}"](f"{address}/graphql", f"Bearer {token}")
        return client

    tried = None
    variables = {"scope": {"thingIds": [thing]}}
    async with aclosing(example["watch"](connected, WATCH, variables, pause=SECONDS)) as changes:
        async for change in changes:
            show("event", change["version"])
            if tried is None:
                tried = asyncio.create_task(try_wrong(connected()))
            if change["patch"].get("stop"):
                break
    if tried is not None:
        await tried


async def try_wrong(client: Client) -> None:
    try:
        async with client as session:
            async for _ in session.subscribe(GraphQLRequest(WRONG)):
                show("not refused", None)
    except TransportQueryError as refusal:
        show("refused", [error["extensions"]["code"] for error in refusal.errors or []])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
