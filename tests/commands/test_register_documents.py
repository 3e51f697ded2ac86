"""`register-documents`: what it takes, what it refuses, and what a gateway that runs makes of it."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from gateway import main
from services.settings import Profile
from tests.fleets import Fleet
from tests.gateways import Gateway, StartGateway

VIEWER: Final = "query Viewer { viewer { user { name } } }"
BIG: Final = (
    "{ groups(first: 100) { nodes { things(first: 100) { nodes { groups(first: 99) { nodes { name } } } } } } }"
)
THINGS: Final = "query Things($first: Int = 10) { things(first: $first) { nodes { name } } }"
APOLLO: Final = {"format": "apollo-persisted-query-manifest", "version": 1}
SECONDS: Final = 10.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory, as the gateways of a test have it."""
    return tmp_path / "data"


def register(data: Path, manifest: Any, *options: str) -> Result:
    path = data.parent / "manifest.json"
    path.write_text(manifest if isinstance(manifest, str) else json.dumps(manifest), encoding="utf-8")
    return CliRunner().invoke(main, ["register-documents", str(path), "--data-dir", str(data), *options])


def kept(data: Path) -> Any:
    path = data / "documents.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def operation(name: str, body: str) -> dict[str, str]:
    return {"id": name, "name": "X", "type": "query", "body": body}


def test_the_two_usual_formats(data: Path) -> None:
    told = register(data, APOLLO | {"operations": [operation("a", VIEWER)]})
    assert (told.exit_code, kept(data)) == (0, {"a": VIEWER}), told.output
    assert told.output == f"1 documents, 1 of them new; 1 are registered in {data / 'documents.json'}.\n"
    told = register(data, {"b": THINGS})
    assert told.output.startswith("1 documents, 1 of them new; 2 are registered in ")
    assert kept(data) == {"a": VIEWER, "b": THINGS}
    told = register(data, {"b": THINGS, "c": VIEWER}, "--replace")
    assert told.output.startswith("2 documents, 1 of them new; 2 are registered in ")
    assert kept(data) == {"b": THINGS, "c": VIEWER}


def test_the_file_is_put_in_its_place_at_once_and_can_be_read_by_the_gateway(data: Path) -> None:
    register(data, {"a": VIEWER})
    before = (data / "documents.json").stat()
    register(data, {"b": THINGS})
    after = (data / "documents.json").stat()
    assert before.st_ino != after.st_ino
    assert stat.S_IMODE(after.st_mode) == 0o644
    assert {path.name for path in data.iterdir()} == {"documents.json", ".documents.json.lock"}


def test_another_file_can_be_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = register(data, {"a": VIEWER}, "--documents", str(tmp_path / "there" / "kept.json"))
    assert told.exit_code == 0, told.output
    monkeypatch.setenv("FLEETGRAPH_DOCUMENTS", str(tmp_path / "there" / "kept.json"))
    assert register(data, {"b": THINGS}).exit_code == 0
    assert set(json.loads((tmp_path / "there" / "kept.json").read_text(encoding="utf-8"))) == {"a", "b"}
    assert kept(data) is None


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("{", "is not JSON"),
        ([], "holds neither a manifest"),
        ({}, "holds no document"),
        ({"a": 1}, "what stands under 'a' is no document"),
        ({"": VIEWER}, "'' is no id of 1 to 256 characters"),
        ({"a" * 257: VIEWER}, "is no id of 1 to 256 characters"),
        ({"operations": []}, "is no manifest of the format apollo-persisted-query-manifest, version 1"),
        (APOLLO | {"version": 2, "operations": []}, "is no manifest of the format"),
        (APOLLO | {"operations": []}, "holds no document"),
        (APOLLO | {"operations": {}}, "needs an `id` and a `body`"),
        (APOLLO | {"operations": [{"id": "a"}]}, "needs an `id` and a `body`"),
        (APOLLO | {"operations": [operation("a", VIEWER), operation("a", THINGS)]}, "'a' stands for two documents"),
        ({"a": "query {"}, "a: Syntax Error"),
        ({"a": "{ thnigs { nodes { id } } }"}, "a: Cannot query field 'thnigs'"),
        ({"a": "fragment F on Thing { id }"}, "a: "),
        ({"a": "{ __schema { queryType { name } } }"}, "a: it asks for the schema"),
        (
            {"a": f"{{ {' '.join(f'a{n}: __typename' for n in range(31))} }}"},
            "a: An operation may have 30 top-level fields",
        ),
        ({"a": BIG}, "a: it costs 1010202, and 500000 is the limit"),
    ],
)
def test_nothing_is_registered_when_anything_does_not_fit(data: Path, manifest: Any, said: str) -> None:
    assert register(data, {"before": VIEWER}).exit_code == 0
    told = register(data, manifest)
    assert told.exit_code == 1
    assert said in told.output
    assert kept(data) == {"before": VIEWER}


