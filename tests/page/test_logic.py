"""What the page decides, by its own modules, without a browser: the claims are in the files beside this one."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from quart_chat import assets
from tests.network.programs import find, need

HERE = Path(__file__).parent
CLAIMS = sorted(path.name for path in HERE.glob("*.test.js"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's modules and the claims, where every Node.js takes them for modules."""
    need("node")
    root = tmp_path_factory.mktemp("page")
    (root / "package.json").write_text(json.dumps({"type": "module"}))
    shutil.copytree(assets.folder("static") / "js", root / "js")
    for name in CLAIMS:
        shutil.copy(HERE / name, root / name)
    return root


@pytest.mark.parametrize("name", CLAIMS)
def test_page_decides_as_is_claimed(name: str, folder: Path) -> None:
    node = subprocess.run([str(find("node")), "--test", name], cwd=folder, capture_output=True, text=True, check=False)
    assert node.returncode == 0, node.stdout + node.stderr
