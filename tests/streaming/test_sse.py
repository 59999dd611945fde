"""The encoder against an independent parser of the specification: what goes in comes out, as one event each."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_chat.models import Cursor
from quart_chat.streaming import sse
from tests.sse import Parser, SSEvent

FIELDS = ["id: 5", "data: x", "data:", "event: reset", "retry: 1", ":comment", ":", " leading", "", "data", "id:\0"]
BREAKS = ["\n", "\r", "\r\n", "\n\n", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\0", "\ufeff"]

hostile = st.lists(st.sampled_from(FIELDS + BREAKS + ["é", "😀", "<p>"]), max_size=12).map("".join)
texts = st.one_of(hostile, st.text(max_size=60))
words = st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=("Cs",)), min_size=1, max_size=20)
retries = st.none() | st.integers(0, 10**9)


def received(text: str) -> str:
    """What a parser makes of a text's line breaks; NUL is replaced as in HTML."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def pieces(stream: bytes, random: Random) -> Iterator[bytes]:
    """`stream` as a network may deliver it, characters of several bytes cut apart."""
    start = 0
    while start < len(stream):
        end = start + random.choice((1, 1, 2, 3, 7, 50))
        yield stream[start:end]
        start = end


def parse(stream: bytes, random: Random) -> tuple[list[SSEvent], Parser]:
    parser = Parser()
    return [event for piece in pieces(stream, random) for event in parser.feed(piece)], parser


@given(texts, st.none() | words, st.none() | words, retries, st.randoms(use_true_random=False))
def test_any_text_comes_back_as_exactly_one_event(
    text: str, event: str | None, id: str | None, retry: int | None, random: Random
) -> None:
    events, parser = parse(sse.frame(text, event=event, id=id, retry=retry), random)
    assert events == [SSEvent(event or "message", received(text), id or "")]
    assert parser.retry == retry


@given(st.lists(st.tuples(texts, st.none() | words), max_size=8), st.randoms(use_true_random=False))
def test_sequence_comes_back_as_the_same_sequence(sent: list[tuple[str, str | None]], random: Random) -> None:
    stream = b"".join(sse.frame(text, event=event, id=str(n)) for n, (text, event) in enumerate(sent))
    events, _ = parse(stream, random)
    assert events == [SSEvent(event or "message", received(text), str(n)) for n, (text, event) in enumerate(sent)]


@given(texts)
def test_lines_end_with_lf_alone(text: str) -> None:
    assert b"\r" not in sse.frame(text, event="named", id="1")


@pytest.mark.parametrize("text", BREAKS, ids=ascii)
def test_no_break_in_a_text_begins_a_field(text: str) -> None:
    events, parser = parse(sse.frame(f"a{text}id: 5{text}event: reset{text}{text}data: b"), Random(0))
    assert [(event.type, event.last_event_id) for event in events] == [("message", "")]
    assert parser.last_event_id == ""


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nb", "a\0b", "\n", "id\n\ndata: forged"], ids=ascii)
@pytest.mark.parametrize("field", ["event", "id"])
def test_field_that_could_forge_another_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValueError, match="event stream field"):
        sse.frame("text", **{field: value})


def test_control_events_parse() -> None:
    at = Cursor("abc", 7)
    stream = sse.hello(at, 15.0) + sse.heartbeat(at) + sse.reset(at) + sse.farewell(1200, "age")
    events, parser = parse(stream, Random(1))
    assert [(event.type, event.data, event.last_event_id) for event in events] == [
        ("hello", '{"cursor": "abc.7", "heartbeat": 15.0}', "abc.7"),
        ("heartbeat", "abc.7", "abc.7"),
        ("reset", "abc.7", "abc.7"),
        ("farewell", '{"retry": 1200, "reason": "age"}', "abc.7"),
    ]
    assert parser.retry == 1200


def test_opening_fills_the_buffer_of_a_scanner() -> None:
    assert len(sse.hello(Cursor("abc", 0), 15.0)) >= 4096
