"""deploy/quart-chat.service, by systemd's own judgement."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.network.processes import started
from tests.network.programs import need
from tests.network.reverse import deployed, nginx
from tests.people import Person
from tests.serving import Server

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


UMASK = ("sh", "-c", 'umask 0077; exec "$@"', "sh", sys.executable, "-m", "quart_chat")
"""The program as the unit starts it: what it makes is for itself alone."""


async def test_proxy_of_another_user_gets_through_the_socket_and_to_nothing_else(tmp_path: Path) -> None:
    need("nginx")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        socket = Path(folder) / "chat.sock"
        settings = {"trusted_proxies": "unix", "limits": "off"}
        server = Server(tmp_path, settings, bind=f"unix:{socket}", command=UMASK)
        await server.start()
        try:
            proxy = nginx(f"unix:{socket}")
            async with started(proxy), Person("Ana", f"http://localhost:{proxy.port}") as ana:
                await ana.post_message("through a socket")
        finally:
            await server.stop()
        assert socket.stat().st_mode & 0o777 == 0o666
    made = {
        path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path.name.startswith("quart_chat.db")
    }
    assert made
    assert set(made.values()) == {0}, made


def test_unit_has_no_mistakes(unit: Path) -> None:
    judged = analyze("verify", "--man=no", unit)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_service_can_do_little_but_serve(unit: Path) -> None:
    judged = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)
    assert judged.returncode == 0, judged.stdout
