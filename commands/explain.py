"""`explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import click
import orjson
import strawberry
from sqlalchemy import ColumnElement, Table

from engine.cost import OperationCost
from engine.documents import PreparedOperation
from engine.errors import RequestError, StepAside
from engine.execution import Operations
from engine.plans.explain import describe_plan
from engine.plans.planner import Planner
from engine.plans.run import PlanContext, Run
from models.enums import Role
from models.ids import new_id
from resolvers.fleet_schema import build_schema
from services.access import ANONYMOUS, Access, ThingPrincipal, UserPrincipal
from services.scope import visible

_CALLERS: Final = ("member", "members", "administrator", "thing", "nobody")


class _Reader:
    """Stands for a caller of one kind, whose access needs no proof."""

    witness = None

    def __init__(self, access: Access, dialect: str) -> None:
        self._access = access
        self.dialect = dialect
        self.scope_shape = access.shape
        self.scope_names = access.scope_values.keys()

    def scope(self, table: Table) -> ColumnElement[bool] | None:
        """The scope of a table for this caller."""
        return visible(self._access, table)

    def scope_parameter(self, name: str, process: Any) -> Any:
        """The value is not told."""
        return (name, process)


@click.command("explain")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--operation", help="Which operation of the document, when it has several.")
@click.option("--variables", default="{}", help="Variables as JSON; pages and conditions depend on them.")
@click.option("--database", type=click.Choice(["postgresql", "sqlite"]), default="postgresql", show_default=True)
@click.option("--caller", type=click.Choice(_CALLERS), default="member", show_default=True, help="Whose scope to show.")
def explain(document: Path, operation: str | None, variables: str, database: str, caller: str) -> None:
    """Print how an operation runs: its cost, its levels, and the statement of each. Needs no database.

    `member` has roles in one organization, `members` in several.
    """
    schema = build_schema()
    try:
        given = orjson.loads(variables)
        prepared = Operations(schema).prepare(document.read_text(encoding="utf-8"), operation)
        _tell_cost(schema, prepared, given)
        context = cast(PlanContext, _Reader(_access(caller), database))
        for line in _plan(schema, prepared, given, context):
            click.echo(line)
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"the variables are not JSON: {error}") from error
    except RequestError as error:
        raise click.ClickException("; ".join(each["message"] for each in error.errors)) from error
    except StepAside as aside:
        reason = (
            "a variable or an argument has a value that it cannot have" if aside.reason == "error" else aside.reason
        )
        raise click.ClickException(f"this runs on the reference executor: {reason}") from aside


def _tell_cost(schema: strawberry.Schema, prepared: PreparedOperation, given: dict[str, Any]) -> None:
    graph = schema._schema  # noqa: SLF001 - the graphql-core schema has no public name
    cost = OperationCost(graph, prepared.document, prepared.node).of(given)
    click.echo(f"{prepared.kind.value} {prepared.name or '(without a name)'}")
    click.echo(" ".join(f"{name} {value:,}" for name, value in cost._asdict().items()))


def _plan(
    schema: strawberry.Schema, prepared: PreparedOperation, given: Mapping[str, Any], context: PlanContext
) -> Sequence[str]:
    planned = Planner(schema, Operations(schema).limits, hide_suggestions=False).planned(prepared)
    variables = planned.variables.read(dict(given))
    plan = planned.plan(variables, context.dialect)
    return list(describe_plan(plan, Run(context, variables)))


def _access(caller: str) -> Access:
    person = UserPrincipal(new_id(), new_id(), 0.0)
    match caller:
        case "administrator":
            return Access(person, is_platform_admin=True)
        case "member" | "members":
            return Access(person, {new_id(): Role.VIEWER for _ in range(1 if caller == "member" else 2)})
        case "thing":
            return Access(ThingPrincipal(new_id(), new_id(), b""))
        case _:
            return ANONYMOUS
