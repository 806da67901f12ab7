"""Lesson rooms on virtual time: who is told what, who receives whom, and what happens when clients come and go."""

import itertools

from media.contract import Party
from media.session import actions, events
from media.session.room import LessonRoom, RoomLimits

SDP = "v=0"


class Hall:
    """A room with a clock the test moves, and clients that answer offers when told to."""

    def __init__(self, kind="synchronous", **limits):
        numbers = itertools.count(1)
        self.room = LessonRoom(kind, RoomLimits(**limits), new_track_id=lambda: f"t{next(numbers)}")
        self.now = 100.0
        self.log = []

    def feed(self, event):
        done = self.room.handle(event, self.now)
        self.log.extend(done)
        return done

    def join(self, name, role="room", connection=None):
        party = Party(party_id=name, role=role, name=name)
        return self.feed(events.Joined(connection or f"c-{name}", party))

    def say(self, name, message_type, **fields):
        return self.feed(events.Received(f"c-{name}", {"v": 1, "type": message_type, **fields}))

    def publish(self, name, *sources, fresh=False):
        """Publish sources as the relay would report them; camera is mid 0, microphone 1, screen 2."""
        mids = {"camera": "0", "microphone": "1", "screen": "2", "screen_audio": "3"}
        tracks = [{"mid": mids[source], "source": source} for source in sources]
        asked = self.say(name, "publish", id=1, sdp=SDP, tracks=tracks)
        if not of(asked, actions.AnswerPublish):
            return asked
        answered = tuple(
            events.AnsweredTrack(
                mids[source],
                source,
                "video" if source in {"camera", "screen"} else "audio",
                "h264" if source in {"camera", "screen"} else "opus",
            )
            for source in sources
        )
        return self.feed(events.PublishAnswered(f"c-{name}", 1, "answer", answered, fresh))

    def answer(self, name, *, accept=None, reuse=True):
        """Let the client answer its outstanding offer, accepting all of it unless told otherwise."""
        offer = self.last_offer(name)
        self.say(name, "subscribed", id=offer.offer_id, sdp=SDP, reuse=reuse)
        mids = frozenset(line.mid for line in offer.lines if line.track_id) if accept is None else frozenset(accept)
        return self.feed(events.SubscriptionAnswered(f"c-{name}", offer.offer_id, mids))

    def last_offer(self, name):
        return [one for one in of(self.log, actions.OfferTracks) if one.connection_id == f"c-{name}"][-1]


def of(found, kind):
    return [action for action in found if isinstance(action, kind)]


def sent(found, name, message_type):
    return [
        action.message
        for action in of(found, actions.Send)
        if action.connection_id == f"c-{name}" and action.message["type"] == message_type
    ]


def carried(offer):
    return {line.mid: line.track_id for line in offer.lines}


def test_who_joins_is_welcomed_then_shown_the_roster():
    hall = Hall()
    done = hall.join("lead", "lead")
    types = [action.message["type"] for action in of(done, actions.Send)]
    assert types == ["welcome", "roster"]
    welcome = sent(done, "lead", "welcome")[0]
    assert welcome == {
        "v": 1,
        "type": "welcome",
        "connection_id": "c-lead",
        "party_id": "lead",
        "role": "lead",
        "may_publish": True,
        "recording": False,
        "ice": {},
    }
    assert of(done, actions.TellJoined) == [actions.TellJoined("c-lead", "lead", "lead")]


def test_a_published_track_is_offered_to_all_others_and_attached_when_answered():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("village")
    done = hall.publish("lead", "camera", "microphone")
    assert [one.connection_id for one in of(done, actions.OfferTracks)] == ["c-village"]
    assert carried(hall.last_offer("village")) == {"0": "t1", "1": "t2"}
    assert of(hall.answer("village"), actions.Attach) == [
        actions.Attach("c-village", "0", "t1"),
        actions.Attach("c-village", "1", "t2"),
    ]


def test_who_joins_late_is_offered_what_is_already_published():
    hall = Hall()
    hall.join("lead", "lead")
    hall.publish("lead", "camera")
    hall.join("village")
    assert carried(hall.last_offer("village")) == {"0": "t1"}


