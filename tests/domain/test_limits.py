"""Token buckets, by an injected clock."""

from ipaddress import IPv6Network
from itertools import islice

import pytest

from quart_chat.domain.limits import DAY, ROW, Buckets, Limits
from quart_chat.domain.networks import LARGER
from quart_chat.errors import TooFast


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, *, user: int = 2, address: int = 5) -> Limits:
    return Limits(
        Buckets(0.5, user, clock), Buckets(0.5, address, clock), Buckets(0.1, 1, clock), Buckets(0.5, 3, clock)
    )


def test_burst_is_allowed_then_refused_with_the_time_to_wait(clock: Clock) -> None:
    limited = limits(clock)
    limited.spend_message("user 1", "here")
    limited.spend_message("user 1", "here")
    with pytest.raises(TooFast) as refused:
        limited.spend_message("user 1", "here")
    assert refused.value.retry_after == 2


def test_waiting_as_told_is_enough(clock: Clock) -> None:
    limited = limits(clock, user=1)
    limited.spend_message("user 1", "here")
    with pytest.raises(TooFast) as refused:
        limited.spend_message("user 1", "here")
    clock.now += refused.value.retry_after
    limited.spend_message("user 1", "here")


def test_bucket_holds_no_more_than_its_burst(clock: Clock) -> None:
    limited = limits(clock)
    clock.now += 10_000
    limited.spend_message("user 1", "here")
    limited.spend_message("user 1", "here")
    with pytest.raises(TooFast):
        limited.spend_message("user 1", "here")


def test_guests_do_not_share_a_bucket(clock: Clock) -> None:
    limited = limits(clock, user=1)
    limited.spend_message("user 1", "here")
    limited.spend_message("user 2", "here")


def test_address_is_limited_whoever_writes(clock: Clock) -> None:
    limited = limits(clock, address=2)
    limited.spend_message(None, "here")
    limited.spend_message("user 1", "here")
    with pytest.raises(TooFast):
        limited.spend_message("user 2", "here")
    limited.spend_message("user 2", "elsewhere")


def test_refusal_costs_nothing(clock: Clock) -> None:
    limited = limits(clock, user=1, address=2)
    limited.spend_message("user 1", "here")
    for _ in range(5):
        with pytest.raises(TooFast):
            limited.spend_message("user 1", "here")
    limited.spend_message("user 2", "here")


def test_refusals_are_counted_and_being_too_fast_is_none(clock: Clock) -> None:
    limited = limits(clock, user=1)
    for _ in range(3):
        limited.check_refusals("here")
        limited.refused("here")
    with pytest.raises(TooFast) as refused:
        limited.check_refusals("here")
    for _ in range(5):
        with pytest.raises(TooFast):
            limited.check_refusals("here")
    limited.check_refusals("elsewhere")
    limited.spend_message("user 1", "here")
    clock.now += refused.value.retry_after
    limited.check_refusals("here")


def test_queue_that_waits_as_it_was_told_gets_everything_sent(clock: Clock) -> None:
    """As the outbox of a page does, after an outage; at the pace of its guest, and never more than one refusal each."""
    limited = limits(clock, user=2)
    refused = 0
    for _ in range(50):
        limited.check_refusals("here")
        try:
            limited.spend_message("user 1", "here")
        except TooFast as error:
            refused += 1
            clock.now += error.retry_after
            limited.spend_message("user 1", "here")
    assert refused == 48
    assert clock.now == 2 * 48


def networks(count: int, length: int) -> list[str]:
    """Addresses of one /`length`, as far apart as they can be."""
    whole = IPv6Network("2001:db8::/32")
    first = next(whole.subnets(new_prefix=length))
    apart = min(64, length + 8)
    return [str(next(one.subnets(new_prefix=64))) for one in islice(first.subnets(new_prefix=apart), count)]


def test_network_of_ipv6_is_limited_however_many_addresses_it_has(clock: Clock) -> None:
    for length, times in LARGER.items():
        for spend in ("spend_message", "spend_room", "refused"):
            limited = Limits(None, *(Buckets(0.5, 2, clock) for _ in range(3)))
            ask = getattr(limited, spend)
            check = limited.check_refusals if spend == "refused" else ask
            arguments = (None,) if spend == "spend_message" else ()
            addresses = networks(3 * times, length)
            for address in addresses[: 2 * times]:
                ask(*arguments, address)
            with pytest.raises(TooFast) as refused:
                check(*arguments, addresses[2 * times])
            assert refused.value.retry_after == 1, (length, spend)
            ask(*arguments, "2001:db8:ffff::/64")
            ask(*arguments, "192.0.2.1")
            clock.now += refused.value.retry_after
            check(*arguments, addresses[2 * times])


def test_limits_that_are_off_never_refuse() -> None:
    off = Limits(None, None, None, None)
    for _ in range(1000):
        off.spend_message("user 1", "here")
        off.spend_room("here")
        off.refused("here")
        off.check_refusals("here")


def day(clock: Clock, *, rooms: int = 10, size: int = 100_000) -> Limits:
    return Limits(None, None, None, None, Buckets(rooms / DAY, rooms, clock), Buckets(size / DAY, size, clock))


def test_address_has_so_many_bytes_stored_in_a_day_whoever_writes_and_edits(clock: Clock) -> None:
    limited = day(clock)
    for number in range(100_000 // (4000 + ROW)):
        limited.spend_message(f"user {number}", "here", "\N{OWL}" * 1000)
    with pytest.raises(TooFast) as refused:
        limited.spend_message("user 1", "here", "\N{OWL}" * 1000)
    limited.spend_message("user 1", "here")  # a deletion takes nothing
    limited.spend_message("user 1", "elsewhere", "x")
    clock.now += refused.value.retry_after
    limited.spend_message("user 1", "here", "\N{OWL}" * 1000)
    clock.now += DAY
    for _ in range(22):
        limited.spend_message("user 1", "here", "\N{OWL}" * 1000)


def test_address_makes_so_many_rooms_in_a_day(clock: Clock) -> None:
    limited = day(clock)
    for _ in range(10):
        limited.spend_room("here")
    with pytest.raises(TooFast) as refused:
        limited.spend_room("here")
    assert "Wait 3 hours" in refused.value.sentence
    clock.now += refused.value.retry_after
    limited.spend_room("here")
