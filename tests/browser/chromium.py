"""The browser for the tests: the machine's own Chromium or Chrome, or its headless shell, which is the same engine
without the windows, profiles and services of a whole browser: half the work.

`python -m tests.browser.chromium --install` looks for one, installs Debian's where it can, and says loudly when
there is none.
"""

import functools
import os
import shutil
import subprocess
import sys

import pytest
from playwright.async_api import Browser, Playwright

from tests.network.programs import find

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--in-process-gpu",  # one process less for each browser,
    "--renderer-process-limit=1",  # and one for all pages of a site, as on a machine with little memory
    "--disable-quic",
    "--no-first-run",
    # Chromium's own services look for the internet, which a test machine need not have.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # In place of Playwright's own list, which takes away what people's browsers have: storage for frames of other
    # sites, apart for each site around them.
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,MediaRouter,OptimizationHints,PaintHolding,"
    "AvoidCorsURLLoaderRestartOnRedirect",
]

SHELL = "chromium-headless-shell"

MISSING = (
    "NOT RUN: the browser tests. This machine has no Chromium or Chrome that starts. "
    "Install one (on Debian: apt-get install chromium) and run `make test` again."
)
"""Why the tests that need a browser are skipped where there is none."""


@functools.cache
def find_chromium() -> str | None:
    """The path of a Chromium or Chrome that runs. CHROMIUM names another one than those on the PATH."""
    for command in filter(None, (os.environ.get("CHROMIUM"), *COMMANDS)):
        if (path := shutil.which(command)) and _starts(path):
            return path
    return None


@functools.cache
def find_shell() -> str | None:
    """The path of a shell that runs. Where CHROMIUM names a browser, that is what is tried."""
    path = None if "CHROMIUM" in os.environ else find(SHELL)
    return path if path and _starts(path) else None


async def start_chromium(playwright: Playwright, flags: list[str], *, whole: bool = False) -> Browser:
    """One with these flags besides `FLAGS`; its shell where there is one, and that does. Skips the test where there is
    none."""
    path = (None if whole else find_shell()) or find_chromium()
    if path is None:
        pytest.skip(MISSING)
    return await playwright.chromium.launch(
        executable_path=path,
        args=[*FLAGS, *flags],
        # Playwright switches the back/forward cache off; people have it on.
        ignore_default_args=["--disable-back-forward-cache"],
    )


def _starts(path: str) -> bool:
    # Ubuntu's `chromium-browser` may be a script that only says where to get the real one.
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _install() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print("Installing Chromium for the browser tests.", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        command = ["apt-get", *arguments]
        if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode:
            return


def main() -> None:
    if find_chromium() is None and "--install" in sys.argv:
        _install()
        find_chromium.cache_clear()
    if (path := find_chromium()) is None:
        rule = "!" * 100
        print(f"{rule}\n{MISSING}\n{rule}", file=sys.stderr)
    else:
        print(f"Browser tests use {path}.")


if __name__ == "__main__":
    main()
