"""What a relay does as one of a fleet: lets in only whom the service granted it, hands lessons over, drains."""

import time

from media.contract import (
    EVENTS_TOPIC,
    HandOverLesson,
    JoinLesson,
    LessonClosed,
    OpenLesson,
    RelayHeartbeat,
    ToClient,
    grant_join,
)
from media.contract.messages import HEARTBEATS_TOPIC, fleet_topic

KEY = "a key of the fleet"
LESSON = OpenLesson(lesson_id="lesson1", kind="synchronous", title="Poems", recorded=True, starts_at=0, ends_at=9)


def test_only_granted_joins_are_let_in(run_school, party):
    join = JoinLesson(lesson_id="lesson1", connection_id="forged", party=party("lead", "lead"))

    async def scenario(school):
        await school.bus.command(LESSON)
        await school.bus.command(join)
        closed = await school.bus.event("close_connection", connection_id="forged")
        granted = grant_join(KEY, "r1", join.model_copy(update={"connection_id": "granted"}), time.time())
        await school.bus.command(granted)
        await school.bus.event("party_joined", connection_id="granted")
        assert closed["code"] == "media_lost"
        assert [event["connection_id"] for event in school.bus.of_type("party_joined")] == ["granted"]

    run_school(scenario, grant_key=KEY)


def test_a_lesson_handed_over_sends_its_clients_on_and_does_not_end(run_school, party):
    async def scenario(school):
        await school.bus.command(LESSON)
        lead = await school.enter(party("lead", "lead"))
        await school.bus.command(HandOverLesson(lesson_id="lesson1"))
        closed = await school.bus.event("close_connection", connection_id=lead.connection_id)
        await school.bus.event("party_left", connection_id=lead.connection_id)
        assert (closed["code"], school.relay.lessons) == ("media_lost", 0)
        assert "lesson_ended" not in [message["type"] for message in lead.messages]
        await school.bus.command(LESSON)
        await school.enter(party("lead", "lead"))
        assert school.bus.of_type("lesson_closed") == []

    run_school(scenario)


def test_a_lesson_is_handed_over_once_all_have_moved_and_tells_who_is_on_stage(run_school, party):
    async def scenario(school):
        await school.bus.command(LESSON)
        lead = await school.enter(party("lead", "lead"))
        village = await school.enter(party("room", "village"))
        await lead.send("stage", party_id="room:village", on=True)
        await lead.message("roster", lambda roster: any(one["on_stage"] for one in roster["parties"]))
        await school.bus.command(HandOverLesson(lesson_id="lesson1", patience_s=60))
        await lead.send("moved")
        await village.send("ping")
        await village.message("pong")
        assert (school.relay.lessons, lead.closed, village.closed) == (1, None, None)
        await village.send("moved")
        await school.bus.event("close_connection", connection_id=lead.connection_id, code="media_lost")
        await school.bus.event("close_connection", connection_id=village.connection_id, code="media_lost")
        assert school.relay.lessons == 0
        told = [(one["on_stage"], one["relay_id"]) for one in school.bus.of_type("stage_told")]
        assert told == [(["room:village"], "r1")] * 2  # when it was set, and for where the lesson goes

    run_school(scenario)


def test_who_does_not_move_is_not_waited_for_for_ever(run_school, party):
    async def scenario(school):
        await school.bus.command(LESSON)
        lead = await school.enter(party("lead", "lead"))
        await school.bus.command(HandOverLesson(lesson_id="lesson1", patience_s=0.5))
        await school.bus.event("close_connection", connection_id=lead.connection_id, code="media_lost")
        assert school.relay.lessons == 0

    run_school(scenario)


def test_a_lesson_that_comes_back_before_it_went_stays(run_school, party):
    async def scenario(school):
        await school.bus.command(LESSON)
        lead = await school.enter(party("lead", "lead"))
        await school.bus.command(HandOverLesson(lesson_id="lesson1", patience_s=60))
        await school.bus.command(LESSON)
        await lead.send("moved")
        await lead.send("ping")
        await lead.message("pong")
        assert (school.relay.lessons, lead.closed) == (1, None)

    run_school(scenario)


def test_a_draining_relay_says_so_and_goes_on(run_school, party):
    async def scenario(school):
        await school.bus.command(LESSON)
        school.relay.drain()
        await school.bus.event("relay_heartbeat", draining=True, leaving=False, capacity=200)
        await school.enter(party("lead", "lead"))
        school.relay.drain(leaving=True)
        await school.bus.event("relay_heartbeat", draining=True, leaving=True, connections=1)

    run_school(scenario, capacity=200)


def test_words_for_a_client_go_to_the_replica_that_holds_it():
    word = ToClient(lesson_id="l", connection_id="0123456789abcdef", message={})
    assert fleet_topic(word) == "service.01234567.clients"
    beat = RelayHeartbeat(
        relay_id="r", run_id="r", at=0, udp_port=1, lessons=0, connections=0, tracks=0, packets_received=0,
        packets_forwarded=0,
    )  # fmt: skip
    assert fleet_topic(beat) == HEARTBEATS_TOPIC
    assert fleet_topic(LessonClosed(lesson_id="l", at=0, journals=[])) == EVENTS_TOPIC