def test_all_that_does_not_fit_is_told(data: Path) -> None:
    told = register(data, {"a": "{ thnigs { nodes { id } } }", "b": VIEWER, "c": "{"})
    assert told.output.startswith("Error: nothing is registered:\n  a: ")
    assert "\n  c: " in told.output
    assert "\n  b: " not in told.output
    assert kept(data) is None


def test_an_id_is_one_document_for_good(data: Path) -> None:
    register(data, {"a": VIEWER, "b": VIEWER})
    told = register(data, {"a": THINGS, "b": VIEWER, "c": THINGS})
    assert told.exit_code == 1
    assert "these ids stand for other documents already: a. " in told.output
    assert kept(data) == {"a": VIEWER, "b": VIEWER}
    assert register(data, {"a": THINGS}, "--replace").exit_code == 0
    assert kept(data) == {"a": THINGS}


def test_limits_of_the_operator_hold_for_registered_documents(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETGRAPH_MAX_DEPTH", "2")
    assert "a: An operation may have 2 levels of fields" in register(data, {"a": VIEWER}).output
    monkeypatch.setenv("FLEETGRAPH_MAX_DEPTH", "3")
    assert register(data, {"a": VIEWER}).exit_code == 0


def test_a_file_that_holds_something_else_is_left_alone(data: Path) -> None:
    data.mkdir()
    (data / "documents.json").write_text("[1]")
    assert register(data, {"a": VIEWER}).exit_code == 1
    assert (data / "documents.json").read_text() == "[1]"


def test_a_gateway_says_which_file_it_cannot_use(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data.mkdir()
    migrated = CliRunner().invoke(main, ["migrate", "--data-dir", str(data)])
    assert migrated.exit_code == 0, migrated.output
    monkeypatch.setenv("FLEETGRAPH_DOCUMENTS", str(data / "missing.json"))
    told = CliRunner().invoke(main, ["serve", "--data-dir", str(data), "--port", "0"])
    assert (told.exit_code, "missing.json is not there" in told.output) == (1, True)
    (data / "missing.json").write_text("[]")
    told = CliRunner().invoke(main, ["serve", "--data-dir", str(data), "--port", "0"])
    assert (told.exit_code, "must hold one JSON object" in told.output) == (1, True)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_gateways_that_run_take_documents_up(start_gateway: StartGateway, fleet: Fleet, data: Path) -> None:
    """Two processes over one data directory, in which nothing runs at first."""
    trusted = {"profile": Profile.PRODUCTION, "trusted_documents_only": True}
    gateways = [await start_gateway(**trusted), await start_gateway(**trusted)]
    for gateway in gateways:
        assert (await gateway.graphql(VIEWER, token=fleet.alder.viewer.token)).codes == ["DOCUMENT_NOT_REGISTERED"]
    assert register(data, {"viewer": VIEWER}).exit_code == 0
    async with asyncio.timeout(SECONDS):
        for gateway in gateways:
            while (await ask(gateway, fleet)).status != 200:  # noqa: ASYNC110 - the file is looked at once a second
                await asyncio.sleep(0.05)
            assert (await gateway.data(VIEWER, token=fleet.alder.viewer.token))["viewer"]["user"]["name"]


async def ask(gateway: Gateway, fleet: Fleet) -> Any:
    body = {"documentId": "viewer"}
    return await gateway.request("POST", "/graphql", json=body, token=fleet.alder.viewer.token)
