"""Generated operations over the whole schema (schemathesis): whatever is asked, nothing fails on this side.

The gateway is a process of its own with a small demo fleet, since mutations do what they say. The seed of a failing
example is printed with it by hypothesis.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import schemathesis
from graphql import (
    REMOVE,
    ArgumentNode,
    GraphQLID,
    IntValueNode,
    ObjectFieldNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    VisitorAction,
    build_schema,
    get_named_type,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.graphql import nodes

from tests.client import LOGIN
from tests.gateways import ROOT, clean_environment, stop, wait_until_ready

EXAMPLES = 6
LEAKS = re.compile(
    r"Traceback|File \\?\"|\.py\b|sqlalchemy|asyncpg|sqlite3|aiosqlite|SELECT .+ FROM|INSERT INTO|UPDATE .+ SET|"
    r"object at 0x|site-packages|psycopg|KeyError|TypeError|AttributeError",
    re.IGNORECASE,
)
LISTS = (
    "organizations",
    "groups",
    "profiles",
    "things",
    "artifacts",
    "users",
    "releases",
    "deployments",
    "otaJobs",
    "otaExecutions",
    "signingKeys",
    "signingRequests",
)
NOUNS = (
    ("attachment", "attachment"),
    ("authset", "authset"),
    ("tenant", "tenanttoken"),
    ("signingreq", "signingrequest"),
    ("signingkey", "key"),
    ("otaexec", "execution"),
    ("otajob", "job"),
    ("org", "organization"),
    ("deployment", "deployment"),
    ("artifact", "artifact"),
    ("release", "release"),
    ("group", "group"),
    ("profile", "profile"),
    ("membership", "member"),
    ("user", "user"),
    ("thing", "thing"),
)
"""Prefixes of ids, and the word in the name of a field or operation that tells that such an id is meant."""


@dataclass(frozen=True)
class FuzzedGateway:
    """A gateway process, and ids of what is in it by their prefix."""

    url: str
    ids: dict[str, list[str]]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedGateway]:
    """A gateway of this module alone, with a small demo fleet."""
    directory = tmp_path_factory.mktemp("fuzz")
    log = directory / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "gateway.py"), "dev", "--port", "0", "--things", "20"],
            cwd=ROOT,
            env=clean_environment() | {"FLEETGRAPH_DATA_DIR": str(directory / "data")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = wait_until_ready(process, log)
        yield FuzzedGateway(url, known_ids(url))
        assert process.poll() is None, f"the gateway ended:\n{log.read_text(errors='replace')[-4000:]}"
    finally:
        stop(process)


@pytest.fixture
def token(fuzzed: FuzzedGateway) -> str:
    """A session of this test alone: some operations end it."""
    return sign_in(fuzzed.url)


def known_ids(url: str) -> dict[str, list[str]]:
    """A few ids of everything that the demo fleet has."""
    asked = " ".join(f"{name}: {name}(first: 4) {{ nodes {{ id }} }}" for name in LISTS)
    answer = post(
        url,
        {"query": f"{{ {asked} members: users(first: 2) {{ nodes {{ memberships {{ nodes {{ id }} }} }} }} }}"},
        sign_in(url),
    )
    found: dict[str, list[str]] = {}
    for identity in re.findall(r"[a-z]+_[0-9a-f]{32}", json.dumps(answer)):
        found.setdefault(identity.partition("_")[0], []).append(identity)
    return found


def sign_in(url: str) -> str:
    """An access token of the demo fleet's owner."""
    credentials = {"email": "demo@example.com", "password": "fleetgraph-demo"}
    answer = post(url, {"query": LOGIN, "variables": {"input": credentials}})
    token: str = answer["data"]["login"]["session"]["accessToken"]
    return token


