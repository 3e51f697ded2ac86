"""Things with a key pair of their own, which sign in as real ones do: by a signed request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import insert, select, update

from engine.ids import global_id
from gateway import PARTS
from models.columns import now
from models.ids import new_id
from models.tables import AUTH_SET, ORGANIZATION, TENANT_TOKEN, THING
from services.errors import Unauthenticated
from services.sign_ins import SignIns
from services.tokens import digest
from tests.cast import Cast

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
TENANT: Final = "the-tenant-token-of-acme"
# One for all tests: an RSA key takes long to find.
RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_key(kind: str = "ed25519") -> PrivateKey:
    """A key pair of one of the types that are taken."""
    if kind == "rsa":
        return RSA_KEY
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def pem_of(key: PrivateKey) -> str:
    """The public part, as a thing sends it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def raw_signature(key: PrivateKey, data: bytes) -> bytes:
    """A signature by the rule of the key's type."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(SHA256()))
    return key.sign(data)


def signature(key: PrivateKey, data: bytes) -> str:
    """The same in base64."""
    return base64.b64encode(raw_signature(key, data)).decode()


class Device:
    """A thing out there: its identity, its key, and the tenant token in its image."""

    def __init__(
        self,
        cast: Cast,
        identity: Mapping[str, Any],
        key: PrivateKey | None = None,
        tenant: str | None = TENANT,
    ) -> None:
        self.cast = cast
        self.identity = dict(identity)
        self.key = key or new_key()
        self.tenant = tenant

    @property
    def body(self) -> bytes:
        """Its request, which names everything in the order of a stock client."""
        given = {"id_data": orjson.dumps(self.identity).decode(), "pubkey": pem_of(self.key)}
        return orjson.dumps(given if self.tenant is None else {**given, "tenant_token": self.tenant})

    async def sign_in(self, at: SignIns | None = None) -> str:
        """A token; raises Unauthenticated when the gateway gives none."""
        body = self.body
        signing = at or self.cast.gateway.application[PARTS].sign_ins
        return await signing.sign_in(body, signature(self.key, body), None)

    async def is_refused(self, at: SignIns | None = None) -> bool:
        """Whether it gets no token."""
        try:
            await self.sign_in(at)
        except Unauthenticated:
            return True
        return False

    async def auth_set(self) -> str:
        """The global id of the auth set with its key."""
        statement = select(AUTH_SET.c.id).where(AUTH_SET.c.public_key == pem_of(self.key))
        ((found,),) = await self.cast.rows(statement)
        return global_id("authset", found)

    async def thing(self) -> str:
        """The global id of its thing."""
        ((found,),) = await self.cast.rows(select(THING.c.id).where(THING.c.identity == self.identity))
        return global_id("thing", found)

    async def accepted(self) -> Device:
        """It has applied, and was accepted."""
        assert await self.is_refused()
        await self.cast.change("editor", "acceptAuthSet", {"id": await self.auth_set()})
        return self


async def add_tenant(cast: Cast, organization: Any = None, secret: str = TENANT) -> None:
    """A tenant token of Acme, or of another organization."""
    stamps = {"version": 1, "created_at": now(), "updated_at": now()}
    row = {"id": new_id(), "organization_id": organization or cast.acme, "name": "image", "digest": digest(secret)}
    async with cast.store.write() as session:
        await session.execute(insert(TENANT_TOKEN).values(**row, **stamps))


async def set_organization(cast: Cast, organization: Any = None, **values: Any) -> None:
    """Change columns of Acme, or of another organization."""
    async with cast.store.write() as session:
        changed = update(ORGANIZATION).where(ORGANIZATION.c.id == (organization or cast.acme)).values(**values)
        await session.execute(changed)


async def accepted_count(cast: Cast, organization: Any = None) -> int:
    """How many accepted things an organization counts, which is how many it has."""
    chosen = organization or cast.acme
    counted = int(await cast.value(ORGANIZATION.c.accepted_thing_count, ORGANIZATION.c.id == chosen))
    has = await cast.count(THING, THING.c.organization_id == chosen, THING.c.auth_status == "ACCEPTED")
    assert counted == has
    return counted