def test_a_second_connection_of_a_party_replaces_the_first():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("village")
    hall.publish("village", "camera")
    hall.answer("lead")
    done = hall.join("village", connection="c-again")
    assert sent(done, "village", "replaced")
    assert actions.Close("c-village", "replaced", "the party joined from elsewhere") in done
    assert actions.Detach("c-lead", "0") in done
    assert actions.EndTrack("c-village", "t1") in done
    told = [one for one in done if isinstance(one, actions.TellLeft | actions.TellJoined)]
    assert told == [
        actions.TellLeft("c-village", "village", "replaced"),
        actions.TellJoined("c-again", "village", "room"),
    ]
    roster = sent(done, "lead", "roster")[-1]
    assert [(one["party_id"], one["connected"]) for one in roster["parties"]] == [("lead", True), ("village", True)]
    assert hall.room.connection_ids == {"c-lead", "c-again"}


def test_the_late_goodbye_of_a_replaced_connection_changes_nothing():
    hall = Hall()
    hall.join("village")
    hall.join("village", connection="c-again")
    assert hall.feed(events.Left("c-village", "socket closed")) == []
    assert hall.room.connection_ids == {"c-again"}


def test_the_same_connection_joining_twice_is_one_connection():
    hall = Hall()
    hall.join("village")
    assert hall.join("village") == []


def test_only_one_offer_is_outstanding_and_changes_meanwhile_are_gathered():
    hall = Hall()
    hall.join("watcher")
    for name in ("a", "b", "c"):
        hall.join(name)
        hall.publish(name, "camera")
    offers = [one for one in of(hall.log, actions.OfferTracks) if one.connection_id == "c-watcher"]
    assert len(offers) == 1
    done = hall.answer("watcher")
    second = [one for one in of(done, actions.OfferTracks) if one.connection_id == "c-watcher"]
    assert [carried(one) for one in second] == [{"0": "t1", "1": "t2", "2": "t3"}]


def test_a_line_is_reused_only_after_it_was_answered_as_inactive():
    hall = Hall()
    hall.join("watcher")
    hall.join("a")
    hall.publish("a", "camera")
    hall.answer("watcher")
    hall.feed(events.Left("c-a", "gone"))
    assert carried(hall.last_offer("watcher")) == {"0": None}
    hall.join("b")
    hall.publish("b", "camera")
    hall.answer("watcher")
    assert carried(hall.last_offer("watcher")) == {"0": "t2"}


def test_a_line_still_in_use_is_not_reused_and_lines_never_vanish():
    hall = Hall()
    hall.join("watcher")
    hall.join("a")
    hall.publish("a", "camera")
    hall.answer("watcher")
    hall.publish("a", "microphone")
    assert carried(hall.last_offer("watcher")) == {"0": None, "1": "t2"}


def test_a_track_that_ends_while_offered_is_never_attached():
    hall = Hall()
    hall.join("watcher")
    hall.join("a")
    hall.publish("a", "camera")
    hall.feed(events.Left("c-a", "gone"))
    done = hall.answer("watcher")
    assert of(done, actions.Attach) == []
    assert carried(hall.last_offer("watcher")) == {"0": None}


def test_a_line_the_client_declines_is_not_attached():
    hall = Hall()
    hall.join("watcher")
    hall.join("a")
    hall.publish("a", "camera", "microphone")
    assert of(hall.answer("watcher", accept={"1"}), actions.Attach) == [actions.Attach("c-watcher", "1", "t2")]


def test_a_freed_line_takes_a_track_that_found_none_before():
    hall = Hall(max_received_tracks=1)
    hall.join("watcher")
    for name in ("a", "b"):
        hall.join(name)
        hall.publish(name, "camera")
    hall.answer("watcher")
    hall.feed(events.Left("c-a", "gone"))
    hall.answer("watcher")
    assert carried(hall.last_offer("watcher")) == {"0": "t2"}


