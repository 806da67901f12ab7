"""The JSON line has the agreed shape and says null for what was not measured."""

import dataclasses

from benchmarks.forward.held import Held
from benchmarks.forward.measure import Result
from benchmarks.forward.report import Report

RESULT = Result(
    server="relay",
    load="fan-out 3",
    saturated=True,
    lessons=1,
    us_per_packet=1.0,
    packets_per_s=900,
    loss=0.0,
    p50_ms=0.1,
    p99_ms=0.5,
    server_busy=1.0,
    softirq_us_per_packet=0.0,
    generator_busy=0.5,
    generator_stalled=0.0,
    rss_mib=80,
    machine_load=1.0,
    forged=0,
    segments=8.0,
)


def result(server, us, **changes):
    return dataclasses.replace(RESULT, server=server, us_per_packet=us, **changes)


def test_nothing_measured_is_all_null_in_the_agreed_shape():
    three = {"floor_us": None, "relay_us": None, "janus_us": None}
    assert Report().figures() == {
        "fanout_3": three,
        "fanout_50": three,
        "fanout_100": three,
        "fanout_200": three,
        "lessons_10": {"relay_us": None, "janus_us": None},
        "lessons_held": {"relay": None, "janus": None},
        "p99_half_load_ms": None,
        "rss_per_lesson_mib": None,
        "profile": None,
        "instructions_per_packet": Report().figures()["instructions_per_packet"],
    }


def test_medians_count_and_of_janus_the_better_configuration():
    report = Report()
    for us in (3.0, 1.0, 2.0):
        report.add("fanout_3", result("relay", us))
        report.add("fanout_3", result("janus", us + 10))
        report.add("fanout_3", result("janus-loops", us + 5))
    report.add("fanout_3", result("floor", 9.0, saturated=False))
    report.add("fanout_3", result("floor", 1.5))
    assert report.figures()["fanout_3"] == {"floor_us": 1.5, "relay_us": 2.0, "janus_us": 7.0}


def test_wide_fan_outs_and_lessons_count_at_their_nominal_rate():
    report = Report()
    report.add("fanout_100", result("relay", 1.0))
    report.add("fanout_100", result("relay", 2.5, saturated=False))
    report.add("lessons_10", result("relay", 3.5, saturated=False))
    assert report.figures()["fanout_100"]["relay_us"] == 2.5
    assert report.figures()["lessons_10"]["relay_us"] == 3.5


def test_lessons_held_come_with_the_delay_at_half_and_the_memory():
    report = Report()
    for server, lessons in (("relay", 250), ("janus", 35), ("janus-loops", 52)):
        report.add_held(Held(server, lessons, False, RESULT, result(server, 1.0, p99_ms=1.25), 2.5, 300))
    report.add_profile("relay", "AEAD_AES_128_GCM")
    figures = report.figures()
    assert figures["lessons_held"] == {"relay": 250, "janus": 52}
    assert (figures["p99_half_load_ms"], figures["rss_per_lesson_mib"]) == (1.25, 2.5)
    assert figures["profile"] == "AEAD_AES_128_GCM"
