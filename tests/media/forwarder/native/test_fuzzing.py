"""The corpus of each fuzz target and a short run from it; `make fuzz` runs them for long, under sanitizers."""

import pytest

from tests.fuzz.packet_core import Fuzzer, corpus, throw
from tests.fuzz.targets import TARGETS

MOST_CORPUS_BYTES = 200 * 1024


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_of_the_corpus_breaks_the_core(target):
    fuzzer = Fuzzer(target, seed=1)
    assert len(fuzzer.inputs) >= 5
    fuzzer.replay()
    reached = len(fuzzer.reached.features)
    assert reached > 20
    for _ in range(40):
        fuzzer.step()
    assert fuzzer.thrown == 40


def test_the_corpus_stays_small():
    assert sum(path.stat().st_size for target in TARGETS for path in corpus(target)) <= MOST_CORPUS_BYTES


def test_the_corpus_makes_packets_flow_and_come_again():
    sinks = [throw("rtp", path.read_bytes()).core.statistics().sinks[1] for path in corpus("rtp")]
    assert max(sink.packets for sink in sinks) > 5
    assert max(sink.resent for sink in sinks) > 0


def test_the_corpus_makes_layers_change():
    events = [throw("descriptors", path.read_bytes()).features for path in corpus("descriptors")]
    assert any(("LayerSwitched",) in reached for reached in events)


def test_garbage_is_dropped_by_cause():
    dropped = set().union(*(throw("srtp", path.read_bytes()).core.statistics().dropped for path in corpus("srtp")))
    assert {"unknown_peer", "unknown_ssrc", "malformed", "oversized", "auth_failed"} <= dropped
