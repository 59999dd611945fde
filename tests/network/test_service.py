"""deploy/quart-chat.service, by systemd's own judgement."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network.reverse import deployed

EXPOSURE = 15
"""Tenths: `systemd-analyze security` calls anything below 2.0 OK, and a service without any of this 9.6 UNSAFE."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """With a program that this machine has."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT RUN: systemd-analyze not found (on Debian: apt-get install systemd)")
    path = tmp_path / "quart-chat.service"
    path.write_text(deployed("quart-chat.service", {"/opt/quart-chat/bin/quart-chat": sys.executable}))
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_unit_has_no_mistakes(unit: Path) -> None:
    judged = analyze("verify", "--man=no", unit)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_service_can_do_little_but_serve(unit: Path) -> None:
    judged = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert judged.returncode == 0, judged.stdout
