from __future__ import annotations

from typing import Any

from models.tables import OTA_EXECUTION, THING
from tests.cast import THING_KEY, Cast
from tests.gateways import Gateway
from tests.ota import FILE, assert_counts, deploy, execution_of, start_job, status_of, upload
from tests.rows import key
from tests.statements import Recorder

SAYS = {"deviceType": "pump", "artifactName": "0.9", "provides": {"rootfs-image.version": "0.9"}}
OFFER = """offer {
  artifactName artifactVersion compatibleTypes fileName size sha256 md5 downloadUrl downloadExpiresAt metadata
  description keyDigests artifact { id } execution { id status offeredAt deviceType job { askedCount } }
}"""


async def ask(cast: Cast, **says: Any) -> Any:
    return (await cast.change("thing", "myNextUpdate", says, OFFER))["offer"]


async def test_a_thing_is_given_its_update_with_the_file(cast: Cast, gateway: Gateway) -> None:
    artifact, release = await upload(cast, version="7")
    deployment = await deploy(cast, releaseId=release)
    offer = await ask(cast, **SAYS)
    execution = await execution_of(cast, cast.thing, deployment)
    assert offer["execution"]["id"] == execution
    assert (offer["execution"]["status"], offer["execution"]["deviceType"]) == ("TRIGGERED", "pump")
    assert offer["execution"]["job"] == {"askedCount": 1}
    assert offer["artifact"] == {"id": artifact}
    told = {name: offer[name] for name in ("artifactName", "artifactVersion", "compatibleTypes", "fileName", "size")}
    assert told == {
        "artifactName": "1.0",
        "artifactVersion": "7",
        "compatibleTypes": [],
        "fileName": "pump.bin",
        "size": len(FILE),
    }
    assert (offer["metadata"], offer["keyDigests"]) == ({}, [])
    assert offer["downloadExpiresAt"] is not None
    answer = await gateway.request("GET", offer["downloadUrl"])
    assert (answer.status, answer.body) == (200, FILE)
    again = await ask(cast, **SAYS)
    assert again["execution"] == offer["execution"]
    stored = await cast.value(THING.c.software, THING.c.id == cast.thing)
    assert stored == {"device_type": "pump", "artifact_name": "0.9", "rootfs-image.version": "0.9"}
    await assert_counts(cast)


async def test_until_it_reports_the_end(cast: Cast) -> None:
    first = await execution_of(cast, cast.thing, await start_job(cast, priority=2))
    second = await execution_of(
        cast, cast.thing, await start_job(cast, artifactId=(await upload(cast, releaseName="2.0"))[0])
    )
    assert (await ask(cast))["execution"]["id"] == first
    await cast.change("thing", "reportOtaExecution", {"executionId": first, "status": "SUCCESS"})
    assert (await ask(cast))["execution"]["id"] == second
    await cast.change("thing", "reportOtaExecution", {"executionId": second, "status": "REJECTED"})
    assert await ask(cast) is None


async def test_what_it_has_already_and_what_does_not_fit(cast: Cast) -> None:
    _, release = await upload(cast, compatibleTypes=["pump"])
    has = await execution_of(cast, cast.thing, await deploy(cast, releaseId=release))
    assert await ask(cast, deviceType="pump", artifactName="1.0") is None
    assert await status_of(cast, has) == "ALREADY_INSTALLED"
    other = await execution_of(cast, cast.thing, await deploy(cast, releaseId=release, name="July"))
    assert await ask(cast, deviceType="valve", artifactName="0.9") is None
    assert await status_of(cast, other) == "NO_ARTIFACT"
    await assert_counts(cast)


async def test_what_waits_for_consent_is_given_out_after_it(cast: Cast) -> None:
    execution = await execution_of(cast, cast.thing, await start_job(cast, approval=True))
    assert await ask(cast) is None
    await cast.change("editor", "approveOtaExecution", {"id": execution})
    assert (await ask(cast))["execution"]["id"] == execution


async def test_what_cannot_be_said(cast: Cast) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"deviceType": "pump"}, ["artifactName"]),
        ({"artifactName": "1.0"}, ["deviceType"]),
        ({"provides": {"a": "b"}}, ["deviceType"]),
        (SAYS | {"provides": ["a"]}, ["provides"]),
        (SAYS | {"provides": {"a": 1}}, ["provides", "a"]),
        (SAYS | {"deviceType": " "}, ["deviceType"]),
        (SAYS | {"artifactName": "x" * 255}, ["artifactName"]),
    ]
    for says, path in cases:
        assert await cast.error("thing", "myNextUpdate", says) == ("INVALID_INPUT", path), says
    assert await cast.value(THING.c.software, THING.c.id == cast.thing) == {}


async def test_who_may_not(cast: Cast) -> None:
    job = await start_job(cast)
    people = dict.fromkeys(("platform", "owner", "viewer", "outsider", "loner"), "FORBIDDEN")
    await cast.refused("myNextUpdate", SAYS, people | {"anonymous": "UNAUTHENTICATED"})
    assert await status_of(cast, await execution_of(cast, cast.thing, job)) == "PENDING"


async def test_a_key_that_was_replaced(cast: Cast, gateway: Gateway) -> None:
    await start_job(cast)
    await cast.change("owner", "replaceThingKey", {"id": f"thing_{cast.thing.hex}"})
    answer = await gateway.graphql(
        "mutation { myNextUpdate(input: {}) { offer { size } } }", token=f"Thing {THING_KEY}"
    )
    assert answer.codes == ["UNAUTHENTICATED"]
    assert await cast.count(OTA_EXECUTION, OTA_EXECUTION.c.offered_at.is_not(None)) == 0


async def test_nothing_waits_costs_one_statement_behind_the_key(cast: Cast, statements: Recorder) -> None:
    """The key is looked up, with those of others that come at the same moment; then there is one statement."""
    things = await cast.add_things(50)
    job = await start_job(cast, target={"thingIds": [f"thing_{each.hex}" for each in things]})
    assert await ask(cast, **SAYS) is None
    with statements() as seen:
        assert await ask(cast, **SAYS) is None
    assert seen.count == 2
    assert len(seen.reading("ota_execution")) == 1
    assert await cast.count(OTA_EXECUTION, OTA_EXECUTION.c.job_id == key(job)) == 50
