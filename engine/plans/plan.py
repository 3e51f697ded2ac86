"""A compiled operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLField

from engine.plans.arguments import Arguments
from engine.plans.objects import Write
from engine.plans.rows import Step


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """A root field with a resolver of its own: it gives an object in hand, and `write` makes the answer of that."""

    key: str
    name: str
    definition: GraphQLField
    node: FieldNode
    arguments: Arguments
    write: Write


@dataclass(frozen=True, slots=True)
class Plan:
    """How one operation runs.

    `fields` are the names of its root fields as the guard knows them ("Query.things"), `template` has the response keys
    in the order of the answer with what is constant in it, `root` holds the steps of declared root fields, `resolved`
    the other fields, and `held` the steps that go on from the objects of these.
    """

    fields: tuple[str, ...]
    template: dict[str, Any]
    root: tuple[Step, ...]
    resolved: tuple[ResolvedField, ...]
    held: tuple[Step, ...]

    def steps(self) -> Iterator[tuple[int, Step]]:
        """All steps with their depth, parents before children."""
        yield from _below((*self.root, *self.held), 0)


def _below(steps: Iterable[Step], depth: int) -> Iterator[tuple[int, Step]]:
    for step in steps:
        yield depth, step
        for each in step.shapes:
            yield from _below(each.steps, depth + 1)
