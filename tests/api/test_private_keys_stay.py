"""Whatever is asked, told, logged or written: no byte of the private part of a signing key is in it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from sqlalchemy import select

from models.tables import EVENT, SIGNATURE, SIGNING_KEY
from resolvers.fleet_schema import build_schema
from services.formats.secure_boot import PrivateKey
from tests.cast import CALLERS, Cast, org_id
from tests.rows import key
from tests.services.formats.esp_files import image
from tests.services.formats.mender_files import Mender
from tests.signing import ask_to_sign, make_key, parts_of, request_of, run_signing, upload_file, upload_image


def numbers_of(private: PrivateKey) -> list[int]:
    """The numbers that make a private key."""
    numbers = private.private_numbers()
    if isinstance(numbers, rsa.RSAPrivateNumbers):
        return [numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp]
    return [numbers.private_value]


def needles(private: PrivateKey) -> Iterator[bytes]:
    """How the private numbers could be written: as bytes, digits, hex digits, and in base64 at any place of a text."""
    for number in numbers_of(private):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        for data in (raw[:24], raw[::-1][:24]):
            yield data
            yield data.hex().encode()
            for before in range(3):
                yield base64.b64encode(bytes(before) + data)[4:-4]
        yield str(number).encode()[:40]


def selection(kind: GraphQLObjectType, depth: int) -> str:
    """Every field that needs no argument, and of the objects in it again."""
    parts = []
    for name, described in kind.fields.items():
        if any(each.type.__class__.__name__ == "GraphQLNonNull" for each in described.args.values()):
            continue
        inner = get_named_type(described.type)
        if is_leaf_type(inner):
            parts.append(name)
        elif depth and isinstance(inner, GraphQLObjectType) and not name.startswith("edges"):
            parts.append(f"{name} {{ {selection(inner, depth - 1)} }}")
    return " ".join(parts) or "__typename"


async def test_the_search_would_find_it(cast: Cast) -> None:
    made = await make_key(cast)
    private = await private_of(cast, made["id"])
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    plain = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    joined = b"".join(pem.splitlines())
    assert any(each in plain for each in needles(private))
    assert any(each in joined for each in needles(private))
    assert any(each in json.dumps(numbers_of(private)).encode() for each in needles(private))


async def private_of(cast: Cast, key_id: str) -> PrivateKey:
    sealed = await cast.value(SIGNING_KEY.c.private_key, SIGNING_KEY.c.id == key(key_id))
    return parts_of(cast).vault.open(key(key_id), sealed)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, down to the least severe level."""
    lines = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=repr)],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        logger_factory=structlog.PrintLoggerFactory(lines),
        cache_logger_on_first_use=False,
    )
    yield lines
    structlog.reset_defaults()


async def test_no_private_part_is_told_logged_or_written(cast: Cast, lines: io.StringIO) -> None:
    keys = [await make_key(cast, "ec"), await make_key(cast, "rsa", spec="RSA_3072")]
    privates = [await private_of(cast, each["id"]) for each in keys]
    artifact = await upload_image(cast, image())
    mender = await upload_file(cast, Mender().build(), format="MENDER", fileName="rel-2.mender")
    requests = [await ask_to_sign(cast, each, [made]) for each in (artifact, mender) for made in keys]
    await run_signing(cast)
    done = [await request_of(cast, each) for each in requests]
    assert [each["status"] for each in done] == ["SUCCESS"] * 4
    # What cannot be opened is logged as a fault, which shows what there is to show.
    async with cast.store.write() as session:
        await session.execute(SIGNING_KEY.update().where(SIGNING_KEY.c.name == "ec").values(private_key=b"damaged"))
    failing = await ask_to_sign(cast, artifact, [keys[0]])
    await run_signing(cast)
    assert (await request_of(cast, failing))["status"] == "FAILED"

    schema = build_schema()._schema
    asked = {
        "SigningKey": keys[0]["id"],
        "SigningRequest": requests[0],
        "Artifact": done[0]["signedArtifact"]["id"],
        "Organization": org_id(cast.acme),
        "Signature": f"signature_{(await cast.rows(select(SIGNATURE.c.id).limit(1)))[0][0].hex}",
    }
    told = []
    for name, node in asked.items():
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        query = f"query ($id: ID!) {{ node(id: $id) {{ ... on {name} {{ {selection(kind, 2)} }} }} }}"
        for caller in CALLERS:
            answer = await cast.gateway.graphql(query, {"id": node}, token=await cast.token(caller))
            told.append(json.dumps(answer.json))
            if caller == "owner":
                assert answer.data["node"], answer.json
    events = [repr(tuple(row)) for row in await cast.rows(select(EVENT))]
    stored = [bytes(sealed) for (sealed,) in await cast.rows(select(SIGNING_KEY.c.private_key))]
    files = [path.read_bytes() for path in parts_of(cast).settings.data_dir.rglob("*") if path.is_file()]
    assert "does not open" in lines.getvalue()
    haystack: list[bytes] = [each.encode() for each in (*told, *events, lines.getvalue())] + stored + files
    assert len(haystack) > 30
    for private in privates:
        found = [each for each in needles(private) for hay in haystack if each in hay]
        assert found == []


def test_no_field_is_named_after_it() -> None:
    types: dict[str, Any] = build_schema()._schema.type_map
    for name in ("SigningKey", "CreateSigningKeyInput", "CreateSigningKeyPayload", "SigningRequest", "Signature"):
        assert not [each for each in types[name].fields if "private" in each.lower() or "secret" in each.lower()]
