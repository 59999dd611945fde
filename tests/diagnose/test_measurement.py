"""What a page hands in as a measurement is bounded, and believed in nothing. So is what a request is shown to bring."""

import json
from dataclasses import asdict

import pytest

from quart_chat.diagnose.headers import HIDDEN, ITEMS, TEXT, added, shown
from quart_chat.diagnose.measurement import LENGTH, Measurement, parse
from quart_chat.errors import Invalid
from tests.diagnose.test_verdict import FLAWLESS


def test_measurement_survives_the_way_through_json() -> None:
    assert parse(json.dumps(asdict(FLAWLESS))) == FLAWLESS
    assert parse("{}") == Measurement()


@pytest.mark.parametrize(
    "given",
    [
        "", "nothing", "[]", "7", "null", "[" * 5000, "{" + " " * LENGTH + "}",
        '{"host": 7}', '{"status": "200"}', '{"status": 1000}', '{"status": 2.5}', '{"round_trip": -1}',
        '{"round_trip": "fast"}',
        '{"round_trip": NaN}', '{"round_trip": Infinity}', '{"round_trip": 1e9}', '{"times": 3}', '{"times": [[1]]}',
        '{"times": [[0, -1]]}', '{"said": [["a"]]}', '{"said": [["a", 1]]}',
        '{"said": {"a": "b"}}', '{"heartbeat": []}',
    ],
)  # fmt: skip
def test_what_is_no_measurement_is_refused(given: str) -> None:
    with pytest.raises(Invalid):
        parse(given)


def test_what_is_too_much_is_cut() -> None:
    given = {
        "host": "h" * 1000,
        "said": [["n" * 300, "v" * 300], *[["n", "v"]] * 50],
        "times": [[0, 0]] * 500,
        "unknown": 1,
    }
    measured = parse(json.dumps(given))
    assert len(measured.host) == TEXT
    assert [len(measured.said), len(measured.times)] == [ITEMS, ITEMS]
    assert [len(part) for part in measured.said[0]] == [TEXT, TEXT]


def test_text_cannot_break_a_line_or_turn_its_direction() -> None:
    assert parse(json.dumps({"title": "a\r\nb\0c\N{RIGHT-TO-LEFT OVERRIDE}d"})).title == "abcd"


def test_secrets_of_a_request_are_not_shown() -> None:
    came = shown(
        [
            ("Cookie", "quart_chat=s3cret"),
            ("Authorization", "Bearer s3cret"),
            ("Proxy-Authorization", "Basic s3cret"),
            ("X-Forwarded-Access-Token", "s3cret"),
            ("Cf-Access-Jwt-Assertion", "s3cret"),
            ("X-Forwarded-User", "s3cret"),
            ("User-Agent", "Browser/1"),
            ("Via", "1.1 proxy"),
        ]
    )
    assert "s3cret" not in str(came)
    assert dict(came) == {
        "x-forwarded-access-token": HIDDEN,
        "cf-access-jwt-assertion": HIDDEN,
        "x-forwarded-user": HIDDEN,
        "user-agent": "Browser/1",
        "via": "1.1 proxy",
    }


def test_headers_that_no_browser_sends_were_added() -> None:
    browser = ("host", "user-agent", "accept-encoding", "sec-fetch-site", "sec-ch-ua", "if-none-match", "priority")
    proxy = ("via", "x-forwarded-for", "forwarded", "x-bluecoat-via", "x-company-proxy")
    assert [name for name, _ in added(tuple((name, "") for name in browser + proxy))] == list(proxy)
