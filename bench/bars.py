"""The figures to reach, as ratios within one run, and whether they were reached."""

import statistics
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

Round = dict[str, Any]
"""Scenario -> contestant -> figures. A run that was invalid is not there."""

Rounds = Sequence[Round]


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
    """All bars, for rooms of `few` and of `many` readers.

    A figure is taken within each round, and the median of the rounds counts: a rented core is faster in one round than
    in another, for everybody.
    """

    def bar(what: str, least: float, value: Callable[[Round], float], *, most: bool = False, unit: str = "x") -> Bar:
        values = []
        for found in rounds:
            with suppress(KeyError):
                values.append(value(found))
        return Bar(what, statistics.median(values) if values else None, least, most, unit)

    def against(who: str, scenario: str, figure: str = "deliveries_per_s") -> Callable[[Round], float]:
        return lambda found: found[scenario]["quart-chat"][figure] / found[scenario][who][figure]

    def against_bare(scenario: str) -> Callable[[Round], float]:
        return lambda found: found[scenario]["both"]["quart-chat"] / found[scenario]["both"]["bare"]

    def fan_out(found: Round, readers: int) -> float:
        """Milliseconds per delivery, without what a message costs before."""
        alone = found["alone"]["quart-chat"]["last_ms"]
        return (found[f"one poster, {readers}"]["quart-chat"]["last_ms"] - alone) / readers

    reached = []
    for readers in (few, many):
        scenario = f"one poster, {readers}"
        reached += [
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
        *reached,
        bar(
            f"p99 to the last of {many:,} readers, 3 messages/s / Nchan",
            1.3,
            against("Nchan", "calm", "p99_ms"),
            most=True,
        ),
        bar(
            f"resident memory per idle stream at {many:,}",
            20.0,
            lambda found: found[f"one poster, {many}"]["quart-chat"]["idle_bytes"] / 1024,
            most=True,
            unit="KiB",
        ),
        bar(
            "time to the last reader, with 20 who never read / without",
            1.3,
            lambda found: found["stuck"]["quart-chat"]["p50_ms_with"] / found["stuck"]["quart-chat"]["p50_ms_alone"],
            most=True,
        ),
        bar(
            f"{many:,} readers back after a crash",
            20.0,
            lambda found: found["storm"]["quart-chat"]["back_s"],
            most=True,
            unit="s",
        ),
        *(
            bar(f"{many:,} readers at once: {what}", most, value, most=True, unit=unit)
            for what, most, value, unit in (
                ("all are served", 6.0, lambda found: found["arrivals"]["quart-chat"]["served_s"], "s"),
                ("a POST meanwhile", 1.0, lambda found: found["arrivals"]["quart-chat"]["post_s"], "s"),
                ("a delivery meanwhile", 1.0, lambda found: found["arrivals"]["quart-chat"]["delivery_s"], "s"),
                (
                    "memory per stream afterwards",
                    22.0,
                    lambda found: found["arrivals"]["quart-chat"]["bytes_per_stream"] / 1024,
                    "KiB",
                ),
            )
        ),
        bar(
            "messages/s that 100 readers by polls get, 50 offered",
            40.0,
            lambda found: found["polls"]["quart-chat"]["messages_per_s"],
            unit="",
        ),
        bar(
            "95 % of them are there within",
            1.0,
            lambda found: found["polls"]["quart-chat"]["p95_ms"] / 1000,
            most=True,
            unit="s",
        ),
        bar("durable posts/s, 32 posters / bare view", 0.7, against_bare("posts")),
        bar("room pages/s for newcomers, with 10 posts/s / bare view", 0.6, against_bare("pages")),
        bar(
            f"cost per delivery, {few:,} -> {many:,} readers",
            1.3,
            lambda found: fan_out(found, many) / fan_out(found, few),
            most=True,
        ),
    ]
