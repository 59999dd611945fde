"""The table of what a browser does not see."""

import re
from pathlib import Path

from tests.browser.engines import NOT_IN_WEBKIT

NAME = re.compile(r"^async def (test_\w+)\(", re.MULTILINE)


def test_whatever_webkit_is_said_not_to_see_is_a_test() -> None:
    tests = {name for file in Path(__file__).parent.glob("test_*.py") for name in NAME.findall(file.read_text())}
    assert not NOT_IN_WEBKIT - tests
