"""Programs that the tests run: what stands between people and the server (proxies, scanners), a tool for slow attacks,
and the interpreters of the samples.

`python -m tests.network.programs --install` installs what this machine lacks and Debian has, and says what is missing.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

PACKAGES = {
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "apache2": "apache2-bin",
    "varnishd": "varnish",
    "caddy": "caddy",
    "squid": "squid",
    "tinyproxy": "tinyproxy-bin",
    "c-icap": "c-icap",
    "mitmdump": "mitmproxy",
    "slowhttptest": "slowhttptest",
    "ip": "iproute2",
    "node": "nodejs",
    "php": "php-cli",
    "chromium-headless-shell": "chromium-headless-shell",
    "firefox-esr": "firefox-esr",
    "WebKitWebDriver": "webkit2gtk-driver",
    "Xvfb": "xvfb",
    "dbus-run-session": "dbus-daemon",
    "xdotool": "xdotool",
}
"""Each program, and the Debian package that has it."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""A file that tells Debian's packages not to start servers of their own (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt)."""


def find(program: str) -> str | None:
    """The path of a program; some of them are where only root looks."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def need(*programs: str) -> None:
    """Skip the test, and name what this machine lacks for it."""
    if missing := [program for program in programs if find(program) is None]:
        packages = " ".join(PACKAGES[program] for program in missing)
        pytest.skip(f"NOT RUN: {', '.join(missing)} not found (on Debian: apt-get install {packages})")


def _missing() -> list[str]:
    return [program for program in PACKAGES if find(program) is None]


def _install(programs: Iterable[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    packages = [PACKAGES[program] for program in programs]
    print(f"Installing what the tests need: {' '.join(packages)}.", flush=True)
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        # Several are tried together, then one by one: what a mirror lacks must not keep the others away.
        commands = [["update"], *([[*INSTALL, *packages]] if len(packages) > 1 else [])]
        for arguments in commands:
            _apt_get(arguments, environment)
        for package in [PACKAGES[program] for program in _missing()]:
            _apt_get([*INSTALL, package], environment)
    finally:
        if ours:
            POLICY.unlink()


INSTALL = ["install", "--yes", "--no-install-recommends"]

BRIEFLY = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]
"""Where no mirror answers, the tests begin without what is missing."""


def _apt_get(arguments: list[str], environment: dict[str, str]) -> None:
    command = ["apt-get", *BRIEFLY, *arguments]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)


def main() -> None:
    if "--install" in sys.argv and (missing := _missing()):
        _install(missing)
    if missing := _missing():
        packages = " ".join(PACKAGES[program] for program in missing)
        rule = "!" * 100
        sentence = f"NOT RUN: the tests with {', '.join(missing)}. On Debian: apt-get install {packages}"
        print(f"{rule}\n{sentence}\n{rule}", file=sys.stderr)


if __name__ == "__main__":
    main()
