from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.explain import explain

THING = "thing_0192f3a1b2c37d4e8f9012345678abcd"
DOCUMENT = """
query Thing($id: ID!) { thing(id: $id) { name homeGroup { things(first: 2) { nodes { id } totalCount } } } }
query Schema { __schema { queryType { name } } }
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "operation.graphql"
    path.write_text(DOCUMENT)
    return path


def run(document: Path, *options: str) -> Result:
    return CliRunner().invoke(explain, [str(document), *options])


def test_it_prints_cost_levels_and_statements(document: Path) -> None:
    given = f'{{"id": "{THING}"}}'
    printed = run(document, "--operation", "Thing", "--variables", given)
    assert printed.exit_code == 0, printed.output
    lines = printed.output.splitlines()
    assert lines[0] == "query Thing"
    assert lines[1].startswith("total ")
    steps = [line for line in lines if ": " in line]
    assert [len(line) - len(line.lstrip()) for line in steps] == [0, 2, 4]
    assert printed.output.count("count(*) AS total") == 1
    assert "LATERAL" in printed.output
    assert "key_digest" not in printed.output
    assert THING[6:] not in printed.output
    small = run(document, "--operation", "Thing", "--variables", given, "--database", "sqlite", "--caller", "thing")
    assert small.exit_code == 0
    assert "json_each" in small.output
    assert "LATERAL" not in small.output


@pytest.mark.parametrize("caller", ["member", "members", "administrator", "nobody"])
def test_every_caller_has_a_scope_of_its_own(document: Path, caller: str) -> None:
    printed = run(document, "--operation", "Thing", "--variables", f'{{"id": "{THING}"}}', "--caller", caller)
    assert printed.exit_code == 0
    scoped = {"member": "organization_id = $2", "members": "organization_id = ANY", "nobody": "false"}
    for name, text in scoped.items():
        assert (text in printed.output) is (name == caller)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--operation", "Schema"), "reference executor: introspection"),
        (("--operation", "Thing"), "Variable '$id'"),
        (("--operation", "Thing", "--variables", '{"id": "nothing"}'), "value that it cannot have"),
        (("--operation", "Other"), "no operation named"),
        (("--variables", "{"), "not JSON"),
    ],
)
def test_what_has_no_plan_is_said(document: Path, options: tuple[str, ...], told: str) -> None:
    printed = run(document, *options)
    assert printed.exit_code == 1
    assert told in printed.output
