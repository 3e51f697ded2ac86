"""Every bound that an operator may set reaches what it bounds, and has the same default on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from commands.bounds import endpoint_settings, limits
from endpoints.settings import EndpointSettings
from engine.limits import Limits
from services.settings import Settings
from tests.fleets import Fleet
from tests.gateways import StartGateway

FIXED = {
    "body_seconds",
    "buffer_bytes",
    "callers",
    "close_seconds",
    "errors",
    "explorer",
    "sent_bytes",
    "sent_documents",
    "shutdown_seconds",
}
"""Bounds that no operator was given."""
NOT_BOUNDS = {"production", "allowed_origins", "metrics_token"}


def bounds(settings: Settings) -> dict[str, Any]:
    return dict(flat(limits(settings))) | dict(flat(endpoint_settings(settings)))


def flat(value: Any) -> Iterator[tuple[str, Any]]:
    for each in fields(value):
        inner = getattr(value, each.name)
        if is_dataclass(inner):
            yield from flat(inner)
        else:
            yield each.name, inner


def test_the_defaults_are_those_of_the_engine_and_the_endpoints() -> None:
    assert limits(Settings()) == Limits()
    assert endpoint_settings(Settings()) == EndpointSettings()


@pytest.mark.parametrize("name", sorted({*dict(flat(Limits())), *dict(flat(EndpointSettings()))} - FIXED - NOT_BOUNDS))
def test_every_bound_follows_one_variable_of_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is set to another value, one after the other: exactly one of them is the one of this bound."""
    usual, moved_by = bounds(Settings()), []
    for setting, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, bool):
            other = str(not default)
        elif isinstance(default, int | float):
            other = str(default + 1)
        elif isinstance(default, list):
            other = '["192.0.2.0/24"]'
        else:
            continue
        with monkeypatch.context() as patched:
            patched.setenv(f"FLEETGRAPH_{setting.upper()}", other)
            if bounds(Settings())[name] != usual[name]:
                moved_by.append(setting)
    assert len(moved_by) == 1, moved_by


def test_networks_are_checked_when_the_gateway_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETGRAPH_TRUSTED_PROXIES", '["proxy.example.com"]')
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("settings", "query"),
    [
        ({"max_depth": 2}, "{ viewer { user { name } } }"),
        ({"max_tokens": 100}, f"{{ viewer {{ {' '.join(f'a{number}: isPlatformAdmin' for number in range(40))} }} }}"),
        ({"max_document_bytes": 1_000}, "{ __typename } #" + "x" * 1_000),
        ({"max_root_fields": 1}, "{ viewer { isPlatformAdmin } __typename }"),
        ({"max_aliases": 0}, "{ a: __typename }"),
        ({"max_repeats": 1}, "{ __typename __typename }"),
        ({"max_directives": 0}, "{ __typename @skip(if: true) }"),
        ({"max_fields": 2}, "{ viewer { isPlatformAdmin __typename } }"),
        ({"max_cost": 2}, "{ viewer { isPlatformAdmin } }"),
        ({"operation_timeout": 1e-6}, "{ viewer { user { name } } }"),
    ],
)
async def test_a_gateway_keeps_to_its_bounds(
    start_gateway: StartGateway, fleet: Fleet, settings: dict[str, Any], query: str
) -> None:
    usual, narrow = await start_gateway(), await start_gateway(**settings)
    assert (await usual.graphql(query, token=fleet.alder.viewer.token)).errors == []
    assert (await narrow.graphql(query, token=fleet.alder.viewer.token)).codes == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_hsts_is_sent_where_the_operator_wants_it(start_gateway: StartGateway) -> None:
    header = "Strict-Transport-Security"
    assert header not in (await (await start_gateway()).request("GET", "/healthz")).headers
    answer = await (await start_gateway(hsts_seconds=31_536_000)).request("GET", "/healthz")
    assert answer.headers[header] == "max-age=31536000; includeSubDomains"
