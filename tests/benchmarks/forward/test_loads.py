"""The load shapes carry what they are defined to carry."""

import pytest
from benchmarks.forward.loads import fan_out, lessons


def test_a_lesson_is_630_packets_a_second_in_and_1890_out():
    load = lessons(10)
    assert sum(stream.packets_per_s for stream in load.streams) == 6300
    assert load.packets_out_per_s == 18900


@pytest.mark.parametrize("receivers", [3, 200])
def test_fan_out_is_one_lead_of_300_packets_a_second_that_all_receive(receivers):
    load = fan_out(receivers)
    assert sum(stream.packets_per_s for stream in load.streams) == 300
    assert load.packets_out_per_s == 300 * receivers


def test_the_first_lessons_are_the_first_streams():
    load = lessons(5)
    for number, stream in enumerate(load.streams):
        assert stream.party.lesson == number // load.streams_per_lesson


def test_no_two_parties_share_an_ssrc_or_a_leg():
    load = lessons(50)
    ssrcs = [stream.ssrc for stream in load.streams]
    legs = [leg for party in load.parties for leg in (party.publishing_leg, party.receiving_leg)]
    assert len(set(ssrcs)) == len(ssrcs)
    assert len(set(legs)) == len(legs)


def test_publishers_do_not_all_send_at_the_same_instant():
    phases = [stream.phase_ns for stream in lessons(25).streams if stream.video]
    assert len(set(phases)) == len(phases)
    assert max(phases) < 1_000_000_000 / 30
