"""Token buckets, by an injected clock."""

import pytest

from quart_chat.domain.limits import Buckets, Limits
from quart_chat.errors import TooFast


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, *, user: int = 2, address: int = 5) -> Limits:
    return Limits(Buckets(0.5, user, clock), Buckets(0.5, address, clock), Buckets(0.1, 1, clock))


def test_burst_is_allowed_then_refused_with_the_time_to_wait(clock: Clock) -> None:
    limited = limits(clock)
    limited.spend_message(1, "here")
    limited.spend_message(1, "here")
    with pytest.raises(TooFast) as refused:
        limited.spend_message(1, "here")
    assert refused.value.retry_after == 2


def test_waiting_as_told_is_enough(clock: Clock) -> None:
    limited = limits(clock, user=1)
    limited.spend_message(1, "here")
    with pytest.raises(TooFast) as refused:
        limited.spend_message(1, "here")
    clock.now += refused.value.retry_after
    limited.spend_message(1, "here")


def test_bucket_holds_no_more_than_its_burst(clock: Clock) -> None:
    limited = limits(clock)
    clock.now += 10_000
    limited.spend_message(1, "here")
    limited.spend_message(1, "here")
    with pytest.raises(TooFast):
        limited.spend_message(1, "here")


def test_guests_do_not_share_a_bucket(clock: Clock) -> None:
    limited = limits(clock, user=1)
    limited.spend_message(1, "here")
    limited.spend_message(2, "here")


def test_address_is_limited_whoever_writes(clock: Clock) -> None:
    limited = limits(clock, address=2)
    limited.spend_message(None, "here")
    limited.spend_message(1, "here")
    with pytest.raises(TooFast):
        limited.spend_message(2, "here")
    limited.spend_message(2, "elsewhere")


def test_refusal_costs_nothing(clock: Clock) -> None:
    limited = limits(clock, user=1, address=2)
    limited.spend_message(1, "here")
    for _ in range(5):
        with pytest.raises(TooFast):
            limited.spend_message(1, "here")
    limited.spend_message(2, "here")


def test_limits_that_are_off_never_refuse() -> None:
    off = Limits(None, None, None)
    for _ in range(1000):
        off.spend_message(1, "here")
        off.spend_room("here")
