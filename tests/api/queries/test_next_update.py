"""`nextUpdate`: what a thing would be offered, seen by people and by the thing itself, without a change."""

from __future__ import annotations

from typing import Any

from models.tables import OTA_EXECUTION, OTA_JOB
from tests.cast import Cast, thing_id
from tests.ota import FILE, execution_of, start_job, upload

ASK = """query Next($id: ID!) { nextUpdate(thingId: $id) {
  artifactVersion size description downloadUrl downloadExpiresAt execution { id status job { id } }
} }"""


async def look(cast: Cast, caller: str, thing: str | None = None) -> Any:
    return (await cast.data(caller, ASK, {"id": thing or thing_id(cast.thing)}))["nextUpdate"]


async def test_nothing_waits(cast: Cast) -> None:
    assert await look(cast, "viewer") is None


async def test_the_first_by_priority_and_nothing_changes(cast: Cast) -> None:
    await start_job(cast, priority=4)
    artifact, _ = await upload(cast, releaseName="2.0", version="7")
    first = await start_job(cast, artifactId=artifact, priority=3, description="Repairs the valve")
    before = [await cast.rows(table.select()) for table in (OTA_EXECUTION, OTA_JOB)]
    for caller in ("viewer", "owner", "platform", "thing"):
        offer = await look(cast, caller)
        assert offer["execution"] == {
            "id": await execution_of(cast, cast.thing, first),
            "status": "PENDING",
            "job": {"id": first},
        }
        assert (offer["artifactVersion"], offer["size"], offer["description"]) == ("7", len(FILE), "Repairs the valve")
        assert (offer["downloadUrl"] is not None) is (caller == "thing")
    assert [await cast.rows(table.select()) for table in (OTA_EXECUTION, OTA_JOB)] == before


async def test_what_waits_for_consent_is_shown_to_people(cast: Cast) -> None:
    """Its file only when the job shares it."""
    private = await start_job(cast, approval=True)
    offer = await look(cast, "viewer")
    assert offer["execution"] == {
        "id": await execution_of(cast, cast.thing, private),
        "status": "AWAITING_APPROVAL",
        "job": {"id": private},
    }
    assert (offer["downloadUrl"], offer["downloadExpiresAt"]) == (None, None)
    assert await look(cast, "thing") is None
    artifact, _ = await upload(cast, releaseName="2.0")
    await start_job(cast, artifactId=artifact, approval=True, shareFile=True, priority=1)
    offer = await look(cast, "viewer")
    assert offer["downloadExpiresAt"] is not None
    answer = await cast.gateway.request("GET", offer["downloadUrl"])
    assert (answer.status, answer.body) == (200, FILE)


async def test_who_may_not(cast: Cast) -> None:
    await start_job(cast)
    (other,) = await cast.add_things(1)
    cases = [("outsider", cast.thing), ("loner", cast.thing), ("thing", other), ("owner", cast.acme)]
    for caller, thing in cases:
        answer = await cast.gateway.graphql(ASK, {"id": thing_id(thing)}, token=await cast.token(caller))
        assert answer.codes == ["NOT_FOUND"], caller
    answer = await cast.gateway.graphql(ASK, {"id": thing_id(cast.thing)})
    assert answer.codes == ["UNAUTHENTICATED"]
    answer = await cast.gateway.graphql(ASK, {"id": "thing_x"}, token=await cast.token("owner"))
    assert answer.codes == ["BAD_USER_INPUT"]
