"""What a measurement means, in words, and what would mend it. The one place where that is judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from quart_chat.diagnose import headers, middleboxes
from quart_chat.diagnose.measurement import Measurement

SOON = 1.5
"""Seconds in which a first event should be there, over a slow line too."""

LATE = 2.5
"""Seconds after which nobody calls it live any more, and the page turns to polling."""

JITTER = 0.8
"""Seconds by which a network may shift events against each other: a lost packet that is sent again."""

HEARTBEAT = 15.0
"""Seconds between two signs of life on a stream, unless the server says otherwise."""

SLACK = 3.0
"""Seconds by which a held answer may come early or late."""


class State(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    key: str
    title: str
    state: State
    words: str
    remedy: str = ""


def findings(measured: Measurement) -> list[Finding]:
    """One for each question, always in this order."""
    return [
        _first(measured),
        _spacing(measured),
        _silence(measured),
        _polling(measured),
        _round_trip(measured),
        _compression(measured),
        _headers(measured),
        _websocket(measured),
        _between(measured),
    ]


def streams(found: Sequence[Finding]) -> bool | None:
    """Whether live updates arrive as they should; None where that could not be measured."""
    states = [finding.state for finding in found if finding.key in ("first", "spacing", "silence")]
    if State.BAD in states:
        return False
    return None if states[0] is State.UNKNOWN else True


def summary(found: Sequence[Finding]) -> str:
    works = streams(found)
    if works is None:
        return "Whether live updates get through this network could not be measured."
    if works:
        return "Live updates get through this network."
    polling = next(finding for finding in found if finding.key == "polling")
    if polling.state in (State.GOOD, State.WARNING):
        return "Live updates do not get through this network in time. The chat works by polling instead."
    return "Neither live updates nor held answers get through this network. The chat can only ask again and again."


def _first(measured: Measurement) -> Finding:
    def finding(state: State, words: str, remedy: str = "") -> Finding:
        return Finding("first", "First event", state, words, remedy)

    if measured.status is None:
        return finding(State.BAD, "The stream was not answered at all.", _for_streams(measured))
    if measured.status != 200 or not measured.type.startswith("text/event-stream"):
        page = f" with the title “{measured.title}”" if measured.title else ""
        came = f"{measured.type or 'no content type'}, status {measured.status}{page}"
        if measured.status == 429:
            return finding(State.UNKNOWN, "The server has been asked too often. Try again in a minute.")
        return finding(State.BAD, f"In place of the stream came something else: {came}.", _for_streams(measured))
    if not measured.times:
        return finding(State.BAD, "The stream began, but no event ever came out of it.", _for_streams(measured))
    took = measured.times[0][1]
    # Where events are held back, the next finding has the remedy.
    remedy = _for_streams(measured) if _held(measured) < JITTER else ""
    if took <= SOON:
        return finding(State.GOOD, f"It was there after {_ms(took)}.")
    if took < LATE:
        return finding(State.WARNING, f"It took {_s(took)}: live, but slow.", remedy)
    return finding(State.BAD, f"It took {_s(took)}, though the server sends it at once.", remedy)


def _spacing(measured: Measurement) -> Finding:
    def finding(state: State, words: str, remedy: str = "") -> Finding:
        return Finding("spacing", "One by one", state, words, remedy)

    times = measured.times
    if len(times) < 2:
        return finding(State.UNKNOWN, "Too few events came to tell.")
    if measured.events and len(times) < measured.events:
        words = f"Only {len(times)} of {measured.events} events came, then nothing more."
        return finding(State.BAD, words, _for_streams(measured))
    held = _held(measured)
    if held < JITTER:
        return finding(State.GOOD, f"{len(times)} events came as they were sent, to within {_ms(held)}.")
    if held >= LATE:
        lumps = 1 + sum(later[1] - earlier[1] > JITTER / 2 for earlier, later in pairwise(times))
        words = f"{len(times)} events, sent one by one, came {_lumps(lumps)}; the earliest was held for {_s(held)}."
        remedy = f"Something in between collects the answer before it passes it on. {_for_streams(measured)}"
        return finding(State.BAD, words, remedy)
    if times[0][1] - times[0][0] > times[1][1] - times[1][0] and _held(measured, after=1) < JITTER:
        words = f"The first event is held until a second one comes ({_s(held)}). This chat sends two at once."
        return finding(State.WARNING, words)
    return finding(State.WARNING, f"Some events came up to {_s(held)} late.", _for_streams(measured))


def _silence(measured: Measurement) -> Finding:
    def finding(state: State, words: str, remedy: str = "") -> Finding:
        return Finding("silence", "Silence", state, words, remedy)

    lasted, heartbeat = measured.idle_lasted, measured.heartbeat or HEARTBEAT
    beats = f"This chat's streams are never silent for more than {_s(heartbeat)}"
    if lasted is None or measured.idle is None:
        return finding(State.UNKNOWN, "How long a silent connection stays open could not be measured.")
    if measured.idle_arrived:
        return finding(State.GOOD, f"After {_s(lasted)} of silence the connection was still there. {beats}.")
    remedy = _remedies(measured, "silence") or "Raise the idle timeout of whatever is in between to 75 s or more."
    if lasted > measured.idle + SLACK:
        words = f"After {_s(measured.idle)} of silence nothing came any more, and nobody said so."
        return finding(State.BAD if measured.idle <= heartbeat else State.WARNING, words, remedy)
    words = f"A silent connection was cut after {_s(lasted)}."
    if lasted <= heartbeat:
        return finding(State.BAD, f"{words} A heartbeat comes every {_s(heartbeat)}, which is too late.", remedy)
    if lasted < 2 * heartbeat:
        return finding(State.WARNING, f"{words} {beats}: that is just enough.", remedy)
    return finding(State.GOOD, f"{words} {beats}, so they stay open.")


def _polling(measured: Measurement) -> Finding:
    def finding(state: State, words: str, remedy: str = "") -> Finding:
        return Finding("polling", "Held answers", state, words, remedy)

    hold, held = measured.hold, measured.held
    if hold is None:
        return finding(State.UNKNOWN, "Whether an answer may be held could not be measured.")
    remedy = _remedies(measured, "silence") or "Let answers take 30 s before they count as failed."
    if held is None or measured.hold_status is None:
        return finding(State.BAD, f"An answer that the server held for {_s(hold)} never came.", remedy)
    if measured.hold_status == 429:
        return finding(State.UNKNOWN, "The server has been asked too often. Try again in a minute.")
    if measured.hold_status != 200:
        words = f"In place of an answer that the server held came status {measured.hold_status} after {_s(held)}."
        return finding(State.BAD, words, remedy)
    if held < hold - SLACK:
        return finding(State.WARNING, f"An answer to be held for {_s(hold)} was there after {_s(held)}.")
    if held > hold + SLACK:
        return finding(State.WARNING, f"An answer held for {_s(hold)} needed {_s(held)} in all.")
    return finding(State.GOOD, f"An answer that the server held for {_s(hold)} arrived: long polling works.")


def _round_trip(measured: Measurement) -> Finding:
    took = measured.round_trip
    if took is None:
        return Finding("round-trip", "Round trip", State.UNKNOWN, "No short request was answered.")
    state = State.GOOD if took < JITTER else State.WARNING
    return Finding("round-trip", "Round trip", state, f"A short request was answered in {_ms(took)}.")


def _compression(measured: Measurement) -> Finding:
    def finding(state: State, words: str, remedy: str = "") -> Finding:
        return Finding("compression", "Compression", state, words, remedy)

    if measured.stream_encoding not in ("", "identity"):
        words = f"The stream was compressed on the way ({measured.stream_encoding}), though it says `no-transform`."
        remedy = "Leave `text/event-stream` out of compression: compressors collect before they write."
        return finding(State.WARNING, words, remedy)
    if measured.plain_encoding not in ("", "identity"):
        words = f"Ordinary answers are compressed on the way ({measured.plain_encoding}), streams are not."
        return finding(State.GOOD, f"{words} That is as it should be.")
    if measured.round_trip is None:
        return finding(State.UNKNOWN, "Nothing came that could have been compressed.")
    return finding(State.GOOD, "Nothing was compressed on the way.")


def _headers(measured: Measurement) -> Finding:
    said, arrived = headers.differences(measured.said, measured.arrived)
    now = dict(arrived)
    words, remedy, state = [], "", State.GOOD
    for name, value in said:
        if name not in now:
            by_nginx = ", which nginx does when it has read it" if name == "x-accel-buffering" else ""
            words.append(f"{name} was taken out{by_nginx}.")
        else:
            words.append(f"{name} was changed from “{value}” to “{now[name]}”.")
        if name in ("cache-control", "content-type"):
            state = State.WARNING
            remedy = "Pass Cache-Control and Content-Type on unchanged: they keep caches and compressors off streams."
    names = dict(said)
    if more := [f"{name}: {value}" for name, value in arrived if name not in names]:
        words.append(f"Added to the answer: {'; '.join(more)}.")
    if measured.request:
        words.append("Added to the request: " + "; ".join(f"{name}: {value}" for name, value in measured.request) + ".")
    if measured.http:
        words.append(
            f"Requests reach the server as HTTP/{measured.http}, from {measured.address or 'an unknown address'}."
        )
    if measured.status is None:
        state = State.UNKNOWN
    return Finding("headers", "Headers", state, " ".join(words) or "Nothing was changed on the way.", remedy)


def _websocket(measured: Measurement) -> Finding:
    def finding(state: State, words: str) -> Finding:
        return Finding("websocket", "WebSockets", state, words)

    without = "This chat does without them, so nothing needs to be done."
    if measured.websocket == "open":
        return finding(State.GOOD, "They would get through, but this chat does not need them.")
    if measured.websocket == "silent":
        return finding(State.WARNING, f"They are accepted, but nothing comes through them. {without}")
    if measured.websocket == "refused":
        status = measured.websocket_status
        how = {
            None: "They are blocked in this network.",
            426: "Their handshake arrives as an ordinary request: the upgrade is taken out on the way.",
        }.get(status, f"They are blocked in this network (status {status}).")
        return finding(State.WARNING, f"{how} {without}")
    return finding(State.UNKNOWN, "Whether they get through could not be measured.")


def _between(measured: Measurement) -> Finding:
    names = [box.name for box in middleboxes.recognise(measured)]
    if measured.title and not names:
        words = f"Somebody in between answered with a page of its own: “{measured.title}”."
    elif names:
        words = (
            f"By the traces they leave: {', '.join(names)}." if names[1:] else f"By the traces it leaves: {names[0]}."
        )
    elif measured.status is None:
        return Finding("between", "In between", State.UNKNOWN, "There is no answer that could show traces of a proxy.")
    elif _held(measured) >= LATE:
        words = "What holds streams back left no trace: that is the way of virus scanners and secure web gateways."
        return Finding("between", "In between", State.UNKNOWN, words)
    else:
        words = "Nothing in between left a trace."
    return Finding("between", "In between", State.GOOD, words)


def _held(measured: Measurement, after: int = 0) -> float:
    """How long some event was held back more than another, in seconds. The clocks need not agree."""
    delays = [came - sent for sent, came in measured.times[after:]]
    return max(delays) - min(delays) if delays else 0.0


def _for_streams(measured: Measurement) -> str:
    host = measured.host or "this site"
    scanning = (
        f"Virus scanners and secure web gateways do that: exempt {host} from content scanning and TLS inspection. "
        "In a proxy of your own, switch response buffering off for this site."
    )
    return _remedies(measured, "streams") or scanning


def _remedies(measured: Measurement, of: str) -> str:
    boxes: Iterator[str] = (getattr(box, of) for box in middleboxes.recognise(measured))
    return " ".join(remedy.replace("{host}", measured.host or "this site") for remedy in boxes if remedy)


def _lumps(count: int) -> str:
    return "all at once" if count == 1 else f"in {count} lumps"


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}\N{NO-BREAK SPACE}ms" if seconds < 1 else _s(seconds)


def _s(seconds: float) -> str:
    return f"{round(seconds, 1):g}\N{NO-BREAK SPACE}s"
