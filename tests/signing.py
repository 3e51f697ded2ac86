"""Files, keys and signatures through the API, and the duties of the background run at the test's word."""

from __future__ import annotations

from typing import Any, Final

from gateway import PARTS
from resolvers.context import Parts
from services.generations import GenerationDuty
from services.signing_work import SigningDuty
from tests.cast import Cast, org_id

SHARED: Final = {"version": "1.4.2", "model": "lamp", "compatibleTypes": ["lamp"]}


def parts_of(cast: Cast) -> Parts:
    """What the gateway of the test is made of."""
    return cast.gateway.application[PARTS]


async def upload_file(cast: Cast, data: bytes, caller: str = "editor", **said: Any) -> str:
    """An artifact of Acme whose file is there; gives its id. A `.mender` says all of itself."""
    declared = {"organizationId": org_id(cast.acme), **said}
    if said.get("format") != "MENDER":
        declared = {**SHARED, **declared}
    made = await cast.change(caller, "createArtifact", declared, "artifact { id } uploadUrl")
    answer = await cast.gateway.request("PUT", made["uploadUrl"], data=data)
    assert answer.status == 201, answer.body
    return str(made["artifact"]["id"])


async def upload_image(cast: Cast, data: bytes, **said: Any) -> str:
    """An ESP image in the release `lamp`; gives its id."""
    named = {"format": "ESP_IMAGE", "releaseName": "lamp", "fileName": "lamp.bin"}
    return await upload_file(cast, data, **{**named, **said})


async def attach(cast: Cast, artifact: str, data: bytes, kind: str = "BOOTLOADER") -> str:
    """A file that goes with an artifact; gives its id."""
    said = {"artifactId": artifact, "kind": kind, "fileName": "bootloader.bin"}
    made = await cast.change("editor", "createAttachment", said, "attachment { id } uploadUrl")
    answer = await cast.gateway.request("PUT", made["uploadUrl"], data=data)
    assert answer.status == 201, answer.body
    return str(made["attachment"]["id"])


def key_input(cast: Cast, name: str = "boot/1", **more: Any) -> dict[str, Any]:
    return {"organizationId": org_id(cast.acme), "name": name, "spec": "ECDSA_P256", **more}


async def make_key(cast: Cast, name: str = "boot/1", **more: Any) -> dict[str, Any]:
    """A key of Acme: `id`, `publicKey` and `publicKeyDigest`."""
    selection = "signingKey { id publicKey publicKeyDigest }"
    payload = await cast.change("admin", "createSigningKey", key_input(cast, name, **more), selection)
    return dict(payload["signingKey"])


async def ask_to_sign(cast: Cast, artifact: str, keys: list[dict[str, Any]], **more: Any) -> str:
    """A request to sign with these keys; gives its id."""
    said = {"artifactId": artifact, "keyIds": [key["id"] for key in keys], **more}
    payload = await cast.change("admin", "signArtifact", said, "signingRequest { id status }")
    assert payload["signingRequest"]["status"] == "QUEUED"
    return str(payload["signingRequest"]["id"])


async def run_signing(cast: Cast, *, seconds: float = 60.0) -> int:
    """Do the work of the background once; gives how many requests have ended."""
    return await signing_duty(cast, seconds=seconds).run()


def signing_duty(cast: Cast, *, seconds: float = 60.0) -> SigningDuty:
    parts = parts_of(cast)
    args = (parts.store, parts.files, parts.storage, parts.spool, parts.vault, parts.tail.wake)
    return SigningDuty(*args, seconds=seconds)


def generation_duty(cast: Cast, *, seconds: float = 60.0) -> GenerationDuty:
    parts = parts_of(cast)
    return GenerationDuty(parts.store, parts.files, parts.spool, parts.tail.wake, seconds=seconds)


async def request_of(cast: Cast, request: str) -> dict[str, Any]:
    """How a request stands, with its result and its part of the log."""
    query = """query ($id: ID!) { signingRequest(id: $id) {
      status description finishedAt signBootloader
      keys { nodes { name } }
      signedArtifact {
        id name signed status fileName size sha256 info downloadUrl release { name } signedFrom { id }
        attachments { nodes { kind fileName sha256 downloadUrl } }
      }
      signatures { nodes {
        file keyName publicKeyDigest artifactName fileName sha256 createdBy { id } artifact { id } signedArtifact { id }
        attachment { fileName }
      } }
    } }"""
    return dict((await cast.data("viewer", query, {"id": request}))["signingRequest"])


async def download(cast: Cast, address: str) -> bytes:
    """The bytes behind a signed address."""
    answer = await cast.gateway.request("GET", address)
    assert answer.status == 200, answer.body
    return bytes(answer.body)
