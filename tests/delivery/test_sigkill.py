"""Delivery under SIGKILL. `make chaos` is the same for longer."""

import random
from pathlib import Path

import pytest

from tests.delivery.chaos import run

SECONDS = 3
KILLS = 4


@pytest.mark.timeout(300)  # on a busy machine every start of the server takes its time
async def test_what_was_acknowledged_reaches_everybody_exactly_once_and_in_order(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    ledger = await run(tmp_path, SECONDS, seed, kills=KILLS)
    print(ledger)
    # The kills met people in the middle of something, or this has shown nothing.
    assert ledger.kills >= KILLS
    assert ledger.cut > 0
    assert ledger.found > 0
    assert ledger.reconnects > KILLS
    assert len(ledger.messages) > KILLS
    assert ledger.refused > ledger.removals > 0
    assert ledger.renames > 0
    assert ledger.strange > 0
