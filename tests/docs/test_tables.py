"""The tables of the documentation hold what the code says, all of it and nothing else."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields

import pytest

from endpoints.messages import CloseCode
from endpoints.metrics import Metrics
from engine import cost
from engine.documents import Documents
from engine.errors import Code
from engine.limits import Limits
from gateway import main
from models.enums import ErrorCode, Lifecycle
from resolvers.fleet_schema import build_schema
from resolvers.mutation import HASHING
from services.things import MOVES
from tests.docs.pages import GUIDES, README, fences, first_column, operations, section
from tests.docs.settings_table import written_into
from tests.gateways import Gateway
from tests.structure.sources import modules, parsed

SUBSCRIPTIONS = GUIDES / "subscriptions.md"
FIRST_STEPS = GUIDES / "first-steps.md"
LIMITS = GUIDES / "limits.md"
OPERATIONS = GUIDES / "operations.md"
ARCHITECTURE = GUIDES / "architecture.md"
DEVICES = "/api/devices/"
"""What the paths of the device protocol start with; a guide names them one by one."""
NOT_TOLD = {"errors", "cached_documents", "cached_bytes", "cached_tokens"}
"""Limits that no caller notices."""
OF_PATHS = {"NOT_FOUND"}
"""Codes of HTTP answers that neither a service nor the engine gives."""


def test_the_settings_are_those_of_the_code() -> None:
    """When it fails: `python -m tests.docs.settings_table` writes the table anew."""
    text = README.read_text(encoding="utf-8")
    assert text == written_into(text)


def test_the_commands_are_those_of_the_command_line() -> None:
    assert first_column(README, "Command line") == list(dict.fromkeys(first_column(README, "Command line")))
    assert set(first_column(README, "Command line")) == set(main.commands)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_the_endpoints_are_those_of_the_application(gateway: Gateway) -> None:
    resources = {route.resource.canonical for route in gateway.application.router.routes() if route.resource}
    of_devices = {path for path in resources if path.startswith(DEVICES)}
    assert set(first_column(README, "Endpoints")) == resources - of_devices | {f"{DEVICES}..."}
    told = re.findall(r"(/v\d/[^`]+)`", section(GUIDES / "devices.md", "What is answered"))
    assert {DEVICES + path[1:] for path in told} == of_devices


def test_the_errors_are_those_of_the_code() -> None:
    told, top_level = section(README, "Errors").split("Top-level `errors`")
    codes = re.compile(r"^\| `([A-Z_]+)`", re.MULTILINE)
    assert set(codes.findall(told)) == {code.value for code in ErrorCode}
    assert set(codes.findall(top_level)) - OF_PATHS - {"CURSOR_EXPIRED"} == {code.value for code in Code} - OF_PATHS


def test_the_close_codes_are_those_of_the_sockets() -> None:
    assert {str(code.value) for code in CloseCode} <= set(first_column(SUBSCRIPTIONS, "Why a socket closes"))


def test_the_limits_are_those_of_the_engine() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)", section(FIRST_STEPS, "Limits"), re.MULTILINE))
    limits = Limits()
    told = {each.name: getattr(limits, each.name) for each in fields(limits) if each.name not in NOT_TOLD}
    assert {name: int(number.replace(",", "")) for name, number in rows.items()} == told


def test_the_costs_are_those_of_the_formula() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (\d+)", section(LIMITS, "The formula"), re.MULTILINE))
    weights = {name: getattr(cost, name) for name in ("OPERATION", "COUNT", "ROOT_COUNT", "MUTATION", "INTROSPECTION")}
    assert {name: int(number) for name, number in rows.items()} == weights | {"HASHING": HASHING.units}


def test_the_example_of_a_cost_is_right() -> None:
    (example,) = operations(LIMITS)
    prepared = Documents(build_schema()._schema, Limits()).prepare(example.document)
    told = re.search(r"^\| all \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", section(LIMITS, "An example"), re.MULTILINE)
    assert told is not None
    found = prepared.cost.of({})
    assert [int(number.replace(",", "")) for number in told.groups()] == [found.requests, found.nodes, found.total]
    (answer,) = [json.loads(each.text) for each in fences(LIMITS) if '"perMinute"' in each.text]
    assert answer["extensions"]["cost"] | found._asdict() == answer["extensions"]["cost"]


def test_the_metrics_are_those_that_are_measured() -> None:
    metrics = Metrics(Documents(build_schema()._schema, Limits()))
    measured = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in metrics.registry.collect()
        if metric.name.startswith("fleetgraph_")
    }
    assert set(first_column(OPERATIONS, "Metrics")) == measured


def test_the_steps_of_a_life_are_those_that_are_allowed() -> None:
    rows = re.findall(
        r"^\| `([A-Z]+)` \| (.+) \|$", section(GUIDES / "integrators.md", "Changing things"), re.MULTILINE
    )
    told = {Lifecycle(start): frozenset(map(Lifecycle, re.findall(r"[A-Z]+", ends))) for start, ends in rows}
    assert told == {start: ends for start, ends in MOVES.items() if ends}


def test_the_differences_of_the_databases_are_where_the_guide_says() -> None:
    told = set(re.findall(r"`((?:\w+/)+\w+\.py)`", section(ARCHITECTURE, "Where the two databases differ")))
    asking = {
        str(path)
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Compare)
        and any(isinstance(each, ast.Constant) and each.value in {"sqlite", "postgresql"} for each in node.comparators)
    }
    # The unit of work sends NOTIFY; migrations run on an engine of their own.
    assert asking - told == {"models/migrate.py", "services/unit_of_work.py"}