def post(url: str, body: dict[str, Any], token: str | None = None) -> Any:
    """Send one operation."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    with urlopen(Request(f"{url}/graphql", json.dumps(body).encode(), headers), timeout=30) as response:
        return json.loads(response.read())


def describe_scalars() -> None:
    """Teach schemathesis our scalars, with ids in the right form among those that are not."""
    moments = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    texts = st.text(max_size=20)
    schemathesis.graphql.scalar("DateTime", st.one_of(moments, texts).map(nodes.String))
    schemathesis.graphql.scalar("BigInt", st.integers(-(2**60), 2**60).map(nodes.Int))
    values = st.one_of(
        texts.map(nodes.String),
        st.integers(-(2**40), 2**40).map(nodes.Int),
        st.just(nodes.Object([])),
        st.just(nodes.Null),
    )
    schemathesis.graphql.scalar("JSON", values)


describe_scalars()
OPERATIONS = {
    result.ok().label: result.ok()
    for result in schemathesis.graphql.from_path(ROOT / "schema" / "schema.graphql").get_all_operations()
    if isinstance(result, Ok)
}
SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


class Plausible(Visitor):
    """Makes a generated document plausible, so that the rules behind the first checks are reached.

    Ids of the fleet in place of made-up ones (but for every fourth), and pages that can be asked for.
    """

    def __init__(self, types: TypeInfo, label: str, ids: dict[str, list[str]]) -> None:
        super().__init__()
        self.types = types
        self.label = label
        self.ids = ids
        self.names: list[str] = []

    def enter_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | VisitorAction:
        if node.name.value in {"last", "before", "after"}:
            return REMOVE
        if node.name.value == "first":
            return ArgumentNode(name=node.name, value=IntValueNode(value=str(len(print_ast(node.value)) % 4)))
        self.names.append(node.name.value)
        return None

    def leave_argument(self, node: ArgumentNode, *_: Any) -> None:
        if node.name.value != "first":
            self.names.pop()

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        self.names.append(node.name.value)

    def leave_object_field(self, *_: Any) -> None:
        self.names.pop()

    def enter_string_value(self, node: StringValueNode | IntValueNode, *_: Any) -> StringValueNode | None:
        wanted = self.types.get_input_type()
        made_up = zlib.crc32(node.value.encode("utf-8", "surrogatepass"))
        if wanted is None or get_named_type(wanted) is not GraphQLID or made_up % 4 == 0:
            return None
        name = self.names[-1] if self.names[-1].lower() not in {"id", "ids"} else self.label
        prefix = next((prefix for prefix, noun in NOUNS if noun in name.lower()), "thing")
        known = self.ids.get(prefix) or self.ids["thing"]
        return StringValueNode(value=known[made_up % len(known)])

    enter_int_value = enter_string_value


def made_plausible(document: str, label: str, ids: dict[str, list[str]]) -> str:
    """The document with ids of the fleet and pages that can be asked for."""
    types = TypeInfo(SCHEMA)
    return print_ast(visit(parse(document), TypeInfoVisitor(types, Plausible(types, label, ids))))


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_nothing_fails_on_this_side(label: str, fuzzed: FuzzedGateway, token: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: Any) -> None:
        for document in (case.body, made_plausible(case.body, label, fuzzed.ids)):
            status, text = send(fuzzed.url, document, token)
            assert_no_fault(status, text)

    ask()


def send(url: str, document: str, token: str) -> tuple[int, str]:
    """Send a generated document; the status and the text of the answer, whatever they are."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    body = json.dumps({"query": document}).encode("utf-8", "surrogatepass")
    try:
        with urlopen(Request(f"{url}/graphql", body, headers), timeout=30) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def assert_no_fault(status: int, text: str) -> None:
    """An answer of the gateway's own: no 5xx, no fault behind it, nothing of the inside in it."""
    assert status < 500, text
    answer = json.loads(text)
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert "INTERNAL" not in codes, text
    said = json.dumps([error["message"] for error in answer.get("errors", ())])
    assert not LEAKS.search(said), said
