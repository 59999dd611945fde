"""The loader, built once, and servers that answer it."""

import shutil
from pathlib import Path

import pytest

from bench import loader


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("cc") or not shutil.which("taskset"):
        pytest.skip("the benchmark's loader needs a C compiler and taskset (on Debian: gcc, util-linux)")
    folder = tmp_path_factory.mktemp("bench")
    loader.build(folder)
    return folder
