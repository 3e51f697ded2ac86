from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from models.tables import SIGNING_KEY
from services.formats.secure_boot import key_digest
from tests.cast import Cast, org_id, refusals
from tests.rows import key
from tests.signing import key_input, make_key, parts_of


@pytest.mark.parametrize(("spec", "kind"), [("RSA_3072", rsa.RSAPublicKey), ("ECDSA_P256", ec.EllipticCurvePublicKey)])
async def test_a_key_is_made(cast: Cast, spec: str, kind: type[Any]) -> None:
    said = key_input(cast, "boot/Lamp_1-a", spec=spec, description="For lamps.", tags={"line": "2"})
    selection = """signingKey {
      id name spec description tags publicKey publicKeyDigest version createdAt organization { id }
      signatures { totalCount }
    }"""
    made = (await cast.change("admin", "createSigningKey", said, selection))["signingKey"]
    public = load_pem_public_key(made["publicKey"].encode())
    assert isinstance(public, kind)
    assert made["publicKeyDigest"] == key_digest(public)
    assert (made["name"], made["spec"], made["description"]) == ("boot/Lamp_1-a", spec, "For lamps.")
    assert (made["tags"], made["organization"]["id"]) == ({"line": "2"}, org_id(cast.acme))
    assert made["signatures"]["totalCount"] == 0
    sealed = await cast.value(SIGNING_KEY.c.private_key, SIGNING_KEY.c.id == key(made["id"]))
    private = parts_of(cast).vault.open(key(made["id"]), sealed)
    assert key_digest(private.public_key()) == made["publicKeyDigest"]


async def test_keys_are_listed_and_read_by_everybody_of_the_organization(cast: Cast) -> None:
    made = [await make_key(cast, name) for name in ("a", "b")]
    query = "query ($org: ID!) { organization(id: $org) { signingKeys { totalCount nodes { id name publicKey } } } }"
    for caller in ("viewer", "owner", "platform"):
        listed = (await cast.data(caller, query, {"org": org_id(cast.acme)}))["organization"]["signingKeys"]
        assert listed["totalCount"] == 2
        assert {each["id"] for each in listed["nodes"]} == {each["id"] for each in made}
    everywhere = "{ signingKeys { totalCount nodes { id publicKeyDigest } } }"
    assert (await cast.data("viewer", everywhere))["signingKeys"]["totalCount"] == 2
    assert (await cast.data("outsider", everywhere))["signingKeys"]["nodes"] == []
    one = "query ($id: ID!) { signingKey(id: $id) { name publicKeyDigest } }"
    found = (await cast.data("viewer", one, {"id": made[0]["id"]}))["signingKey"]
    assert found == {"name": "a", "publicKeyDigest": made[0]["publicKeyDigest"]}
    assert (await cast.data("outsider", one, {"id": made[0]["id"]}))["signingKey"] is None
    assert (await cast.data("viewer", one, {"id": "signingkey_" + "0" * 32}))["signingKey"] is None


async def test_names_are_taken_once(cast: Cast) -> None:
    await make_key(cast)
    assert await cast.error("admin", "createSigningKey", key_input(cast)) == ("CONFLICT", ["name"])
    other = key_input(cast) | {"organizationId": org_id(cast.other)}
    await cast.change("outsider", "createSigningKey", other)
    assert await cast.count(SIGNING_KEY) == 2


async def test_bad_input_makes_nothing(cast: Cast) -> None:
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"organizationId": "thing_" + "0" * 32}, "INVALID_INPUT", ["organizationId"]),
        ({"organizationId": org_id(cast.other)}, "NOT_FOUND", ["organizationId"]),
        ({"name": ""}, "INVALID_INPUT", ["name"]),
        ({"name": "a b"}, "INVALID_INPUT", ["name"]),
        ({"name": "ä"}, "INVALID_INPUT", ["name"]),
        ({"name": "a\n"}, "INVALID_INPUT", ["name"]),
        ({"name": "x" * 257}, "INVALID_INPUT", ["name"]),
        ({"tags": ["a"]}, "INVALID_INPUT", ["tags"]),
        ({"tags": {"a": 1}}, "INVALID_INPUT", ["tags", "a"]),
        ({"tags": {str(number): "" for number in range(51)}}, "INVALID_INPUT", ["tags"]),
        ({"description": "x" * 4097}, "INVALID_INPUT", ["description"]),
    ]
    for change, code, path in cases:
        assert await cast.error("admin", "createSigningKey", {**key_input(cast), **change}) == (code, path)
    assert await cast.refusal("admin", "createSigningKey", {**key_input(cast), "spec": "RSA_2048"}) == "BAD_USER_INPUT"
    assert await cast.count(SIGNING_KEY) == 0
    await make_key(cast, "x" * 256)


async def test_who_may_not(cast: Cast) -> None:
    refused = refusals(viewer="FORBIDDEN", editor="FORBIDDEN")
    await cast.refused("createSigningKey", key_input(cast), refused)
    assert await cast.count(SIGNING_KEY) == 0
