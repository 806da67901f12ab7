"""A short run of each fuzz target on fixed seeds; `make fuzz` runs them for long, under sanitizers."""

import importlib.util
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "fuzz/packet_core.py"


@pytest.fixture(scope="module")
def fuzzing():
    """The fuzzer's module."""
    spec = importlib.util.spec_from_file_location("fuzz_packet_core", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("target", ["rtp", "rtcp"])
def test_no_authentic_packet_breaks_the_core(fuzzing, target, seed):
    statistics = fuzzing.fuzz(target, seed, rounds=1500).core.statistics()
    # It was no waste of time: packets flowed, were asked for again and sent again.
    assert statistics.sinks[1].packets > 50
    assert statistics.sinks[1].resent > 20
    assert sum(statistics.dropped.values()) > 50


def test_no_check_breaks_the_core(fuzzing):
    bench = fuzzing.fuzz("checks", 1, rounds=1500)
    assert bench.answers > 100
    assert bench.core.statistics().dropped["auth_failed"] > 5


def test_no_garbage_breaks_the_core(fuzzing):
    statistics = fuzzing.fuzz("garbage", 1, rounds=1500).core.statistics()
    assert {"unknown_peer", "unknown_ssrc", "malformed", "oversized", "auth_failed"} <= statistics.dropped.keys()


def test_no_command_breaks_the_core(fuzzing):
    fuzzing.fuzz("commands", 1, rounds=1500)
