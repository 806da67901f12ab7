"""Delivered time follows the packet core's counters and the receiver's own reports, on virtual time."""

import pytest

from media.forwarder.api import SinkStatistics, Statistics, StreamStatistics
from media.relay.accounting import FIRST_REPORT_S, REPORT_AGE_S, DeliveryLedger


def sink(packets, *, size=0, lost=0.0, last_rr=None):
    return SinkStatistics(packets, size, 0, 0, 0, lost, 0, last_rr, None)


def stream(packets):
    return StreamStatistics(packets, 0, 0, 0, 0, 0, None)


class Counters:
    def __init__(self):
        self.now = 0.0
        self.ledger = DeliveryLedger(0.0)
        self.ledger.open("c", 1000.0)

    def sample(self, sinks=None, streams=None, seconds=0.5):
        self.now += seconds
        self.ledger.sample(Statistics(streams or {}, sinks or {}, {}), self.now)

    def take(self):
        return self.ledger.take("c", 1000.0 + self.now)


def test_time_counts_while_packets_flow_and_not_while_they_do_not():
    counters = Counters()
    counters.ledger.add_sink(1, "c", picture=True, lead=True, now=0.0)
    for packets in (10, 20, 20, 20, 30):
        counters.sample({1: sink(packets, size=packets * 100, last_rr=counters.now)})
    tally = counters.take()
    assert tally.lead_picture_s == pytest.approx(1.5)
    assert (tally.lead_sound_s, tally.picture_bytes, tally.since_at) == (0.0, 3000, 1000.0)
    assert counters.take().since_at == 1002.5


def test_what_the_receiver_reports_lost_does_not_count():
    counters = Counters()
    counters.ledger.add_sink(1, "c", picture=False, lead=True, now=0.0)
    counters.sample({1: sink(10, lost=0.25, last_rr=0.1)})
    assert counters.take().lead_sound_s == pytest.approx(0.375)


def test_camera_and_screen_of_the_lead_count_once():
    counters = Counters()
    for number in (1, 2):
        counters.ledger.add_sink(number, "c", picture=True, lead=True, now=0.0)
    counters.sample({1: sink(5, last_rr=0.1), 2: sink(5, lost=0.5, last_rr=0.1)})
    assert counters.take().lead_picture_s == pytest.approx(0.5)


def test_tracks_of_others_are_bytes_but_not_minutes_of_the_lead():
    counters = Counters()
    counters.ledger.add_sink(1, "c", picture=True, lead=False, now=0.0)
    counters.sample({1: sink(5, size=700, last_rr=0.1)})
    tally = counters.take()
    assert (tally.lead_picture_s, tally.picture_bytes) == (0.0, 700)


def test_a_receiver_that_never_reports_or_stopped_reporting_has_received_nothing():
    counters = Counters()
    counters.ledger.add_sink(1, "c", picture=True, lead=True, now=0.0)
    for packets in range(1, int(FIRST_REPORT_S) + 1):
        counters.sample({1: sink(packets)}, seconds=1.0)
    assert counters.take().lead_picture_s == pytest.approx(FIRST_REPORT_S)
    counters.sample({1: sink(10)})
    assert counters.take().lead_picture_s == 0.0
    counters.sample({1: sink(15, last_rr=counters.now)})
    assert counters.take().lead_picture_s == pytest.approx(0.5)
    reported_at = counters.now - 0.5
    counters.sample({1: sink(20, last_rr=reported_at)}, seconds=REPORT_AGE_S)
    assert counters.take().lead_picture_s == 0.0


def test_a_sink_made_between_samples_counts_only_since_then():
    counters = Counters()
    counters.ledger.add_sink(1, "c", picture=True, lead=True, now=0.4)
    counters.sample({1: sink(5)})
    assert counters.take().lead_picture_s == pytest.approx(0.1)


def test_what_a_party_publishes_is_counted_by_kind():
    counters = Counters()
    counters.ledger.add_stream(1, "c", picture=True, now=0.0)
    counters.ledger.add_stream(2, "c", picture=False, now=0.0)
    counters.sample(streams={1: stream(5), 2: stream(5)})
    counters.sample(streams={1: stream(5), 2: stream(9)})
    tally = counters.take()
    assert (tally.published_picture_s, tally.published_sound_s) == (pytest.approx(0.5), pytest.approx(1.0))


def test_a_closed_connection_has_a_last_tally_and_then_none():
    counters = Counters()
    assert counters.ledger.close("c", 1001.0).since_at == 1000.0
    assert counters.ledger.close("c", 1002.0) is None


def test_a_relay_that_was_frozen_claims_no_minutes_for_that_time():
    counters = Counters()
    counters.ledger.add_sink(1, "c", picture=True, lead=True, now=0.0)
    counters.sample({1: sink(10, last_rr=0.4)})
    counters.sample({1: sink(20, last_rr=30.4)}, seconds=30)
    assert counters.take().lead_picture_s == pytest.approx(0.5 + 2.0)
