from __future__ import annotations

from engine.ids import global_id
from models.ids import new_id
from models.tables import AUTH_SET, TENANT_TOKEN
from tests.cast import Cast, org_id, refusals
from tests.key_pairs import Device, add_tenant


async def test_things_that_name_it_sign_in_no_more(cast: Cast) -> None:
    """What they were given lasts, and another token of the organization does as well."""
    await add_tenant(cast)
    device = await Device(cast, {"mac": "1"}).accepted()
    token = await device.sign_in()
    given = {"id": global_id("tenant", await cast.value(TENANT_TOKEN.c.id))}
    assert await cast.change("admin", "deleteTenantToken", given, "deletedId") == {"deletedId": given["id"]}
    assert await device.is_refused()
    assert await Device(cast, {"mac": "2"}).is_refused()
    assert [await cast.count(TENANT_TOKEN), await cast.count(AUTH_SET)] == [0, 1]
    assert (await cast.gateway.data("{ viewer { thing { id } } }", token=token))["viewer"]["thing"]
    await add_tenant(cast, secret="another")
    device.tenant = "another"
    assert await device.sign_in()
    assert await cast.error("admin", "deleteTenantToken", given) == ("NOT_FOUND", ["id"])


async def test_whoever_may_not_deletes_none(cast: Cast) -> None:
    await add_tenant(cast)
    given = {"id": global_id("tenant", await cast.value(TENANT_TOKEN.c.id))}
    # Who may not read tenant tokens does not find them.
    await cast.refused("deleteTenantToken", given, refusals(viewer="FORBIDDEN", editor="FORBIDDEN"))
    for value, code in ((org_id(cast.acme), "INVALID_INPUT"), (global_id("tenant", new_id()), "NOT_FOUND")):
        assert await cast.error("owner", "deleteTenantToken", {"id": value}) == (code, ["id"])
    assert await cast.count(TENANT_TOKEN) == 1
