"""What can be said of the peers from npm without npm."""

from __future__ import annotations

import json

import graphql
import pytest

from bench.servers import NODE_PROJECT, PEERS
from bench.workloads import DOCUMENTS

CONVERTED = {"id": "thing_0192f3c4a5b67d8e9f00112233445566"}


def test_every_peer_has_a_document_for_every_operation() -> None:
    for peer in PEERS:
        if peer.documents is not None:
            assert peer.documents.keys() == {*DOCUMENTS, "walk"}
            assert all(graphql.parse(text) for text in peer.documents.values())


@pytest.mark.parametrize(
    ("operation", "given", "asked"),
    [
        ("point", CONVERTED, {"id": "0192f3c4-a5b6-7d8e-9f00-112233445566"}),
        ("list", {"first": 100, "after": None}, {"first": 100, "after": None}),
        (
            "filter",
            {"filter": {"type": ["SENSOR"], "lifecycle": ["NEW"], "connected": False}},
            {"filter": {"type": "SENSOR", "lifecycle": "NEW", "connected": False}},
        ),
        (
            "mutation",
            {"input": {"thingId": CONVERTED["id"], "reported": {"on": True}}},
            {"input": {"thingId": "0192f3c4-a5b6-7d8e-9f00-112233445566", "reported": {"on": True}}},
        ),
    ],
)
def test_postgraphile_is_asked_for_rows_by_their_uuid(operation: str, given: object, asked: object) -> None:
    (postgraphile,) = (peer for peer in PEERS if peer.name == "postgraphile")
    assert postgraphile.translate(operation, given) == asked  # type: ignore[arg-type]


def test_the_schema_of_mercurius_takes_the_documents_of_the_gateway() -> None:
    schema = graphql.build_schema((NODE_PROJECT / "mercurius" / "schema.graphql").read_text())
    for text in DOCUMENTS.values():
        assert graphql.validate(schema, graphql.parse(text)) == []


def test_packages_are_pinned_without_a_place_to_get_them_from() -> None:
    project = json.loads((NODE_PROJECT / "package.json").read_text())
    wanted = project["dependencies"] | project["optionalDependencies"]
    locked = json.loads((NODE_PROJECT / "package-lock.json").read_text())["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, entry in locked.items() if "resolved" in entry or (name and "integrity" not in entry)] == []
