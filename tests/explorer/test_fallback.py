"""The page for a machine without npm: its inline scripts are the ones that its policy names."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from tests.explorer.javascript import ROOT

EXPLORER = ROOT / "explorer"


def test_the_policy_names_exactly_the_scripts_of_the_page() -> None:
    html = (EXPLORER / "fallback.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = json.loads((EXPLORER / "fallback-csp.json").read_text(encoding="utf-8"))
    assert policy["script-src"] == [*(f"'sha256-{digest}'" for digest in digests), "https://esm.sh"]


def test_every_package_has_an_exact_version() -> None:
    html = (EXPLORER / "fallback.html").read_text(encoding="utf-8")
    addresses = re.findall(r'"(https://esm\.sh/[^"]+)"', html)
    assert addresses
    assert [address for address in addresses if not re.search(r"@\d+\.\d+\.\d+(/|\?|$)", address)] == []