def test_a_client_that_cannot_reuse_lines_gets_fresh_ones_until_it_must_join_again():
    hall = Hall(max_received_tracks=2)
    hall.join("watcher")
    hall.join("a")
    for track_id, lines in (("t1", {"0": "t1"}), ("t2", {"0": None, "1": "t2"})):
        hall.publish("a", "camera", fresh=True)
        assert carried(hall.last_offer("watcher")) == lines
        attached = of(hall.answer("watcher", reuse=False), actions.Attach)
        assert attached == [actions.Attach("c-watcher", str(len(lines) - 1), track_id)]
    hall.publish("a", "camera", fresh=True)
    done = hall.answer("watcher", reuse=False)
    assert [one.code for one in of(done, actions.Close)] == ["media_lost"]


def test_an_answer_with_the_id_of_no_offer_is_refused():
    hall = Hall()
    hall.join("watcher")
    assert sent(hall.say("watcher", "subscribed", id=7, sdp=SDP), "watcher", "error")[0]["code"] == "bad_message"


def test_a_client_whose_path_is_dead_is_offered_the_same_lines_with_new_credentials():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("room")
    hall.publish("lead", "camera")
    hall.answer("room")
    before = hall.last_offer("room")
    (offer,) = of(hall.say("room", "restart"), actions.OfferTracks)
    assert (offer.lines, offer.restarts) == (before.lines, True)
    assert not of(hall.answer("room"), actions.Attach)  # what flows goes on
    hall.publish("lead", "camera", "microphone")
    assert not hall.last_offer("room").restarts  # once


def test_a_restart_asked_for_while_an_offer_is_out_follows_its_answer():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("room")
    hall.publish("lead", "camera")
    assert not of(hall.say("room", "restart"), actions.OfferTracks)
    (offer,) = of(hall.answer("room"), actions.OfferTracks)
    assert offer.restarts


def test_there_is_nothing_to_restart_before_the_first_offer():
    hall = Hall()
    hall.join("room")
    assert not of(hall.say("room", "restart"), actions.OfferTracks)
    hall.join("lead", "lead")
    hall.publish("lead", "camera")
    assert not hall.last_offer("room").restarts


def test_publishing_again_keeps_what_stays_and_ends_what_is_missing():
    hall = Hall()
    hall.join("lead", "lead")
    hall.publish("lead", "camera", "microphone")
    done = hall.publish("lead", "microphone", "screen")
    assert of(done, actions.EndTrack) == [actions.EndTrack("c-lead", "t1")]
    assert [one.source for one in of(done, actions.StartTrack)] == ["screen"]


def test_a_fresh_peer_connection_ends_all_earlier_tracks():
    hall = Hall()
    hall.join("lead", "lead")
    hall.publish("lead", "camera")
    done = hall.publish("lead", "camera", fresh=True)
    assert of(done, actions.EndTrack) == [actions.EndTrack("c-lead", "t1")]
    assert [one.track_id for one in of(done, actions.StartTrack)] == ["t2"]


def test_in_a_famous_teacher_lesson_only_the_lead_and_those_on_stage_publish():
    hall = Hall("famous_teacher")
    hall.join("lead", "lead")
    hall.join("village")
    assert sent(hall.publish("village", "camera"), "village", "error")[0]["code"] == "not_allowed"
    done = hall.say("lead", "stage", party_id="village", on=True)
    assert sent(done, "village", "roster")[-1]["may_publish"] is True
    hall.publish("village", "camera")
    assert carried(hall.last_offer("lead")) == {"0": "t1"}
    hall.answer("lead")
    done = hall.say("lead", "stage", party_id="village", on=False)
    assert actions.Detach("c-lead", "0") in done
    assert actions.EndTrack("c-village", "t1") in done
    assert actions.StopPublishing("c-village") in done
    assert sent(done, "village", "roster")[-1]["may_publish"] is False


def test_whoever_goes_on_stage_or_leaves_it_is_told_of_for_the_lessons_next_relay():
    hall = Hall("famous_teacher")
    hall.join("lead", "lead")
    hall.join("village")
    assert of(hall.say("lead", "stage", party_id="village", on=True), actions.TellStage) == [
        actions.TellStage(("village",))
    ]
    assert of(hall.say("lead", "stage", party_id="village", on=True), actions.TellStage) == []
    assert of(hall.feed(events.StageSet("guest", True)), actions.TellStage) == [actions.TellStage(("guest", "village"))]
    assert of(hall.say("lead", "stage", party_id="village", on=False), actions.TellStage) == [
        actions.TellStage(("guest",))
    ]


