"""The commands of the README and of the guide for integrators, run as a newcomer runs them, against a whole gateway."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import GUIDES, README, Fence, fences
from tests.docs.shapes import differences
from tests.explorer.javascript import require
from tests.gateways import LiveGateway

# The first test waits for a gateway with its demo fleet.
pytestmark = pytest.mark.timeout(300)

NEXT = "----- next block -----"
SESSIONS = (README, GUIDES / "integrators.md")


def steps(page: Path) -> list[tuple[Fence, Fence | None]]:
    """The commands between the marks of a page's session, each with the answer that is shown for it."""
    text = page.read_text(encoding="utf-8")
    begin, end = (text.count("\n", 0, text.index(f"<!-- session: {mark} -->")) for mark in ("begin", "end"))
    blocks = [fence for fence in fences(page) if begin < fence.line < end]
    found = []
    for block, follower in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language == "sh":
            answers = follower is not None and follower.language in {"json", "text"}
            found.append((block, follower if answers else None))
    return found


Printed = Callable[[Path], list[str]]


@pytest.fixture(scope="module")
def printed(live_gateway: LiveGateway, tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """What each step of a page prints, run in one shell one after the other; each page is run once."""

    @cache
    def run_once(page: Path) -> list[str]:
        return run(page, live_gateway, tmp_path_factory.mktemp("session"))

    return run_once


def run(page: Path, gateway: LiveGateway, folder: Path) -> list[str]:
    for program in ("bash", "curl", "cmp"):
        require(present=shutil.which(program) is not None, missing=f"{program} is not here.")
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / "var").symlink_to(gateway.directory / "data")
    address = gateway.url.removeprefix("http://")
    script = f"\necho '{NEXT}'\n".join(block.text for block, _ in steps(page)).replace("127.0.0.1:8000", address)
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert ended.stderr == ""
    return ended.stdout.split(f"{NEXT}\n")


def test_there_is_a_step_of_every_kind() -> None:
    text = "".join(block.text for block, _ in steps(README))
    assert all(word in text for word in ("query ", "mutation ", "subscription ", "Bearer ", "Thing ", "logout"))


@pytest.mark.parametrize(
    ("page", "index", "shown"),
    [
        pytest.param(page, index, shown, id=shown.place)
        for page in SESSIONS
        for index, (_, shown) in enumerate(steps(page))
        if shown is not None and shown.language == "json"
    ],
)
def test_an_answer_is_what_the_page_shows(printed: Printed, page: Path, index: int, shown: Fence) -> None:
    real: dict[str, Any] = json.loads(printed(page)[index])
    assert "errors" not in real
    assert all(payload.get("userErrors", []) == [] for payload in real.get("data", {}).values())
    assert differences(json.loads(shown.text), real) == []


def test_the_wish_is_fulfilled_before_the_eyes_of_the_reader(printed: Printed) -> None:
    (index, shown), *others = shown_texts(README)
    assert others == []
    events = printed(README)[index].splitlines()
    assert events[-1].endswith("'state': {'delta': {}}}")
    names = re.compile(r"'(\w+)':")
    for event in (*events[:-1], *shown.splitlines()):
        assert names.findall(event)[:5] == ["cursor", "side", "version", "thing", "name"]


def test_a_thing_fetches_the_file_and_reports_its_steps(printed: Printed) -> None:
    texts = shown_texts(GUIDES / "integrators.md")
    assert len(texts) == 2
    assert [printed(GUIDES / "integrators.md")[index] for index, _ in texts] == [shown for _, shown in texts]


def shown_texts(page: Path) -> list[tuple[int, str]]:
    """The steps of a page whose answer is shown as plain text."""
    found = enumerate(shown for _, shown in steps(page))
    return [(index, shown.text) for index, shown in found if shown is not None and shown.language == "text"]
