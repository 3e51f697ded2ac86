"""How things of the world sign in: auth sets in every state, tokens that they were given, and tokens of tenants."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from models.enums import AuthSetStatus
from models.tables import AUTH_SET, TENANT_TOKEN, THING, THING_TOKEN
from tests.differential.world import Ground

PUBLIC_KEY: Final = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"


class Identities(Ground):
    """Auth sets, tokens of things, and tenant tokens."""

    def __init__(self) -> None:
        super().__init__()
        for row in self.rows[THING]:
            for _ in range(1 if row["id"] == self.thing else self.drawn.choice((0, 0, 1, 2))):
                self._auth_set(row["organization_id"], row["id"])
        for tenant in (self.alder, self.birch):
            for organization in tenant.organizations:
                for name in ("hall", "ü"):
                    self.add(
                        TENANT_TOKEN,
                        organization_id=organization,
                        created_by_id=self.maybe(self.drawn.choice(self.people)),
                        name=name,
                        digest=sha256(organization.bytes + name.encode()).digest(),
                    )

    def _auth_set(self, organization: UUID, thing: UUID) -> None:
        made = self.key()
        self.add(
            AUTH_SET,
            id=made,
            organization_id=organization,
            thing_id=thing,
            identity=self.document(),
            identity_digest=sha256(thing.bytes).digest(),
            public_key=PUBLIC_KEY,
            key_digest=sha256(made.bytes).digest(),
            status=self.drawn.choice(tuple(AuthSetStatus)),
        )
        for _ in range(self.drawn.randrange(3)):
            issued = self.moment()
            self.add(
                THING_TOKEN,
                organization_id=organization,
                thing_id=thing,
                auth_set_id=made,
                issued_at=issued,
                expires_at=issued + timedelta(days=self.drawn.randrange(8) if issued.year < 9999 else 0),
            )
