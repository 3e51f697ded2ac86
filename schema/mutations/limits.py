"""Input and payload of the mutation that limits an organization."""

from __future__ import annotations

import strawberry

from engine.records import record
from schema.mutations.organization import OrganizationPayload
from schema.scalars import BigInt


@strawberry.input(description="What an organization may have: what is left out stays, null or 0 is no limit.")
class SetOrganizationLimitsInput:
    """Limits, set by those who administer the organization above, or the platform."""

    organization_id: strawberry.ID = strawberry.field(description="Which.")
    accepted_things: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many things may be accepted to sign in by a key pair. A lower limit than there are rejects "
        "none, and lets none more in.",
    )
    storage_bytes: BigInt | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many bytes its files may have together. A lower limit than is used deletes nothing, and takes "
        "no more.",
    )


@record()
class SetOrganizationLimitsPayload(OrganizationPayload):
    """The organization that was limited."""
