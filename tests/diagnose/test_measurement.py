"""What a page hands in as a measurement is bounded, and believed in nothing. So is what a request is shown to bring."""

import json
from dataclasses import asdict, fields

from hypothesis import given, settings
from hypothesis import strategies as st

from quart_chat.diagnose.headers import HIDDEN, ITEMS, TEXT, added, shown
from quart_chat.diagnose.measurement import LENGTH, Measurement, parse
from quart_chat.diagnose.report import report
from quart_chat.diagnose.verdict import findings, summary
from quart_chat.errors import Invalid
from tests.diagnose.test_verdict import FLAWLESS


def test_measurement_survives_the_way_through_json() -> None:
    assert parse(json.dumps(asdict(FLAWLESS))) == FLAWLESS
    assert parse("{}") == Measurement()


ODD = [
    "", "nothing", "[]", "7", "null", '"x"', "[" * 5000, "{" + " " * LENGTH + "}", "{", "{}{}", "\ud800",
    '{"a":' * 4 + "1" + "}" * 4, '{"times": [[[0, 0]]]}', '{"x": "\\"' + "[" * 9, '{"host": "\\u12"}', '{"host": "a}',
    '{"host": 7}', '{"host": null}', '{"host": ["a"]}', '{"host": {}}',
    '{"status": "200"}', '{"status": 1000}', '{"status": 2.5}', '{"status": true}', '{"status": -1}', '{"status": NaN}',
    '{"status": 1e400}', '{"status": [200]}', '{"status": ' + "9" * 5000 + "}", '{"events": ' + "9" * 100 + "}",
    '{"round_trip": -1}', '{"round_trip": "fast"}', '{"round_trip": "1"}', '{"round_trip": true}',
    '{"round_trip": NaN}', '{"round_trip": Infinity}', '{"round_trip": -Infinity}', '{"round_trip": 1e9}',
    '{"round_trip": 1e400}', '{"round_trip": ' + "9" * 400 + "}", '{"heartbeat": []}', '{"heartbeat": {}}',
    '{"times": 3}', '{"times": null}', '{"times": {}}', '{"times": {"a": 1}}', '{"times": "ab"}', '{"times": ["12"]}',
    '{"times": [[1]]}', '{"times": [[1, 2, 3]]}', '{"times": [[0, -1]]}', '{"times": [[true, 1]]}', '{"times": [{}]}',
    '{"said": [["a"]]}', '{"said": [["a", 1]]}', '{"said": {"a": "b"}}', '{"said": ["ab"]}', '{"said": [null]}',
    '{"idle_arrived": "no"}', '{"idle_arrived": 1}', '{"idle_arrived": null}',
]  # fmt: skip


def test_what_is_no_measurement_is_refused() -> None:
    taken = []
    for text in ODD:
        try:
            parse(text)
        except Invalid:
            continue
        taken.append(text[:80])
    assert not taken


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([200, 0.5, "open"])
    | st.lists(st.lists(st.floats(0, 600) | st.text(max_size=5) | st.none(), max_size=3), max_size=5)
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([field.name for field in fields(Measurement)]), VALUES))
@settings(max_examples=300, deadline=None)
def test_whatever_is_a_measurement_can_be_judged_and_told(measured: dict[str, object]) -> None:
    """Each value that is one by itself, together."""
    good = {name: value for name, value in measured.items() if _is_taken({name: value})}
    taken = parse(json.dumps(good))
    found = findings(taken)
    assert (report(taken, found) + summary(found)).encode()


def _is_taken(measured: dict[str, object]) -> bool:
    try:
        parse(json.dumps(measured))
    except Invalid:
        return False
    return True


def test_what_is_too_much_is_cut() -> None:
    much = {
        "host": "h" * 1000,
        "said": [["n" * 300, "v" * 300], *[["n", "v"]] * 50],
        "times": [[0, 0]] * 500,
        "unknown": 1,
    }
    measured = parse(json.dumps(much))
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
