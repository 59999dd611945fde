"""The rows of a table in one test: each that fails is listed, and those after it are tried all the same.

pytest has `subtests` for it, which opens files for what each row prints, and reports those that pass too: milliseconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Rows:
    def __init__(self) -> None:
        self.failed: list[str] = []

    @contextmanager
    def row(self, *what: object) -> Iterator[None]:
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            self.failed.append(f"{', '.join(map(str, what))}: {type(error).__name__}: {error}")
