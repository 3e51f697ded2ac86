"""Budgets fill up evenly, hold what a minute allows, and are not kept for ever; addresses behind proxies."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from endpoints.addresses import Addresses
from endpoints.budgets import Budgets, BudgetSpent


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_budget_is_full_at_first_and_fills_up_evenly() -> None:
    clock = Clock()
    budgets = Budgets(600, 10, clock)
    assert [budgets.take("a", 100), budgets.take("a", 500)] == [500, 0]
    with pytest.raises(BudgetSpent) as spent:
        budgets.take("a", 50)
    assert spent.value.seconds == pytest.approx(5.0)
    clock.now += 4.9
    with pytest.raises(BudgetSpent):
        budgets.take("a", 50)
    clock.now += 0.2
    assert budgets.take("a", 50) == 1
    clock.now += 1e6
    assert budgets.take("a", 0) == 600


def test_a_refusal_takes_nothing() -> None:
    budgets = Budgets(100, 10, Clock())
    for _ in range(3):
        with pytest.raises(BudgetSpent):
            budgets.take("a", 101)
    assert budgets.take("a", 100) == 0


def test_each_caller_has_a_budget_of_its_own() -> None:
    budgets = Budgets(100, 10, Clock())
    assert [budgets.take("a", 100), budgets.take("b", 1)] == [0, 99]


def test_what_is_owed_is_paid_by_time() -> None:
    clock = Clock()
    budgets = Budgets(60, 10, clock)
    assert budgets.owe("a", 50) == (10, 0.0)
    left, seconds = budgets.owe("a", 30)
    assert (left, round(seconds, 6)) == (0, 20.0)
    clock.now += 20.0
    with pytest.raises(BudgetSpent):
        budgets.take("a", 1)
    clock.now += 1.0
    assert budgets.take("a", 1) == 0


def test_who_was_not_seen_for_longest_is_forgotten() -> None:
    budgets = Budgets(100, 2, Clock())
    budgets.take("a", 60)
    budgets.take("b", 60)
    budgets.take("a", 10)
    budgets.take("c", 60)
    assert len(budgets) == 2
    assert [budgets.take("a", 0), budgets.take("b", 0)] == [30, 100]


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", ",".join(["203.0.113.9"] + ["10.0.0.2"] * 50), "10.0.0.2"),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", None, "fe80::/64"),
        (None, "198.51.100.1", "unknown"),
    ],
)
def test_the_address_behind_trusted_proxies(peer: str | None, forwarded: str | None, found: str) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = make_mocked_request("POST", "/graphql", headers=headers).clone(remote=peer or "")
    assert Addresses(["10.0.0.0/8", "::1"]).of(request) == found


def test_two_headers_are_one_list() -> None:
    request = make_mocked_request("POST", "/").clone(
        remote="10.0.0.1", headers=[("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.1")]
    )
    assert Addresses(["10.0.0.0/8"]).of(request) == "198.51.100.1"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="example"):
        Addresses(["proxy.example.com"])