def test_a_party_on_stage_is_still_on_stage_after_a_reconnect():
    hall = Hall("famous_school")
    hall.feed(events.StageSet("village", True))
    hall.join("village")
    hall.feed(events.Left("c-village", "socket closed"))
    done = hall.join("village")
    assert sent(done, "village", "welcome")[0]["may_publish"] is True


def test_only_the_lead_sets_the_stage_and_shares_a_screen():
    hall = Hall()
    hall.join("village")
    assert (
        sent(hall.say("village", "stage", party_id="village", on=True), "village", "error")[0]["code"] == "not_allowed"
    )
    assert sent(hall.publish("village", "screen"), "village", "error")[0]["code"] == "not_allowed"


def test_staging_someone_who_is_not_there_is_not_found():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("eye", "observer")
    for party_id in ("nobody", "eye"):
        done = hall.say("lead", "stage", party_id=party_id, on=True)
        assert sent(done, "lead", "error")[0]["code"] == "not_found"


def test_observers_receive_and_are_only_counted():
    hall = Hall()
    hall.join("lead", "lead")
    hall.publish("lead", "camera")
    done = hall.join("eye", "observer")
    roster = sent(done, "lead", "roster")[-1]
    assert [one["party_id"] for one in roster["parties"]] == ["lead"]
    assert roster["observers"] == 1
    assert carried(hall.last_offer("eye")) == {"0": "t1"}
    for request in (("hand", {"raised": True}), ("mute", {"source": "camera", "muted": True})):
        assert sent(hall.say("eye", request[0], **request[1]), "eye", "error")[0]["code"] == "not_allowed"
    assert sent(hall.publish("eye", "camera"), "eye", "error")[0]["code"] == "not_allowed"


def test_hands_and_mutes_are_shown_once_for_each_change():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("village")
    done = hall.say("village", "hand", raised=True)
    village = sent(done, "lead", "roster")[0]["parties"][1]
    assert (village["hand_raised"], village["muted"]) == (True, [])
    assert hall.say("village", "hand", raised=True) == []
    done = hall.say("village", "mute", source="microphone", muted=True)
    assert sent(done, "lead", "roster")[0]["parties"][1]["muted"] == ["microphone"]


def test_a_party_that_dropped_out_is_shown_as_not_connected_for_a_while():
    hall = Hall(expected_back_s=60.0)
    hall.join("lead", "lead")
    hall.join("village")
    done = hall.feed(events.Left("c-village", "socket closed"))
    assert sent(done, "lead", "roster")[0]["parties"][1]["connected"] is False
    hall.now += 59
    assert hall.feed(events.Elapsed()) == []
    hall.now += 2
    done = hall.feed(events.Elapsed())
    assert [one["party_id"] for one in sent(done, "lead", "roster")[0]["parties"]] == ["lead"]


def test_who_leaves_on_purpose_is_gone_from_the_roster_at_once():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("village")
    done = hall.say("village", "leave")
    assert [one["party_id"] for one in sent(done, "lead", "roster")[0]["parties"]] == ["lead"]
    assert actions.Close("c-village", "left", "left the lesson") in done
    assert actions.TellLeft("c-village", "village", "left") in done


def test_an_offer_that_is_not_answered_in_time_ends_the_connection():
    hall = Hall(answer_deadline_s=30.0)
    hall.join("village")
    hall.join("lead", "lead")
    hall.publish("lead", "camera")
    hall.now += 29
    assert hall.feed(events.Elapsed()) == []
    hall.now += 2
    done = hall.feed(events.Elapsed())
    assert [one.code for one in of(done, actions.Close)] == ["media_lost"]
    assert hall.room.connection_ids == {"c-lead"}


def test_lost_media_ends_the_connection_and_its_tracks():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("village")
    hall.publish("village", "camera")
    done = hall.feed(events.MediaLost("c-village", "silence"))
    assert actions.EndTrack("c-village", "t1") in done
    assert actions.Close("c-village", "media_lost", "silence") in done
    assert actions.DropMedia("c-village") in done


