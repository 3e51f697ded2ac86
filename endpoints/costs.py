"""What operations cost, held against what one operation may and what its caller has left, before anything runs."""

from __future__ import annotations

from asyncio import sleep
from http import HTTPStatus
from math import ceil
from typing import Any, NamedTuple

from endpoints.answers import HttpError
from endpoints.budgets import Budgets, BudgetSpent
from endpoints.settings import CostSettings
from endpoints.trace import Trace
from engine.cost import Cost
from engine.documents import PreparedOperation
from engine.errors import Code, RequestError
from engine.execution import Variables


class Charge(NamedTuple):
    """What an operation costs, and what its caller has left after it; None without a budget."""

    cost: Cost
    left: int | None


class Costs:
    """Charges callers for their operations."""

    def __init__(self, settings: CostSettings) -> None:
        """Charge as the settings say."""
        self._per_minute = settings.per_minute
        # What costs more than a minute's budget could never run.
        self._limit = min(filter(None, (settings.per_operation, settings.per_minute)), default=0)
        # Callers without a name cannot push out those who have one.
        self._named = Budgets(settings.per_minute, settings.callers)
        self._nameless = Budgets(settings.per_minute, settings.callers)

    def charge(self, prepared: PreparedOperation, variables: Variables, trace: Trace) -> Charge:
        """Take the cost of an operation from its caller's budget.

        Raises RequestError when it costs more than any operation may, HttpError (429) when its caller has less left.
        """
        cost = prepared.cost.of(variables)
        trace.cost = cost.total
        if self._limit and cost.total > self._limit:
            raise _too_dear(cost, self._limit)
        if not self._per_minute:
            return Charge(cost, None)
        try:
            principal = trace.principal
            if principal is None:
                return Charge(cost, self._nameless.take(trace.address, cost.total))
            return Charge(cost, self._named.take(principal, cost.total))
        except BudgetSpent as spent:
            raise _spent("operation", cost.total, self._per_minute, spent.seconds) from None

    def spend(self, cost: int, trace: Trace) -> None:
        """Take a fixed cost, of a request that is no operation, from its caller's budget. Raises HttpError (429)."""
        trace.cost = cost
        if not self._per_minute:
            return
        try:
            if trace.principal is None:
                self._nameless.take(trace.address, cost)
            else:
                self._named.take(trace.principal, cost)
        except BudgetSpent as spent:
            raise _spent("request", cost, self._per_minute, spent.seconds) from None

    async def pace(self, charge: Charge, trace: Trace) -> Charge:
        """Charge for a further event of a subscription, and wait until the caller has earned it."""
        if not self._per_minute:
            return charge
        budgets = self._nameless if trace.principal is None else self._named
        left, seconds = budgets.owe(trace.principal or trace.address, charge.cost.total)
        if seconds:
            await sleep(seconds)
        return Charge(charge.cost, left)

    def owe(self, charge: Charge, events: int, trace: Trace) -> float:
        """Charge for further events of a subscription; returns the seconds until the caller has earned them."""
        if not self._per_minute:
            return 0.0
        budgets = self._nameless if trace.principal is None else self._named
        return budgets.owe(trace.principal or trace.address, charge.cost.total * events)[1]

    def told(self, charge: Charge) -> dict[str, Any]:
        """What `extensions.cost` of an answer says."""
        return {
            **charge.cost._asdict(),
            "limit": self._limit or None,
            "perMinute": self._per_minute or None,
            "remaining": charge.left,
        }


def _too_dear(cost: Cost, limit: int) -> RequestError:
    message = (
        f"This operation costs {cost.total}, and {limit} is the limit. Ask for smaller pages, or for less in them."
    )
    details = {"code": Code.LIMIT_EXCEEDED, "cost": cost.total, "limit": limit}
    return RequestError([{"message": message, "extensions": details}])


def _spent(what: str, cost: int, per_minute: int, seconds: float) -> HttpError:
    wait = max(1, ceil(seconds))
    return HttpError(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"This {what} costs {cost}, which is more than is left of your {per_minute} for a minute. "
        f"Try again in {wait} s.",
        code=Code.LIMIT_EXCEEDED,
        headers={"Retry-After": str(wait)},
    )
