"""The tables name only what exists, and cover every request and every state of an offer."""

import typing

from media.session import events, messages
from media.session.room import LessonRoom
from media.session.transitions import OFFERS, REQUESTS, ROOM, OfferInput, OfferState, Step, may_publish


def test_every_step_of_the_table_is_used_and_every_event_has_one():
    assert set(ROOM.values()) == set(Step)
    assert {event for _, event in ROOM} == set(typing.get_args(events.Event))


def test_every_request_says_whose_it_is():
    union = typing.get_args(typing.get_args(messages.ClientRequest)[0])
    assert set(REQUESTS) == set(union)


def test_offers_never_have_two_outstanding():
    for (before, happened), (after, sends) in OFFERS.items():
        if sends:
            assert before is OfferState.IDLE or happened is OfferInput.ANSWERED
            assert after is OfferState.OFFERED


def test_an_event_after_the_end_changes_nothing():
    room = LessonRoom("synchronous")
    room.handle(events.Ended("over"), 0.0)
    for event in (events.Elapsed(), events.StageSet("a", True), events.RecordingSet(True), events.Left("c", "x")):
        assert room.handle(event, 1.0) == []


def test_who_may_publish_by_kind_of_lesson():
    table = {
        ("synchronous", "room", False): True,
        ("synchronous", "teacher", False): True,
        ("synchronous", "observer", True): False,
        ("famous_teacher", "lead", False): True,
        ("famous_teacher", "room", False): False,
        ("famous_teacher", "teacher", True): True,
        ("famous_school", "room", True): True,
        ("famous_school", "observer", True): False,
    }
    assert {key: may_publish(*key) for key in table} == table
