"""The figures to reach, as ratios within one run, and whether they were reached."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Rounds = Sequence[dict[str, Any]]
"""A dictionary per round: scenario -> contestant -> figures."""


class Missing(Exception):
    """A figure that was not measured."""


@dataclass(frozen=True)
class Bar:
    what: str
    value: float | None
    """None when something it needs was not measured."""
    bar: float
    most: bool = False
    """Whether `bar` is the most that is allowed, and not the least."""
    unit: str = "x"

    @property
    def reached(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.bar if self.most else self.value >= self.bar


def median(rounds: Rounds, scenario: str, who: str, figure: str) -> float:
    """The median over all valid rounds. Raises Missing."""
    values = [found[scenario][who][figure] for found in rounds if figure in found.get(scenario, {}).get(who, {})]
    if not values:
        raise Missing
    return statistics.median(values)


def bars(rounds: Rounds, few: int, many: int) -> list[Bar]:
    """All bars, for rooms of `few` and of `many` readers."""

    def get(scenario: str, who: str, figure: str = "deliveries_per_s") -> float:
        return median(rounds, scenario, who, figure)

    def fan_out(readers: int) -> float:
        """Milliseconds per delivery, without what a message costs before."""
        alone = get("alone", "quart-chat", "last_ms")
        return (get(f"one poster, {readers}", "quart-chat", "last_ms") - alone) / readers

    def bar(what: str, least: float, value: Callable[[], float], *, most: bool = False, unit: str = "x") -> Bar:
        try:
            return Bar(what, value(), least, most, unit)
        except Missing:
            return Bar(what, None, least, most, unit)

    def against(who: str, scenario: str) -> Callable[[], float]:
        return lambda: get(scenario, "quart-chat") / get(scenario, who)

    found = []
    for readers in (few, many):
        scenario = f"one poster, {readers}"
        found += [
            bar(f"deliveries/s, {readers:,} readers, one poster / Nchan", 1.0, against("Nchan", scenario)),
            bar(f"deliveries/s, {readers:,} readers, one poster / C floor", 0.6, against("C floor", scenario)),
            bar(f"deliveries/s, {readers:,} readers, one poster / naive", 4.0, against("naive", scenario)),
            bar(f"deliveries/s, {readers:,} readers, one poster / Channels", 30.0, against("Channels", scenario)),
            bar(
                f"deliveries/s, {readers:,} readers, 32 posters / Nchan",
                3.0,
                against("Nchan", f"32 posters, {readers}"),
            ),
        ]
    return [
        *found,
        bar(
            f"p99 to the last of {many:,} readers, 3 messages/s / Nchan",
            1.3,
            lambda: get("calm", "quart-chat", "p99_ms") / get("calm", "Nchan", "p99_ms"),
            most=True,
        ),
        bar(
            f"resident memory per idle stream at {many:,}",
            20.0,
            lambda: get(f"one poster, {many}", "quart-chat", "idle_bytes") / 1024,
            most=True,
            unit="KiB",
        ),
        bar(
            "time to the last reader, with 20 who never read / without",
            1.3,
            lambda: get("stuck", "quart-chat", "p50_ms_with") / get("stuck", "quart-chat", "p50_ms_alone"),
            most=True,
        ),
        bar(
            f"{many:,} readers back after a crash",
            20.0,
            lambda: get("storm", "quart-chat", "back_s"),
            most=True,
            unit="s",
        ),
        bar(
            "durable posts/s, 32 posters / bare view",
            0.7,
            lambda: get("posts", "both", "quart-chat") / get("posts", "both", "bare"),
        ),
        bar(
            "room pages/s for newcomers, with 10 posts/s / bare view",
            0.6,
            lambda: get("pages", "both", "quart-chat") / get("pages", "both", "bare"),
        ),
        bar(f"cost per delivery, {few:,} -> {many:,} readers", 1.3, lambda: fan_out(many) / fan_out(few), most=True),
    ]
