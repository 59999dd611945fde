"""The script for other sites' pages: what it costs them."""

import gzip

from tests.people import Person

MOST = 5_600
"""Bytes as they come over the network, compressed."""


async def test_script_is_small(bob: Person) -> None:
    script = (await bob.client.get("/embed.js")).content
    assert len(gzip.compress(script, 9)) < MOST


async def test_script_is_kept_for_a_while_and_then_asked_for_by_its_tag(bob: Person) -> None:
    first = await bob.client.get("/embed.js")
    assert "max-age=300" in first.headers["Cache-Control"]
    again = await bob.client.get("/embed.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
