"""The root fields of one noun each: by its global id, of that type alone, and of what the caller may see."""

from __future__ import annotations

from tests.engine.edges import NODE_TYPES, everything
from tests.fleets import Fleet
from tests.gateways import Gateway
from tests.rows import add_campaign, store_of
from tests.trust import add_identity, add_signing

FIELDS = {
    "Organization": "organization",
    "User": "user",
    "Membership": "membership",
    "Group": "group",
    "Profile": "profile",
    "Thing": "thing",
    "Artifact": "artifact",
    "Release": "release",
    "Deployment": "deployment",
    "OtaJob": "otaJob",
    "OtaExecution": "otaExecution",
    "Attachment": "attachment",
    "AuthSet": "authSet",
    "SigningKey": "signingKey",
    "SigningRequest": "signingRequest",
}
NODE_ALONE = {"Signature", "TenantToken", "ThingToken"}
"""Types that are found by `node` alone."""
WRONG = ["", "x", "_", "thing", "1", "thing_" + "g" * 32, "x" * 10_000]


def query(field: str) -> str:
    return f"query ($id: ID!) {{ found: {field}(id: $id) {{ __typename id }} }}"


async def test_every_noun_has_its_field(gateway: Gateway, fleet: Fleet) -> None:
    assert set(FIELDS) == set(NODE_TYPES) - NODE_ALONE
    token, store = fleet.alder.owner.token, store_of(gateway)
    for tenant in (fleet.alder, fleet.birch):
        owner = tenant.owner.id
        campaign = await add_campaign(store, tenant.organization, [tenant.pump.id], created_by=owner)
        await add_identity(store, tenant.organization, tenant.pump.id, created_by=owner)
        await add_signing(store, tenant.organization, campaign, created_by=owner)
    mine = {kind: (await everything(gateway, token, kind))[0] for kind in FIELDS}
    theirs = {kind: (await everything(gateway, fleet.birch.owner.token, kind))[0] for kind in FIELDS}
    for kind, field in FIELDS.items():
        found = {"found": {"__typename": kind, "id": mine[kind]}}
        assert await gateway.data(query(field), {"id": mine[kind]}, token=token) == found
        for stranger in (fleet.stranger.token, fleet.birch.owner.token, fleet.birch.pump.token):
            assert await gateway.data(query(field), {"id": mine[kind]}, token=stranger) == {"found": None}, kind
        assert await gateway.data(query(field), {"id": theirs[kind]}, token=token) == {"found": None}, kind
        unknown = f"{mine[kind].partition('_')[0]}_{'0' * 32}"
        assert await gateway.data(query(field), {"id": unknown}, token=token) == {"found": None}, kind
        others = [identity for other, identity in mine.items() if other != kind]
        for wrong in [*others, *WRONG, mine[kind].upper(), mine[kind] + "\n"]:
            answer = await gateway.graphql(query(field), {"id": wrong}, token=token)
            assert answer.codes == ["BAD_USER_INPUT"], (field, wrong)
            assert len(answer.body) < 1_000


async def test_an_id_must_be_given(gateway: Gateway, fleet: Fleet) -> None:
    for field in set(FIELDS.values()) - {"thing"}:
        answer = await gateway.graphql(f"{{ {field} {{ id }} }}", token=fleet.alder.viewer.token)
        assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
        answer = await gateway.graphql(query(field), {"id": None}, token=fleet.alder.viewer.token)
        assert answer.codes == ["BAD_USER_INPUT"]
