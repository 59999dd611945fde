"""What tests of whole streams share. Each test has a room of its own."""

import pytest

from tests.serving import Server
from tests.web.conftest import new_room


@pytest.fixture
async def room(server: Server) -> str:
    return await new_room(server)
