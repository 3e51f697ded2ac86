"""Plans for people to read: the levels, what each fetches, and the statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, overload

from engine.plans.plan import Plan
from engine.plans.rows import Step
from engine.plans.run import Run

_ANY_KEY: Final = "0" * 32


class AnyRow(Sequence[Any]):
    """Stands for the rows of parents that there are none of: a key wherever one is looked for."""

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """A key."""
        return _ANY_KEY if isinstance(index, int) else [_ANY_KEY]

    def __len__(self) -> int:
        """One is as good as any."""
        return 1


def describe_plan(plan: Plan, run: Run) -> Iterator[str]:
    """The lines of a plan. Raises StepAside for arguments that the reference executor has an error for."""
    for field in plan.resolved:
        yield f"{field.key}: the resolver of {field.name}"
    yield from _describe((*plan.root, *plan.held), run, "")


def _describe(steps: Sequence[Step], run: Run, indent: str) -> Iterator[str]:
    for step in steps:
        requests = step.requests(run, [AnyRow()])
        yield f"{indent}{step.describe()}"
        for request in requests:
            for line in request.text.splitlines():
                yield f"{indent}    {line.strip()}"
        for shape in step.shapes:
            yield from _describe(shape.steps, run, indent + "  ")
