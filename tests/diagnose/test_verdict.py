"""What measurements mean: one flawless one, and what each trouble makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from quart_chat.diagnose.headers import Headers
from quart_chat.diagnose.measurement import Measurement, Times
from quart_chat.diagnose.report import report
from quart_chat.diagnose.verdict import Finding, State, findings, streams, summary


def sent(*came: float) -> Times:
    """Events that were sent a second apart, and came then."""
    return tuple((float(number), at) for number, at in enumerate(came))


FLAWLESS = Measurement(
    host="chat.example.org",
    address="192.0.2.1",
    http="1.1",
    heartbeat=15,
    round_trip=0.04,
    status=200,
    type="text/event-stream; charset=utf-8",
    events=6,
    times=sent(0.1, 1.1, 2.1, 3.1, 4.1, 5.1),
    idle=20,
    idle_lasted=20,
    idle_arrived=True,
    hold=20,
    held=20.1,
    hold_status=200,
    websocket="open",
)

AT_ONCE = sent(5.1, 5.1, 5.1, 5.1, 5.1, 5.1)

TROUBLES: dict[str, tuple[dict[str, Any], str, State, str]] = {
    "late, but live": ({"times": sent(2, 3, 4, 5, 6, 7)}, "first", State.WARNING, "2 s"),
    "whole body held": ({"times": AT_ONCE}, "first", State.BAD, "5.1 s"),
    "all at once": ({"times": AT_ONCE}, "spacing", State.BAD, "came all at once; the earliest was held for 5 s"),
    "two lumps": ({"times": sent(0.1, 5.1, 5.1, 5.1, 5.1, 5.1)}, "spacing", State.BAD, "in 2 lumps"),
    "lost packets": ({"times": sent(0.1, 2.1, 2.2, 3.1, 4.1, 5.1)}, "spacing", State.WARNING, "up to 1 s late"),
    "first waits for second": ({"times": sent(1.1, 1.1, 2.1, 3.1, 4.1, 5.1)}, "spacing", State.WARNING, "second one"),
    "half a stream": ({"times": sent(0.1, 1.1)}, "spacing", State.BAD, "Only 2 of 6"),
    "no event": ({"times": (), "events": None}, "first", State.BAD, "no event ever came"),
    "nothing to space": ({"times": ()}, "spacing", State.UNKNOWN, "Too few"),
    "not answered": ({"status": None, "type": "", "times": ()}, "first", State.BAD, "not answered at all"),
    "a page instead": (
        {"status": 403, "type": "text/html", "title": "Blocked", "times": ()}, "first", State.BAD,
        "with the title “Blocked”",
    ),
    "asked too often": ({"status": 429, "type": "text/plain", "times": ()}, "first", State.UNKNOWN, "too often"),
    "a login page with 200": ({"type": "text/html", "times": ()}, "first", State.BAD, "text/html"),
    "cut before a heartbeat": ({"idle_arrived": False, "idle_lasted": 10.0}, "silence", State.BAD, "cut after 10 s"),
    "cut after a heartbeat": ({"idle_arrived": False, "idle_lasted": 19.0}, "silence", State.WARNING, "just enough"),
    "cut after a minute": (
        {"idle": 120, "idle_arrived": False, "idle_lasted": 60.0}, "silence", State.GOOD, "they stay open",
    ),
    "dropped silently": ({"idle_arrived": False, "idle_lasted": 30.0}, "silence", State.WARNING, "nobody said so"),
    "a short silence too long": (
        {"idle": 10, "idle_arrived": False, "idle_lasted": 20.0}, "silence", State.BAD, "nothing came any more",
    ),
    "another heartbeat": (
        {"heartbeat": 5, "idle_arrived": False, "idle_lasted": 10.0}, "silence", State.GOOD, "more than 5 s",
    ),
    "silence not measured": ({"idle_lasted": None}, "silence", State.UNKNOWN, "could not be measured"),
    "poll cut": ({"held": 10.0, "hold_status": 504}, "polling", State.BAD, "status 504 after 10 s"),
    "poll lost": ({"held": None, "hold_status": None}, "polling", State.BAD, "never came"),
    "poll early": ({"held": 0.1}, "polling", State.WARNING, "was there after 0.1 s"),
    "poll late": ({"held": 28.0}, "polling", State.WARNING, "needed 28 s"),
    "poll refused": ({"hold_status": 429}, "polling", State.UNKNOWN, "too often"),
    "far away": ({"round_trip": 1.2}, "round-trip", State.WARNING, "1.2 s"),
    "no round trip": ({"round_trip": None}, "round-trip", State.UNKNOWN, "No short request"),
    "stream compressed": ({"stream_encoding": "gzip"}, "compression", State.WARNING, "no-transform"),
    "answers compressed": ({"plain_encoding": "br"}, "compression", State.GOOD, "as it should be"),
    "header gone": ({"said": (("cache-control", "no-cache"),)}, "headers", State.WARNING, "was taken out"),
    "header changed": (
        {"said": (("cache-control", "no-cache"),), "arrived": (("cache-control", "max-age=60"),)},
        "headers", State.WARNING, "from “no-cache” to “max-age=60”",
    ),
    "header obeyed": ({"said": (("x-accel-buffering", "no"),)}, "headers", State.GOOD, "which nginx does"),
    "header added": ({"arrived": (("age", "3"),)}, "headers", State.GOOD, "Added to the answer: age: 3"),
    "request header added": ({"request": (("via", "1.1 box"),)}, "headers", State.GOOD, "to the request: via: 1.1 box"),
    "framing": ({"arrived": (("transfer-encoding", "chunked"), ("date", "now"))}, "headers", State.GOOD, "HTTP/1.1"),
    "WebSockets blocked": ({"websocket": "refused"}, "websocket", State.WARNING, "blocked in this network."),
    "WebSockets forbidden": (
        {"websocket": "refused", "websocket_status": 403}, "websocket", State.WARNING, "(status 403)",
    ),
    "upgrade gone": ({"websocket": "refused", "websocket_status": 426}, "websocket", State.WARNING, "taken out"),
    "WebSockets mute": ({"websocket": "silent"}, "websocket", State.WARNING, "nothing comes through"),
    "WebSockets untried": ({"websocket": ""}, "websocket", State.UNKNOWN, "could not"),
    "a strange page": ({"status": 403, "title": "Go away"}, "between", State.GOOD, "“Go away”"),
    "no trace of a scanner": ({"times": AT_ONCE}, "between", State.UNKNOWN, "left no trace"),
    "nobody there": ({"status": None}, "between", State.UNKNOWN, "no answer"),
}  # fmt: skip


def found(key: str, **changes: Any) -> Finding:
    return next(finding for finding in findings(replace(FLAWLESS, **changes)) if finding.key == key)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_flawless_network_is_good_throughout() -> None:
    all_of_them = findings(FLAWLESS)
    assert {finding.state for finding in all_of_them} == {State.GOOD}
    assert not any(finding.remedy for finding in all_of_them)
    assert streams(all_of_them) is True
    assert summary(all_of_them) == "Live updates get through this network."


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_named(trouble: str) -> None:
    changes, key, state, words = TROUBLES[trouble]
    finding = found(key, **changes)
    assert finding.state is state
    assert words in plain(finding.words)


@pytest.mark.parametrize(
    ("changes", "works", "words"),
    [
        ({"times": AT_ONCE}, False, "by polling instead"),
        ({"times": AT_ONCE, "held": None, "hold_status": None}, False, "ask again and again"),
        ({"idle_arrived": False, "idle_lasted": 9.0}, False, "by polling instead"),
        ({"websocket": "refused"}, True, "get through"),
        ({"stream_encoding": "gzip"}, True, "get through"),
        ({"status": 429, "times": ()}, None, "could not be measured"),
    ],
)
def test_sum_of_it(changes: dict[str, Any], works: bool | None, words: str) -> None:
    all_of_them = findings(replace(FLAWLESS, **changes))
    assert streams(all_of_them) is works
    assert words in summary(all_of_them)


def test_nothing_measured_is_nothing_known() -> None:
    states = {finding.key: finding.state for finding in findings(Measurement())}
    assert states.pop("first") is State.BAD
    assert set(states.values()) == {State.UNKNOWN}


BOXES: dict[str, tuple[Headers, Headers, str]] = {
    "nginx": ((("server", "nginx/1.22.1"),), (), "proxy_buffering off"),
    "Apache": ((("server", "Apache/2.4.57 (Debian)"),), (), "flushpackets=on"),
    "Varnish": ((("via", "1.1 varnish (Varnish/7.1)"), ("x-varnish", "12")), (), "return (pipe)"),
    "Squid": ((("via", "1.1 proxy (squid/5.7)"),), (), "exempt chat.example.org from ICAP"),
    "Caddy": ((("server", "Caddy"),), (), "flush_interval"),
    "Symantec ProxySG (Blue Coat)": ((), (("x-bluecoat-via", "a1b2"),), "exempt chat.example.org"),
    "Zscaler": ((("via", "1.1 ZscalerProxy"),), (), "exempt chat.example.org"),
    "Cloudflare": ((("server", "cloudflare"), ("cf-ray", "1-FRA")), (), "Cloudflare"),
    "IIS with Application Request Routing": ((("x-powered-by", "ARR/3.0"),), (), "responseBufferLimit"),
}


@pytest.mark.parametrize("box", BOXES)
def test_box_that_leaves_a_trace_is_named_with_its_own_remedy(box: str) -> None:
    arrived, request, remedy = BOXES[box]
    changes: dict[str, Any] = {"arrived": arrived, "request": request, "times": AT_ONCE}
    assert box in found("between", **changes).words
    assert remedy in found("spacing", **changes).remedy


def test_box_that_left_no_trace_is_taken_for_a_scanner() -> None:
    assert "exempt chat.example.org from content scanning" in found("spacing", times=AT_ONCE).remedy


def test_certificate_tells_who_opens_tls() -> None:
    assert "Sophos" in found("between", issuer="US, Sophos Web Appliance").words


def test_idle_timeout_has_the_remedy_of_the_box() -> None:
    changes: dict[str, Any] = {"idle_arrived": False, "idle_lasted": 9.0, "arrived": (("server", "nginx"),)}
    assert "proxy_read_timeout" in found("silence", **changes).remedy


def test_report_says_all_in_lines_that_fit_a_letter() -> None:
    measured = replace(FLAWLESS, times=AT_ONCE)
    text = report(measured, findings(measured))
    assert "Network check of chat.example.org" in text
    assert " BAD  One by one" in text
    assert "Remedy: Something in between" in text
    assert max(len(line) for line in text.splitlines()) <= 100
