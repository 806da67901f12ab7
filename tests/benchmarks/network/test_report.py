"""The bars: figures that meet them all are not named, and each that does not is."""

import json
from dataclasses import replace

import pytest
from benchmarks.network.lines import SCENARIOS
from benchmarks.network.report import JSON_KEYS, Figures, missed_bars, table

GOOD = Figures(
    concealed_pct=0.5,
    freezes=0,
    freeze_s=0.0,
    longest_freeze_s=0.0,
    height_p50=720,
    fps=25.0,
    step_down_s=1.0,
    step_up_s=4.0,
    used_pct=90.0,
    queue_p95_ms=40.0,
    delay_ms=100.0,
    slide_s=1.5,
    first_frame_s=1.0,
    witness_height_p50=720,
    witness_freeze_s=0.0,
    witness_concealed_pct=0.1,
    back_s=1.2,
    cpu_limited_s=0.0,
    codec="video/H264",
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.mark.parametrize("name", BY_NAME)
def test_good_figures_miss_nothing(name):
    assert missed_bars(BY_NAME[name], GOOD) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("fibre", {"concealed_pct": 2.0}),
        ("fibre", {"concealed_pct": None}),
        ("burst15", {"concealed_pct": 4.1}),
        ("4mbit", {"height_p50": 360}),
        ("4mbit", {"height_p50": None}),
        ("0.5mbit", {"slide_s": 5.5}),
        ("step", {"longest_freeze_s": 2.1}),
        ("step", {"step_up_s": None}),
        ("outage", {"step_up_s": 11.0}),
        ("step", {"witness_height_p50": 360}),
        ("step", {"witness_freeze_s": 1.5}),
        ("step", {"witness_concealed_pct": 2.5}),
        ("burst15", {"witness_concealed_pct": None}),
        ("0.5mbit", {"witness_height_p50": 180}),
        ("0.5mbit", {"witness_freeze_s": 1.5}),
        ("outage", {"back_s": 3.0}),
        ("outage", {"back_s": None}),
        ("2mbit", {"used_pct": 70.0}),
        ("2mbit", {"queue_p95_ms": 160.0}),
    ],
)
def test_each_bar_that_is_missed_is_named_with_its_line(name, change):
    (missed,) = missed_bars(BY_NAME[name], replace(GOOD, **change))
    assert missed.startswith(f"{name}: ")


def test_a_lead_shown_small_beside_slides_is_no_fault():
    assert missed_bars(BY_NAME["0.5mbit"], replace(GOOD, height_p50=360, witness_height_p50=360)) == []


def test_what_is_lost_while_the_line_is_cut_is_no_fault():
    assert missed_bars(BY_NAME["outage"], replace(GOOD, concealed_pct=50.0, step_down_s=None)) == []


def test_the_json_line_begins_with_the_keys_that_were_asked_for():
    assert tuple(json.loads(json.dumps(GOOD.as_json())))[: len(JSON_KEYS)] == JSON_KEYS


def test_the_table_has_a_row_for_each_line_and_server():
    assert table({"fibre": {"relay": GOOD, "janus": GOOD}, "step": {"relay": GOOD}}).row_count == 3
