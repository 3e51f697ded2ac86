"""Keys that sign artifacts: made here, kept sealed, given out in no way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from models import SigningKeyRow
from models.enums import KeySpec, Permission
from models.ids import new_id
from models.tables import SIGNING_KEY
from services.errors import Conflict, InvalidInput, LimitReached, NotFound
from services.formats.secure_boot import key_digest
from services.key_vault import KeyVault
from services.lookups import enter
from services.unit_of_work import UnitOfWork
from services.validation import Path, check_object, check_text
from sql.sets import member_of

MAX_KEYS: Final = 1_000
MAX_TAGS: Final = 50
_NAME: Final = re.compile(r"[A-Za-z0-9/_-]{1,256}")
_TAG_LENGTH: Final = 256
_RSA_BITS: Final = 3072
_EXPONENT: Final = 65537


@dataclass(frozen=True, slots=True)
class Pair:
    """A new key pair: the public part as PEM, its digest in hex, and the private part sealed for the key `id`."""

    id: UUID
    spec: KeySpec
    public_key: str
    digest: str
    private_key: bytes


def make_pair(vault: KeyVault, spec: KeySpec) -> Pair:
    """Make a key pair; blocks for up to a second or so, which is why no transaction is open meanwhile."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if spec is KeySpec.RSA_3072:
        private = rsa.generate_private_key(_EXPONENT, _RSA_BITS)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    key_id = new_id()
    return Pair(key_id, spec, pem, key_digest(public), vault.seal(key_id, private))


def check_key(name: str, description: str, tags: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is said of a key, checked; raises InvalidInput (rainmaker.signing.create-key)."""
    if not _NAME.fullmatch(name):
        raise InvalidInput("a key's name has 1 to 256 letters, digits, slashes, underscores and dashes", ("name",))
    checked = check_object({} if tags is None else tags, ("tags",))
    if len(checked) > MAX_TAGS:
        raise InvalidInput(f"at most {MAX_TAGS} tags are allowed", ("tags",))
    for key, value in checked.items():
        if not isinstance(value, str) or not 1 <= len(key) <= _TAG_LENGTH or len(value) > _TAG_LENGTH:
            raise InvalidInput(f"a tag is a text with a name, each of at most {_TAG_LENGTH} characters", ("tags", key))
    return {"name": name, "description": check_text(description, ("description",)), "tags": checked}


async def admit(work: UnitOfWork, organization_id: UUID, name: str) -> None:
    """Check that a key may be made; raises NotFound, Forbidden, Conflict for a taken name, and LimitReached."""
    await enter(work, organization_id, Permission.SIGNING_WRITE)
    if await work.exists(SIGNING_KEY.c.organization_id == organization_id, SIGNING_KEY.c.name == name):
        raise Conflict("another key of the organization has this name", ("name",))
    kept = select(SIGNING_KEY.c.id).where(SIGNING_KEY.c.organization_id == organization_id).limit(MAX_KEYS)
    if len((await work.session.execute(kept)).all()) >= MAX_KEYS:
        raise LimitReached(f"an organization has at most {MAX_KEYS:,} keys", ("organizationId",))


async def create(work: UnitOfWork, organization_id: UUID, said: Mapping[str, Any], pair: Pair) -> UUID:
    """Keep a new key, with what was checked of it (`check_key`); raises what `admit` raises."""
    await admit(work, organization_id, said["name"])
    row = SigningKeyRow(
        id=pair.id,
        organization_id=organization_id,
        spec=pair.spec,
        public_key=pair.public_key,
        digest=pair.digest,
        private_key=pair.private_key,
        created_at=work.moment,
        updated_at=work.moment,
        **said,
    )
    work.session.add(row)
    await work.session.flush()
    return row.id


async def find_keys(
    work: UnitOfWork, organization_id: UUID, *, ids: Sequence[UUID] | None, digests: Sequence[str] | None
) -> list[tuple[UUID, KeySpec]]:
    """Keys of an organization by their ids or by the digests of their public parts, in that order, with their kinds.

    Raises InvalidInput unless exactly one of both is given, and once each; NotFound for one that there is not.
    """
    if (ids is None) == (digests is None):
        raise InvalidInput("give either the ids of keys or the digests of their public parts", ("keyIds",))
    column = SIGNING_KEY.c.digest if ids is None else SIGNING_KEY.c.id
    name: str = "keyDigests" if ids is None else "keyIds"
    wanted: list[Any] = [each.lower() for each in digests or ()] if ids is None else list(ids)
    if not wanted or len(set(wanted)) != len(wanted) or len(wanted) > MAX_KEYS:
        raise InvalidInput("name at least one key, and none twice", (name,))
    statement = select(column, SIGNING_KEY.c.id, SIGNING_KEY.c.spec).where(
        SIGNING_KEY.c.organization_id == organization_id, member_of(column, wanted)
    )
    found = {row[0]: (row[1], row[2]) for row in (await work.session.execute(statement)).all()}
    return [_known(found, value, (name, index)) for index, value in enumerate(wanted)]


def _known(found: Mapping[Any, tuple[UUID, KeySpec]], value: Any, path: Path) -> tuple[UUID, KeySpec]:
    if value not in found:
        raise NotFound("there is no such key in the organization of the artifact", path)
    return found[value]
