"""The vendors' own programs, as judges of what is read and written here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def mender_artifact(*arguments: object) -> str:
    """Run Debian's mender-artifact; gives what it says. Skips where it is not installed, but never in CI."""
    program = shutil.which("mender-artifact")
    if program is None:
        assert "CI" not in os.environ, "CI needs the Debian package mender-artifact"
        pytest.skip("mender-artifact is not installed")
    return _run(program, *arguments)


def esptool(*arguments: object) -> str:
    """Run `esptool`, which requirements/dev.txt brings; gives what it says."""
    return _run(Path(sys.executable).with_name("esptool"), *arguments)


def espsecure(*arguments: object) -> str:
    """Run `espsecure`, which comes with `esptool`; gives what it says."""
    return _run(Path(sys.executable).with_name("espsecure"), *arguments)


def _run(*command: object) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
