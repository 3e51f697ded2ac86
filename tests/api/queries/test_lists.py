"""The root lists: whole, counted, in their order, in pages, and of what the caller may see alone."""

from __future__ import annotations

from typing import Any

from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_campaign, store_of

OLDEST_FIRST = ("organizations", "users", "groups", "profiles", "things")
NEWEST_FIRST = ("artifacts", "releases", "deployments", "otaJobs", "otaExecutions")
LISTS = OLDEST_FIRST + NEWEST_FIRST


def selection(name: str, arguments: str = "") -> str:
    found = "totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage }"
    return f"{name}{arguments} {{ {found} }}"


async def read_all(gateway: Gateway, token: str, arguments: str = "", variables: dict[str, Any] | None = None) -> Any:
    """All root lists in one request, as lists of ids, with their totals."""
    declared = "($after: String)" if variables else ""
    query = f"query Lists{declared} {{ {' '.join(selection(name, arguments) for name in LISTS)} }}"
    return await gateway.data(query, variables, token=token)


def ids(page: Any) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


async def fill(gateway: Gateway, fleet: Fleet) -> None:
    for tenant in (fleet.alder, fleet.birch):
        for number in range(3):
            things = [thing.id for thing in tenant.things[:3]]
            await add_campaign(store_of(gateway), tenant.organization, things, name=f"campaign {number}")


async def test_lists_are_whole_counted_and_in_order(gateway: Gateway, fleet: Fleet) -> None:
    await fill(gateway, fleet)
    numbers = {
        "organizations": 2, "users": 5, "groups": 3, "profiles": 1, "things": 4,
        "artifacts": 3, "releases": 3, "deployments": 3, "otaJobs": 3, "otaExecutions": 9,
    }  # fmt: skip
    mine = await read_all(gateway, fleet.alder.viewer.token)
    theirs = await read_all(gateway, fleet.birch.viewer.token)
    both = await read_all(gateway, fleet.administrator.token, "(first: 100)")
    for name in LISTS:
        found = ids(mine[name])
        assert mine[name]["totalCount"] == len(found) == numbers[name], name
        assert mine[name]["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False}
        # Ids are made in the order of time.
        assert found == sorted(found, reverse=name in NEWEST_FIRST), name
        assert not set(found) & set(ids(theirs[name])), name
        others = 2 if name == "users" else 0
        assert both[name]["totalCount"] == 2 * numbers[name] + others, name
        assert set(found) | set(ids(theirs[name])) <= set(ids(both[name])), name


async def test_lists_of_those_who_see_little(gateway: Gateway, fleet: Fleet) -> None:
    await fill(gateway, fleet)
    seen = await read_all(gateway, fleet.stranger.token)
    assert {name: ids(seen[name]) for name in LISTS if ids(seen[name])} == {"users": [fleet.stranger.id]}
    assert {seen[name]["totalCount"] for name in LISTS if name != "users"} == {0}
    seen = await read_all(gateway, fleet.alder.branch_viewer.token)
    assert {name: len(ids(seen[name])) for name in LISTS if ids(seen[name])} == {
        "organizations": 1,
        "users": 1,
        "things": 1,
    }
    seen = await read_all(gateway, fleet.alder.pump.token)
    assert {name: len(ids(seen[name])) for name in LISTS if ids(seen[name])} == {
        "organizations": 1, "groups": 1, "profiles": 1, "things": 1,
        "artifacts": 3, "deployments": 3, "otaJobs": 3, "otaExecutions": 3,
    }  # fmt: skip
    assert all(seen[name]["totalCount"] == len(ids(seen[name])) for name in LISTS)


async def test_lists_in_pages(gateway: Gateway, fleet: Fleet) -> None:
    await fill(gateway, fleet)
    token = fleet.alder.viewer.token
    whole = await read_all(gateway, token)
    nothing = await read_all(gateway, token, "(first: 0)")
    last = await read_all(gateway, token, "(last: 1)")
    for name in LISTS:
        everything = ids(whole[name])
        assert ids(nothing[name]) == []
        assert nothing[name]["totalCount"] == len(everything)
        assert nothing[name]["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
        assert ids(last[name]) == everything[-1:]
        assert last[name]["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": len(everything) > 1}
        query = f"query ($after: String) {{ {selection(name, '(first: 2, after: $after)')} }}"
        found: list[str] = []
        after: str | None = None
        while True:
            page = (await gateway.data(query, {"after": after}, token=token))[name]
            found += ids(page)
            assert page["totalCount"] == len(everything)
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["edges"][-1]["cursor"]
        assert found == everything, name


async def test_behind_the_end_is_nothing(gateway: Gateway, fleet: Fleet) -> None:
    await fill(gateway, fleet)
    whole = await read_all(gateway, fleet.alder.viewer.token)
    for name in LISTS:
        after = {"after": whole[name]["edges"][-1]["cursor"]}
        query = f"query ($after: String) {{ {selection(name, '(after: $after)')} }}"
        page = (await gateway.data(query, after, token=fleet.alder.viewer.token))[name]
        assert page["edges"] == []
        assert page["totalCount"] == whole[name]["totalCount"]
        assert page["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}
