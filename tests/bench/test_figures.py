"""From rounds to bars, a table and a picture."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from bench.bars import Missing, bars, median
from bench.chart import chart
from bench.report import table, verdicts


def one_round(ours: float, theirs: float) -> dict[str, Any]:
    return {
        "one poster, 10": {
            "quart-chat": {"deliveries_per_s": ours, "last_ms": 3.0, "idle_bytes": 1024.0},
            "Nchan": {"deliveries_per_s": theirs},
        },
        "one poster, 100": {"quart-chat": {"deliveries_per_s": ours, "last_ms": 21.0, "idle_bytes": 30 * 1024.0}},
        "alone": {"quart-chat": {"last_ms": 1.0}},
    }


ROUNDS = [one_round(50, 100), one_round(300, 100), one_round(120, 100)]


def found() -> dict[str, Any]:
    return {bar.what: bar for bar in bars(ROUNDS, 10, 100)}


def test_median_of_the_rounds_counts() -> None:
    assert median(ROUNDS, "one poster, 10", "quart-chat", "deliveries_per_s") == 120
    with pytest.raises(Missing):
        median(ROUNDS, "one poster, 10", "Channels", "deliveries_per_s")


def test_round_that_was_invalid_is_left_out() -> None:
    assert median([*ROUNDS, {}], "one poster, 10", "quart-chat", "deliveries_per_s") == 120


def test_bars_are_reached_missed_or_not_measured() -> None:
    bar = found()
    assert bar["deliveries/s, 10 readers, one poster / Nchan"].value == pytest.approx(1.2)
    assert bar["deliveries/s, 10 readers, one poster / Nchan"].reached is True
    assert bar["resident memory per idle stream at 100"].reached is False
    assert bar["deliveries/s, 100 readers, one poster / Nchan"].reached is None


def test_cost_of_a_delivery_leaves_out_what_a_message_costs_before() -> None:
    assert found()["cost per delivery, 10 -> 100 readers"].value == pytest.approx(1.0)


def test_what_is_missing_is_named() -> None:
    shown = table(ROUNDS, ["quart-chat", "Nchan", "Channels"], {"Channels": "daphne"}, 10, 100)
    assert "this machine lacks daphne" in shown
    assert "120" in shown
    assert "MISSED" in verdicts(list(found().values()))
    assert "not measured" in verdicts(list(found().values()))


def test_chart_shows_every_value_and_says_it() -> None:
    svg = ET.fromstring(chart("Deliveries & more", "note", {"quart-chat": 2000.0, "Nchan": 1000.0}))
    label = svg.attrib["aria-label"]
    assert label == "Deliveries & more: quart-chat 2,000, Nchan 1,000"
    widths = [float(bar.attrib["width"]) for bar in svg.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
