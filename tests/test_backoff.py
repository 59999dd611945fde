"""How soon a page is back after the server was away, by its own script, without a browser."""

import json
import subprocess

from quart_chat import assets
from tests.network.programs import find, need

WAITS = """
const [file, luck] = process.argv.slice(1);
Math.random = () => Number(luck);
const { Backoff } = await import(file);
const backoff = new Backoff();
console.log(JSON.stringify(Array.from({ length: 60 }, () => backoff.next())));
"""


def test_page_comes_back_within_a_third_of_what_the_server_was_away() -> None:
    need("node")
    file = assets.folder("static") / "js/lib/backoff.js"
    for luck in ("0", "0.5", "0.999"):
        command = [str(find("node")), "--input-type=module", "--eval", WAITS, "--", file.as_uri(), luck]
        waits = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        away = 0.0
        for wait in waits:
            # The server returns just after an attempt has failed.
            assert wait <= 700 + away / 3, (luck, away, wait)
            away += wait
        assert 10_000 <= waits[-1] <= 20_000, "and asks less and less often"