def test_a_client_may_stop_publishing_and_begin_again():
    hall = Hall()
    hall.join("lead", "lead")
    hall.publish("lead", "camera")
    done = hall.feed(events.PublishingStopped("c-lead"))
    assert of(done, actions.EndTrack) == [actions.EndTrack("c-lead", "t1")]
    assert [one.track_id for one in of(hall.publish("lead", "camera"), actions.StartTrack)] == ["t2"]


def test_recording_is_told_to_everyone_once_for_each_change():
    hall = Hall()
    hall.join("lead", "lead")
    done = hall.feed(events.RecordingSet(True))
    assert sent(done, "lead", "recording") == [{"v": 1, "type": "recording", "active": True, "problem": None}]
    assert hall.feed(events.RecordingSet(True)) == []
    hall.feed(events.RecordingSet(True, "the disk is full"))
    done = hall.join("village")
    assert sent(done, "village", "welcome")[0]["recording"] is True
    assert sent(done, "village", "recording")[0]["problem"] == "the disk is full"


def test_the_end_of_a_lesson_is_told_and_final():
    hall = Hall()
    hall.join("lead", "lead")
    hall.publish("lead", "camera")
    done = hall.feed(events.Ended("the lesson is over"))
    assert sent(done, "lead", "lesson_ended") == [{"v": 1, "type": "lesson_ended", "reason": "the lesson is over"}]
    assert actions.EndTrack("c-lead", "t1") in done
    assert [one.code for one in of(done, actions.Close)] == ["lesson_over"]
    assert hall.say("lead", "ping") == []
    assert sent(hall.join("village"), "village", "error")[0]["code"] == "lesson_over"


def test_a_full_lesson_turns_new_parties_away_but_lets_its_own_come_back():
    hall = Hall(max_connections=1)
    hall.join("lead", "lead")
    done = hall.join("village")
    assert [one.code for one in of(done, actions.Close)] == ["full"]
    hall.join("lead", "lead", connection="c-again")
    assert hall.room.connection_ids == {"c-again"}


def test_a_flood_of_messages_is_limited_and_then_cut_off():
    hall = Hall(message_burst=10, messages_per_second=1.0, max_refused_messages=50)
    hall.join("village")
    done = [action for _ in range(11) for action in hall.say("village", "ping")]
    assert len(sent(done, "village", "pong")) == 10
    assert [one["code"] for one in sent(done, "village", "error")] == ["rate_limited"]
    hall.now += 2
    assert sent(hall.say("village", "ping"), "village", "pong")
    done = [action for _ in range(60) for action in hall.say("village", "ping")]
    assert [one.code for one in of(done, actions.Close)] == ["protocol_error"]
    assert hall.room.connection_ids == frozenset()


def test_a_refused_offer_becomes_an_error_about_it():
    hall = Hall()
    hall.join("lead", "lead")
    done = hall.feed(events.PublishRefused("c-lead", "the SDP is malformed"))
    assert sent(done, "lead", "error") == [
        {"v": 1, "type": "error", "code": "bad_sdp", "message": "the SDP is malformed", "about": "publish"}
    ]


def test_who_has_moved_is_sent_nothing_more_but_is_still_seen_by_the_others():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("village")
    hall.publish("lead", "camera")
    hall.answer("village")
    hall.publish("village", "camera")
    hall.answer("lead")
    assert not hall.room.has_moved
    done = hall.say("village", "moved")
    assert of(done, actions.Detach) == [actions.Detach("c-village", "0")]
    assert of(done, actions.EndTrack) == []
    done = hall.publish("lead", "camera", "microphone")
    assert of(done, actions.OfferTracks) == []
    hall.now += 40  # an answer is not waited for either
    assert of(hall.feed(events.Elapsed()), actions.Close) == []
    assert not hall.room.has_moved
    hall.say("lead", "moved")
    assert hall.room.has_moved


def test_an_answer_that_comes_after_the_move_attaches_nothing():
    hall = Hall()
    hall.join("lead", "lead")
    hall.join("village")
    hall.publish("lead", "camera")
    hall.say("village", "moved")
    assert of(hall.answer("village"), actions.Attach) == []


def test_nobody_left_means_that_everybody_has_moved():
    hall = Hall()
    hall.join("lead", "lead")
    assert not hall.room.has_moved
    hall.say("lead", "leave")
    assert hall.room.has_moved
