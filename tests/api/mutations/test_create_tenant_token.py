from __future__ import annotations

import pytest
from sqlalchemy import insert

from models.columns import now
from models.ids import new_id
from models.tables import TENANT_TOKEN
from services.tenant_tokens import TOKENS_PER_ORGANIZATION
from services.tokens import digest
from tests.cast import Cast, org_id, refusals, user_id
from tests.key_pairs import Device

SELECT = "secret tenantToken { id name organization { id } createdBy { id } }"


async def test_a_new_token_names_its_organization_to_things(cast: Cast) -> None:
    given = {"organizationId": org_id(cast.acme), "name": " Line 2 "}
    payload = await cast.change("admin", "createTenantToken", given, SELECT)
    token = payload["tenantToken"]
    assert (token["name"], token["organization"]) == ("Line 2", {"id": org_id(cast.acme)})
    assert token["createdBy"] == {"id": user_id(cast.people["admin"])}
    # The secret is nowhere but in the answer.
    assert await cast.value(TENANT_TOKEN.c.digest) == digest(payload["secret"])
    listed = await cast.data("admin", "{ organizations { nodes { tenantTokens { nodes { name } } } } }")
    assert listed["organizations"]["nodes"][0]["tenantTokens"]["nodes"] == [{"name": "Line 2"}]
    device = Device(cast, {"mac": "1"}, tenant=payload["secret"])
    assert await device.is_refused()
    await cast.change("editor", "acceptAuthSet", {"id": await device.auth_set()})
    assert await device.sign_in()


@pytest.mark.parametrize("name", ["", " ", "x" * 255])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_token_has_a_name(cast: Cast, name: str) -> None:
    given = {"organizationId": org_id(cast.acme), "name": name}
    assert await cast.error("owner", "createTenantToken", given) == ("INVALID_INPUT", ["name"])
    assert await cast.count(TENANT_TOKEN) == 0


async def test_an_organization_has_only_so_many(cast: Cast) -> None:
    stamps = {"organization_id": cast.acme, "name": "x", "version": 1, "created_at": now(), "updated_at": now()}
    rows = [{"id": new_id(), "digest": digest(str(number)), **stamps} for number in range(TOKENS_PER_ORGANIZATION)]
    async with cast.store.write() as session:
        await session.execute(insert(TENANT_TOKEN), rows)
    given = {"organizationId": org_id(cast.acme), "name": "one more"}
    assert await cast.error("owner", "createTenantToken", given) == ("LIMIT_REACHED", ["organizationId"])
    assert await cast.count(TENANT_TOKEN) == TOKENS_PER_ORGANIZATION


async def test_whoever_may_not_creates_none(cast: Cast) -> None:
    given = {"organizationId": org_id(cast.acme), "name": "Line 2"}
    await cast.refused("createTenantToken", given, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    nowhere = {"organizationId": org_id(new_id()), "name": "x"}
    assert await cast.error("owner", "createTenantToken", nowhere) == ("NOT_FOUND", ["organizationId"])
    assert await cast.count(TENANT_TOKEN) == 0
