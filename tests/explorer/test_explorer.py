"""A newcomer's visit to the explorer, in a real browser against a whole gateway with its demo fleet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.explorer.javascript import ROOT, chromium, node, require, require_packages, run

# The first test waits for a gateway with its demo fleet and then for the whole visit.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

EXPLORER = ROOT / "explorer"
SCREENSHOTS = ROOT / "var" / "screenshots"


@pytest.fixture(scope="module")
def visit(live_gateway: Any) -> dict[str, Any]:
    """What one visit showed and what went wrong on it; the screenshots stay in var/screenshots."""
    require_packages(EXPLORER)
    require(present=(EXPLORER / "dist" / "index.html").is_file(), missing="The explorer is not built: `make explorer`.")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("visit.mjs")
    visitor = [live_gateway.url, live_gateway.demo_email, live_gateway.demo_password]
    ended = run([node(), script, *visitor, SCREENSHOTS], folder=EXPLORER, seconds=110, CHROMIUM=chromium())
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    assert "failure" not in report, f"{report['step']}: {report['failure']} ({SCREENSHOTS}/failure.png)\n{ended.stdout}"
    return report


def test_nothing_went_wrong_on_the_way(visit: dict[str, Any]) -> None:
    assert visit["errors"] == []
    assert visit["violations"] == []
    assert visit["failed"] == []


def test_nothing_left_our_own_origin(visit: dict[str, Any], live_gateway: Any) -> None:
    assert visit["foreign"] == []
    assert set(visit["sockets"]) == {f"{live_gateway.url.replace('http', 'ws', 1)}/graphql"}


def test_the_page_comes_with_the_policy_of_its_build(visit: dict[str, Any]) -> None:
    policy = json.loads((EXPLORER / "csp.json").read_text())
    served = dict(directive.split(" ", 1) for directive in visit["steps"]["opens"]["policy"].split("; "))
    assert served == {name: " ".join(sources) for name, sources in policy.items()}


def test_the_policy_runs_no_inline_script_and_no_eval() -> None:
    policy = json.loads((EXPLORER / "csp.json").read_text())
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["worker-src"] == policy["connect-src"] == ["'self'"]


def test_the_schema_can_be_read_before_signing_in(visit: dict[str, Any]) -> None:
    documentation = visit["steps"]["documentation"]
    assert "query: Query" in documentation
    assert "OtaExecution" in documentation


def test_a_wrong_password_is_said_and_the_right_one_lets_in(visit: dict[str, Any]) -> None:
    assert visit["steps"]["wrongPassword"]
    assert visit["steps"]["signIn"]


def test_the_first_query_answers_down_to_deployments(visit: dict[str, Any]) -> None:
    answer = visit["steps"]["query"]
    assert "errors" not in answer
    organizations = answer["data"]["organizations"]["nodes"]
    things = [
        thing
        for organization in organizations
        for group in organization["groups"]["nodes"]
        for thing in group["things"]["nodes"]
    ]
    assert any(thing["state"]["reported"] for thing in things)
    executions = [execution for thing in things for execution in thing["executions"]["nodes"]]
    assert any(execution["job"]["deployment"]["name"] for execution in executions)


def test_the_first_mutation_changes_a_thing(visit: dict[str, Any]) -> None:
    payload = visit["steps"]["mutation"]["data"]["reportThingState"]
    assert payload["userErrors"] == []
    assert payload["state"]["reported"]["reportedBy"] == "explorer"


def test_the_first_subscription_ticks(visit: dict[str, Any]) -> None:
    ticks = visit["steps"]["subscription"]
    cursors = [ticks[name]["data"]["thingStateChanged"]["cursor"] for name in ("first", "second")]
    assert cursors[0] != cursors[1]
    assert ticks["status"].startswith("live")


def test_a_report_shows_in_the_subscription_that_watches_its_thing(visit: dict[str, Any]) -> None:
    reported = visit["steps"]["reported"]
    assert reported["event"]["patch"] == {"visitor": reported["visitor"]}
    assert reported["event"]["state"]["reported"]["visitor"] == reported["visitor"]
    assert reported["event"]["side"] == "REPORTED"
    assert reported["status"].startswith("live")


def test_the_session_outlives_a_reload_and_ends_with_sign_out(visit: dict[str, Any]) -> None:
    assert visit["steps"]["reload"] == visit["steps"]["signIn"]
    assert visit["steps"]["signOut"] == 0


@pytest.mark.parametrize(
    "name", ["signed-out", "documentation", "query", "mutation", "subscription", "reported", "dark", "account"]
)
def test_each_step_left_a_screenshot(visit: dict[str, Any], name: str) -> None:
    assert visit["steps"]
    assert (SCREENSHOTS / f"{name}.png").stat().st_size > 10_000
