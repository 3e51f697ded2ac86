"""The one schema, put together and guarded."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import strawberry
from graphql import GraphQLSchema, get_named_type
from strawberry.schema.config import StrawberryConfig

from engine.records import NODES
from resolvers.guard import guard
from resolvers.mutations.artifact import ArtifactMutations
from resolvers.mutations.attachment import AttachmentMutations
from resolvers.mutations.auth_set import AuthSetMutations
from resolvers.mutations.deployment import DeploymentMutations
from resolvers.mutations.deployment_control import DeploymentControlMutations
from resolvers.mutations.generation import GenerationMutations
from resolvers.mutations.group import GroupMutations
from resolvers.mutations.limits import LimitMutations
from resolvers.mutations.membership import MembershipMutations
from resolvers.mutations.organization import OrganizationMutations
from resolvers.mutations.ota_execution import OtaExecutionMutations
from resolvers.mutations.ota_job import OtaJobMutations
from resolvers.mutations.ota_job_control import OtaJobControlMutations
from resolvers.mutations.profile import ProfileMutations
from resolvers.mutations.release import ReleaseMutations
from resolvers.mutations.session import SessionMutations
from resolvers.mutations.signing import SigningMutations
from resolvers.mutations.state import StateMutations
from resolvers.mutations.tenant_token import TenantTokenMutations
from resolvers.mutations.thing import ThingMutations
from resolvers.mutations.update import UpdateMutations
from resolvers.mutations.user import UserMutations
from resolvers.query import Query
from resolvers.subscription import Subscription
from schema.scalars import BIG_INT, MOMENT, BigInt


@strawberry.type(description="Everything that can be changed. Each field is a transaction of its own.")
class Mutation(
    SessionMutations,
    UserMutations,
    OrganizationMutations,
    LimitMutations,
    TenantTokenMutations,
    MembershipMutations,
    GroupMutations,
    ProfileMutations,
    ThingMutations,
    AuthSetMutations,
    StateMutations,
    ReleaseMutations,
    ArtifactMutations,
    AttachmentMutations,
    GenerationMutations,
    SigningMutations,
    DeploymentMutations,
    DeploymentControlMutations,
    OtaJobMutations,
    OtaJobControlMutations,
    OtaExecutionMutations,
    UpdateMutations,
):
    """The root of mutations, one base for each noun."""


CONFIG: Final = StrawberryConfig(scalar_map={datetime: MOMENT, BigInt: BIG_INT}, sort_schema=False)


def build_schema() -> strawberry.Schema:
    """The guarded schema; raises UnclassifiedFields when a field has no class of access."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=list(NODES.values()),
        config=CONFIG,
    )
    graph = schema._schema  # noqa: SLF001 - the graphql-core schema has no public name
    guard(graph)
    _describe_inputs(graph)
    return schema


def _describe_inputs(graph: GraphQLSchema) -> None:
    """Say of the one argument of every mutation what its type says of itself."""
    for field in graph.mutation_type.fields.values() if graph.mutation_type else ():
        for argument in field.args.values():
            argument.description = argument.description or get_named_type(argument.type).description
