"""One run of a plan: who asks, with which variables, and what the statements of this run have in common."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Table

from engine.plans.rendering import Process, Rendered
from engine.plans.variables import Variables
from engine.reading import ReadContext


class Request(NamedTuple):
    """A statement for the driver: its text and its parameters in order."""

    text: str
    parameters: list[Any]


class AccessChanged(Exception):
    """The access that a run went by is not what the database holds now: what was read is thrown away."""


class PlanContext(ReadContext, Protocol):
    """What the plan executor asks of the context of an operation, beyond what the reference executor does."""

    @property
    def scope_shape(self) -> Hashable:
        """Principals of one shape have the same scope as SQL text for every table."""

    @property
    def scope_names(self) -> Collection[str]:
        """The names of the parameters in the scope of any table."""

    def scope_parameter(self, name: str, process: Process | None) -> Any:
        """The value of such a parameter as the driver takes it; `process` turns Python's value into that."""

    @property
    def witness(self) -> ColumnElement[Any] | None:
        """What a root statement selects besides, to prove the access; None when it was read for this operation."""

    def is_proven_by(self, value: Any) -> bool:
        """Whether this value of the witness says that the access is as it was when it was read."""

    async def admit(self, fields: Sequence[str], *, anew: bool) -> None:
        """Find out what the caller may do, and whether that includes these root fields ("Query.things").

        With `anew`, what is remembered of earlier operations does not count. Raises what the guard raises.
        """

    async def prove(self) -> bool:
        """Whether the access is as it was when it was read, by a statement of its own."""

    async def read(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Sequence[Sequence[Any]]]:
        """Run statements; the rows of each as tuples of raw values (`engine.plans.values`)."""


class Run:
    """What steps need to know while a plan runs."""

    __slots__ = ("changing", "context", "dialect", "proven", "shape", "variables")

    def __init__(self, context: PlanContext, variables: Variables) -> None:
        """The access has been admitted."""
        self.context = context
        self.variables = variables
        self.dialect = context.dialect
        self.changing = context.scope_names
        self.proven = context.witness is None
        self.shape: Hashable = (context.scope_shape, self.proven)

    def renew(self) -> None:
        """Go by the access as the context has it now."""
        self.changing = self.context.scope_names
        self.proven = self.context.witness is None
        self.shape = (self.context.scope_shape, self.proven)

    def conditions(self, table: Table) -> list[ColumnElement[bool]]:
        """The scope of a table, as a list of no or one condition."""
        scope = self.context.scope(table)
        return [] if scope is None else [scope]

    def proof(self) -> list[Any]:
        """What a root statement selects last to prove the access: one column, or none."""
        witness = self.context.witness
        return [] if witness is None else [witness]

    def check(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take the proof from the rows of a root statement. Raises AccessChanged when it fails."""
        if not self.proven and rows:
            if not self.context.is_proven_by(rows[0][-1]):
                raise AccessChanged
            self.proven = True

    def request(self, rendered: Rendered, values: Mapping[str, Any]) -> Request:
        """A statement with its parameters filled in."""
        return Request(rendered.text, rendered.parameters(values, self.context.scope_parameter))
