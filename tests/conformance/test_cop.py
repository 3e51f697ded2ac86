"""The twelve questions of the scanner graphql-cop, and one more, put to the production profile: all come out clean.

Each probe has a judgement that says whether an answer shows the weakness. Where a setting, the profile or the caller
decides, the same probe is put to a gateway that does show it, so that no judgement is always clean.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from services.settings import Profile
from tests.client import Answer
from tests.fleets import Fleet
from tests.gateways import Gateway, StartGateway

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def asking(selection: str, *, times: int = 1) -> str:
    """A query whose selection is written several times, `#` standing for the number of the time."""
    return f"query Cop {{ {' '.join(selection.replace('#', str(number)) for number in range(times))} }}"


PLAIN: Final = asking("__typename")
ALIASES: Final = asking("alias#: __typename", times=101)
DIRECTIVES: Final = asking("__typename " + "@aa" * 10)
DUPLICATES: Final = asking("__typename", times=500)
INTROSPECTION: Final = "query Cop { __schema { types { name fields { name } } } }"
CIRCULAR: Final = (
    "query Cop { __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"
)
MISSPELT: Final = "query Cop { __schema { directive } }"
EXPLORERS: Final = ("/", "/graphql", "/graphiql", "/playground", "/console", "/altair", "/explorer/")
WIDE: Final = {"max_aliases": 1000, "max_root_fields": 1000, "max_repeats": 1000, "max_directives_in_place": 1000}
"""Settings under which the probes of overloading are answered."""


@pytest.fixture
async def production(start_gateway: StartGateway) -> Gateway:
    return await start_gateway(profile=Profile.PRODUCTION)


@pytest.fixture
async def careless(start_gateway: StartGateway) -> Gateway:
    """A gateway in the development profile, with limits that are none."""
    return await start_gateway(**WIDE)


def is_answered(answer: Answer) -> bool:
    """Whether the operation ran."""
    return answer.json.get("data") is not None


async def test_overloading_with_aliases(production: Gateway, careless: Gateway, fleet: Fleet) -> None:
    for token in (None, fleet.alder.viewer.token):
        refused = await production.graphql(ALIASES, token=token)
        assert not is_answered(refused)
        assert refused.codes == ["LIMIT_EXCEEDED"]
    assert "alias100" in (await careless.graphql(ALIASES)).data


async def test_overloading_with_aliases_further_down(production: Gateway, fleet: Fleet) -> None:
    refused = await production.graphql(further_down(100), token=fleet.alder.viewer.token)
    assert refused.codes == ["LIMIT_EXCEEDED"]
    assert is_answered(await production.graphql(further_down(50), token=fleet.alder.viewer.token))


def further_down(number: int) -> str:
    names = " ".join(f"alias{place}: name" for place in range(number))
    return asking(f"viewer {{ user {{ {names} }} }}")


async def test_overloading_with_directives(production: Gateway, careless: Gateway, fleet: Fleet) -> None:
    """A server that looks at each of them has an error for each of them."""
    for token in (None, fleet.alder.viewer.token):
        refused = await production.graphql(DIRECTIVES, token=token)
        assert refused.codes == ["LIMIT_EXCEEDED"]
    assert (await careless.graphql(DIRECTIVES)).codes == ["GRAPHQL_VALIDATION_FAILED"] * 10


async def test_overloading_with_a_thousand_directives(production: Gateway, fleet: Fleet) -> None:
    spread = asking("a#: __typename @aa @bb @cc @dd", times=250)
    for text in (asking("__typename" + "@aa" * 1000), f"query Cop {'@aa' * 1000} {{ __typename }}", spread):
        assert (await production.graphql(text, token=fleet.alder.viewer.token)).codes == ["LIMIT_EXCEEDED"]
    few = "query Cop { __typename @include(if: true) @skip(if: false) }"
    assert is_answered(await production.graphql(few))


async def test_overloading_with_one_field_again_and_again(production: Gateway, careless: Gateway, fleet: Fleet) -> None:
    for token in (None, fleet.alder.viewer.token):
        refused = await production.graphql(DUPLICATES, token=token)
        assert not is_answered(refused)
        assert refused.codes == ["LIMIT_EXCEEDED"]
    assert (await careless.graphql(DUPLICATES)).data == {"__typename": "Query"}


async def test_overloading_with_an_array_of_operations(production: Gateway, careless: Gateway) -> None:
    """There is no setting for it: a request is one operation. An array of one is no other."""
    for gateway in (production, careless):
        for number in (1, 10):
            refused = await gateway.request("POST", "/graphql", json=[{"query": PLAIN}] * number)
            assert refused.status == 400
            assert isinstance(refused.json, dict)
            assert refused.codes == ["BAD_REQUEST"]
        assert is_answered(await gateway.graphql(PLAIN))


async def test_introspection_in_a_circle(production: Gateway, careless: Gateway, fleet: Fleet) -> None:
    assert (await production.graphql(CIRCULAR)).codes == ["UNAUTHENTICATED"]
    for gateway in (production, careless):
        refused = await gateway.graphql(CIRCULAR, token=fleet.alder.viewer.token)
        assert not is_answered(refused)
        assert refused.codes == ["GRAPHQL_VALIDATION_FAILED"]
    straight = CIRCULAR.replace("fields { type { fields { type { name } } } }", "name")
    assert len((await careless.graphql(straight)).data["__schema"]["types"]) > 25


async def test_introspection_by_nobody(production: Gateway, careless: Gateway, fleet: Fleet) -> None:
    refused = await production.graphql(INTROSPECTION)
    assert not is_answered(refused)
    assert refused.codes == ["UNAUTHENTICATED"]
    assert (await production.graphql(INTROSPECTION, token=fleet.alder.viewer.token)).data["__schema"]["types"]
    assert (await careless.graphql(INTROSPECTION)).data["__schema"]["types"]


async def test_suggestions_of_names(production: Gateway, careless: Gateway, fleet: Fleet) -> None:
    def suggests(answer: Answer) -> bool:
        return "Did you mean" in json.dumps(answer.errors)

    misspelt = (MISSPELT, "{ thnigs { nodes { id } } }", '{ thing(idd: "x") { id } }', "{ things { nodes { nmae } } }")
    for query in misspelt:
        for token in (None, fleet.alder.viewer.token):
            refused = await production.graphql(query, token=token)
            assert refused.errors
            assert not suggests(refused)
        assert suggests(await careless.graphql(query))


async def test_explorers_in_the_browser(production: Gateway, careless: Gateway) -> None:
    def explores(answer: Answer) -> bool:
        text = answer.body.decode().lower()
        return any(word in text for word in ("graphiql", "playground", "altair", "<html"))

    async def ask(gateway: Gateway, path: str) -> Answer:
        return await gateway.request("GET", path, headers={"Accept": "text/html"})

    assert [path for path in EXPLORERS if explores(await ask(production, path))] == []
    assert [path for path in EXPLORERS if explores(await ask(careless, path))] == ["/", "/graphql"]


async def test_traces_in_answers(production: Gateway, fleet: Fleet) -> None:
    """Nothing is told of how an operation ran; only what it costs, and only to who asks for that."""

    async def ask(**extensions: Any) -> Answer:
        headers = {"X-Apollo-Tracing": "1", "Apollo-Tracing": "1"}
        body = {"query": "{ viewer { user { name } } }", "extensions": extensions}
        return await production.request("POST", "/graphql", json=body, headers=headers, token=fleet.alder.viewer.token)

    assert set((await ask(tracing=True, trace=True, ftv1=True)).json) == {"data"}
    assert set((await ask(cost=True)).json["extensions"]) == {"cost"}


async def test_queries_by_get(production: Gateway, careless: Gateway) -> None:
    refused = await production.request("GET", "/graphql", params={"query": PLAIN})
    assert (refused.status, refused.headers["Allow"]) == (405, "POST, OPTIONS")
    assert not is_answered(refused)
    assert is_answered(await careless.request("GET", "/graphql", params={"query": PLAIN}))


async def test_mutations_by_get(production: Gateway, careless: Gateway) -> None:
    mutation = "mutation Cop { __typename }"
    for gateway in (production, careless):
        refused = await gateway.request("GET", "/graphql", params={"query": mutation})
        assert refused.status == 405
        assert not is_answered(refused)
        assert is_answered(await gateway.graphql(mutation))


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", None]
)
async def test_operations_from_forms_of_other_sites(
    production: Gateway, careless: Gateway, content_type: str | None
) -> None:
    """What a page of another site can send without asking first is not taken."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    body = f"query={PLAIN}" if content_type and "form" in content_type else json.dumps({"query": PLAIN})
    for gateway in (production, careless):
        refused = await gateway.request("POST", "/graphql", data=body.encode(), headers=headers)
        assert refused.status == 415
        assert not is_answered(refused)
        taken = {"Content-Type": "application/json"}
        plain = json.dumps({"query": PLAIN}).encode()
        assert is_answered(await gateway.request("POST", "/graphql", data=plain, headers=taken))


async def test_errors_that_nobody_handled(production: Gateway) -> None:
    for query in ("qwerty Cop { abc }", "query Cop { __typename", "query Cop($a: Nothing) { __typename }", "\0"):
        (error,) = (await production.graphql(query)).errors[:1]
        assert set(error["extensions"]) == {"code"}
        assert "Traceback" not in json.dumps(error)
