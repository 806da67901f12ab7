"""What a lesson's receivers are sent, what publishers are asked for, and what rooms and the service are told."""

from typing import Any

import pytest

from media.contract import Party, SchoolLine
from media.forwarder import api as core
from media.relay.lesson_lines import REMEMBERED_S, LessonLines
from media.relay.line_parties import LARGE_HEIGHT, TrackFacts
from media.relay.school_shares import SchoolShares
from media.relay.wanted_layers import UNWANTED_S

LEAD = Party(party_id="room:lead", role="lead", name="Lead")
ROOM = Party(party_id="room:r", role="room", name="Room", school="S")
NOTHING = core.Statistics({}, {}, {})


class Desk:
    """A lesson's lines, all they say caught: the lead's camera (two layers), sound and screen go to one room."""

    def __init__(self, *, reports: bool = True, line: SchoolLine | None = None) -> None:
        self.commands: list[core.Command] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.emitted: list[Any] = []
        self.shares = SchoolShares()
        self.now = 0.0
        self.lines = LessonLines(
            "l1",
            self.commands.append,
            self.shares,
            tell=lambda connection, message: self.told.append((connection, message)),
            emit=self.emitted.append,
            wall=lambda: 1000.0 + self.now,
        )
        self.shares.open("c-room", line)
        for stream, (source, kind, layers) in enumerate(
            [("microphone", "audio", 1), ("camera", "video", 2), ("screen", "video", 1)], start=1
        ):
            self.lines.add_track(
                TrackFacts(
                    track_id=source, stream=stream, connection_id="c-lead", party=LEAD, source=source,  # type: ignore[arg-type]
                    kind=kind, layers=layers, slow=False,  # type: ignore[arg-type]
                )
            )  # fmt: skip
        self.lines.open_receiver("c-room", ROOM, 7, 0.0, reports=reports)
        for sink, track_id in ((11, "microphone"), (12, "camera"), (13, "screen")):
            self.lines.add_sink("c-room", sink, track_id, 0.0)

    def report(self, bps: float, *, queue_ms: float = 0.0, lost: int = 0) -> None:
        bits = int(bps * 0.2)
        self.lines.heard(
            "c-room", core.ReceiverWindow(7, self.now, 200.0, bits, bits, 40, lost, queue_ms, False, queue_ms), self.now
        )

    def probed(self) -> None:
        """The last probe went through."""
        probe = next(one for one in reversed(self.commands) if isinstance(one, core.Probe))
        bits = probe.bits_per_second * probe.duration_ms // 1000
        result = core.ProbeResult(7, self.now, bits, bits, float(probe.duration_ms), 0, 0.0, 0.0)
        self.lines.heard("c-room", result, self.now)

    def good_line(self) -> None:
        for _ in range(5):
            self.now += 1.0
            self.report(600_000)
            self.lines.sample(NOTHING, self.now)
            if any(isinstance(one, core.Probe) for one in self.commands):
                self.probed()
                self.commands[:] = [one for one in self.commands if not isinstance(one, core.Probe)]
        self.lines.sample(NOTHING, self.now)

    def sent(self) -> dict[int, int | None]:
        """By sink the layer it gets; None: paused."""
        found: dict[int, int | None] = {11: 0, 12: 0, 13: 0}
        layer = dict(found)
        for one in self.commands:
            if isinstance(one, core.SetSinkLayer):
                layer[one.sink] = found[one.sink] = one.layer
            elif isinstance(one, core.SetSinkActive):
                found[one.sink] = layer[one.sink] if one.active else None
        return found


def test_a_line_nothing_is_known_of_gets_everything() -> None:
    assert Desk(reports=False).sent() == {11: 0, 12: 1, 13: 0}


def test_a_new_line_begins_small_and_grows_by_probes() -> None:
    desk = Desk()
    assert desk.sent()[12] in (0, None)
    desk.good_line()
    assert desk.sent() == {11: 0, 12: 1, 13: 0}
    assert any(isinstance(one, core.SetPeerRate) and one.peer == 7 for one in desk.commands)


def test_a_line_that_fills_up_loses_pictures_and_never_the_sound() -> None:
    desk = Desk()
    desk.good_line()
    for _ in range(20):
        desk.now += 0.2
        desk.report(120_000, queue_ms=300.0)
    assert desk.sent() == {11: 0, 12: None, 13: None}
    desk.now += 2.0
    desk.lines.sample(NOTHING, desk.now)
    _, message = next(one for one in reversed(desk.told) if one[1]["type"] == "line")
    assert message["reason"] == "line"
    assert {one["track_id"]: one["state"] for one in message["tracks"]} == {"camera": "paused", "screen": "paused"}
    state = desk.emitted[-1]
    assert (state.party_id, state.picture, state.screen, state.reason) == ("room:r", "paused", "paused", "line")
    assert state.at == 1000.0 + desk.now


def test_a_line_that_becomes_narrow_keeps_a_small_picture_and_its_publisher_is_asked_at_once_to_make_it_fit() -> None:
    desk = Desk()
    desk.lines.looked("c-room", {"camera": 900}, 0.0)
    desk.good_line()
    assert desk.sent()[12] == 1
    desk.told.clear()
    desk.now += 0.2
    desk.report(600_000, queue_ms=300.0)
    assert 200_000 < desk.lines._receivers["c-room"].line.budget_bps < 400_000
    assert desk.sent()[12] == 0
    (asked,) = (message for _, message in desk.told if message["type"] == "wanted" and message["source"] == "camera")
    assert 120 <= asked["kbps"] < 350


@pytest.mark.parametrize(("gone_s", "at_once"), [(40.0, True), (REMEMBERED_S + 5.0, False)])
def test_who_comes_back_after_an_outage_is_asked_at_once_about_all_the_line_carried(
    gone_s: float, at_once: bool
) -> None:
    desk = Desk()
    desk.good_line()
    for _ in range(20):  # nothing is heard any more
        desk.now += 0.5
        desk.lines.sample(NOTHING, desk.now)
    desk.lines.close_receiver("c-room", desk.now)
    desk.commands.clear()
    desk.now += gone_s
    desk.lines.open_receiver("c-again", ROOM, 8, desk.now, reports=True)
    for sink, track_id in ((21, "microphone"), (22, "camera"), (23, "screen")):
        desk.lines.add_sink("c-again", sink, track_id, desk.now)
    desk.now += 0.3
    desk.lines.heard(
        "c-again", core.ReceiverWindow(8, desk.now, 200.0, 60_000, 60_000, 40, 0, 0.0, False, 0.0), desk.now
    )
    desk.lines.sample(NOTHING, desk.now)
    probe = next(one for one in desk.commands if isinstance(one, core.Probe))
    assert (probe.bits_per_second > 1_900_000) == at_once


def test_who_shows_a_picture_small_or_not_at_all_gets_no_more_than_that() -> None:
    desk = Desk(reports=False)
    desk.lines.looked("c-room", {"camera": LARGE_HEIGHT - 1, "screen": 900}, 1.0)
    assert desk.sent() == {11: 0, 12: 0, 13: 0}
    desk.lines.looked("c-room", {"screen": 900}, 2.0)
    assert desk.sent() == {11: 0, 12: None, 13: 0}
    desk.lines.looked("c-room", {"camera": 900, "screen": 900}, 2.1)
    assert desk.sent() == {11: 0, 12: 1, 13: 0}


def test_what_a_client_says_of_sizes_before_it_receives_anything_counts() -> None:
    desk = Desk(reports=False)
    desk.lines.looked("c-early", {"camera": 100, "screen": 900}, 1.0)
    desk.lines.open_receiver("c-early", ROOM, 9, 1.2, reports=False)
    for sink, track_id in ((21, "microphone"), (22, "camera"), (23, "screen")):
        desk.lines.add_sink("c-early", sink, track_id, 1.2)
    layers = [one.layer for one in desk.commands if isinstance(one, core.SetSinkLayer) and one.sink == 22]
    assert layers == [0]


def wanted(desk: Desk) -> list[int]:
    return [
        message["layers"] for _, message in desk.told if message["type"] == "wanted" and message["source"] == "camera"
    ]


@pytest.mark.parametrize(("recorded", "asked"), [(False, [2, 1, 0, 2]), (True, [2])])
def test_publishers_are_asked_only_for_what_somebody_is_sent_or_is_recorded(recorded: bool, asked: list[int]) -> None:
    desk = Desk(reports=False)
    desk.lines.wanted.recorded = lambda _track_id: recorded
    for height in (900, 100, 0, 900):
        desk.lines.looked("c-room", {"camera": height}, desk.now)
        for _ in range(int(UNWANTED_S) + 2):
            desk.now += 1.0
            desk.lines.sample(NOTHING, desk.now)
    assert wanted(desk) == asked
    assert {connection for connection, message in desk.told if message["type"] == "wanted"} == {"c-lead"}


def test_a_room_whose_line_loses_packets_is_told_at_once_to_wait_for_repairs_and_when_that_is_over() -> None:
    desk = Desk()
    desk.good_line()
    waits = []
    for second in range(20):
        for _ in range(5):
            desk.now += 0.2
            desk.report(1_500_000, lost=6 if second < 4 else 0)
        desk.lines.sample(NOTHING, desk.now)
        waits.append([one[1]["wait_ms"] for one in desk.told if one[1]["type"] == "line"][-1])
    assert waits[1] > 250
    assert waits[-1] == 0
    # Nothing is told again and again.
    assert len({id(one[1]) for one in desk.told if one[1]["type"] == "line"}) <= 6


def test_a_schools_line_is_a_ceiling_and_the_room_is_told_so() -> None:
    desk = Desk(line=SchoolLine(school_id="s", down_kbps=1000, up_kbps=1000))
    desk.shares.open("other room", SchoolLine(school_id="s", down_kbps=1000, up_kbps=1000))
    desk.shares.note_demand("other room", 5e6)
    desk.shares.split()
    desk.good_line()
    assert desk.shares.ceiling_bps("c-room") == pytest.approx(475_000)
    assert desk.sent()[12] != 1
    _, message = next(one for one in reversed(desk.told) if one[1]["type"] == "line")
    assert message["reason"] == "ceiling"


def test_the_share_of_a_room_that_left_goes_to_the_other() -> None:
    shares = SchoolShares()
    for room in ("a", "b"):
        shares.open(room, SchoolLine(school_id="s", down_kbps=4000, up_kbps=0))
        shares.note_demand(room, 3e6)
    shares.split()
    assert shares.ceiling_bps("a") == pytest.approx(1.9e6)
    shares.close("b")
    shares.split()
    assert shares.ceiling_bps("a") == pytest.approx(3.8e6)
    assert shares.ceiling_bps("b") is None


def asked_kbps(desk: Desk) -> list[int | None]:
    return [message.get("kbps") for _, message in desk.told if message["type"] == "wanted"]


class Narrow(Desk):
    """The lead's camera and sound only, over a line that fills up at `line_bps`."""

    def __init__(self) -> None:
        super().__init__()
        self.lines.remove_sink("c-room", 13)
        self.lines.remove_track("screen")

    def settle(self, line_bps: float, seconds: float = 12.0) -> None:
        for step in range(int(seconds * 5)):
            self.now += 0.2
            self.report(line_bps, queue_ms=250.0 if step % 10 == 0 else 0.0)
            if step % 3 == 0:
                self.lines.sample(NOTHING, self.now)


def test_a_narrow_line_is_filled_by_a_better_lowest_layer_and_a_narrower_one_by_a_cheaper() -> None:
    desk = Narrow()
    desk.settle(900_000)
    assert desk.sent()[12] == 0
    better = asked_kbps(desk)[-1]
    assert better is not None and 450 <= better <= 900
    desk.settle(300_000)
    assert desk.sent()[12] == 0
    cheaper = asked_kbps(desk)[-1]
    assert cheaper is not None and 120 <= cheaper <= 260
    assert desk.commands.count(core.SetSinkActive(12, False)) == 0


def test_a_line_that_carries_all_asks_the_publisher_for_nothing_less() -> None:
    desk = Desk()
    desk.good_line()
    assert asked_kbps(desk)[-1] is None


@pytest.mark.parametrize(("height", "layer"), [(250, 1), (150, 0)])
def test_who_shows_a_picture_small_does_not_see_less_of_it_for_another_rooms_weak_line(height: int, layer: int) -> None:
    desk = Narrow()
    desk.lines.open_receiver("c-fibre", ROOM, 8, 0.0, reports=False)
    desk.lines.add_sink("c-fibre", 22, "camera", 0.0)
    for room in ("c-room", "c-fibre"):
        desk.lines.looked(room, {"camera": height}, 0.0)
    desk.settle(900_000)
    usual = desk.commands[:]
    assert [one.layer for one in usual if isinstance(one, core.SetSinkLayer) and one.sink == 22][-1] == 0
    desk.settle(300_000)
    assert (asked_kbps(desk)[-1] or 350) < 262
    assert desk.sent()[12] == 0
    layers = [one.layer for one in desk.commands if isinstance(one, core.SetSinkLayer) and one.sink == 22]
    assert layers[-1] == layer
    # The weak line is not asked for the better layer.
    assert desk.lines._receivers["c-room"].most_layers(desk.lines._tracks["camera"]) == 1
    desk.settle(900_000, 40.0)
    layers = [one.layer for one in desk.commands if isinstance(one, core.SetSinkLayer) and one.sink == 22]
    assert layers[-1] == 0
    assert len(layers) <= 4


def repeated(desk: Desk) -> list[core.SetSinkRepeat]:
    return [one for one in desk.commands if isinstance(one, core.SetSinkRepeat)]


def test_sound_goes_out_twice_over_a_line_that_loses_packets_and_once_when_it_recovered() -> None:
    desk = Desk()
    for lost, seconds in ((0, 3), (4, 6), (0, 16)):
        for _ in range(5 * seconds):
            desk.now += 0.2
            desk.report(400_000, lost=lost)
        desk.lines.sample(NOTHING, desk.now)
    assert repeated(desk) == [core.SetSinkRepeat(11, True), core.SetSinkRepeat(11, False)]


def test_sound_is_not_repeated_into_a_line_that_loses_packets_because_it_is_full() -> None:
    desk = Desk()
    for _ in range(40):
        desk.now += 0.2
        desk.report(200_000, queue_ms=300.0, lost=10)
        desk.lines.sample(NOTHING, desk.now)
    assert repeated(desk) == []


def counters(*layer_bytes: int) -> core.Statistics:
    layers = tuple(
        core.LayerStatistics(number, size // 1000, size, 0.0, None) for number, size in enumerate(layer_bytes)
    )
    camera = core.StreamStatistics(sum(layer_bytes) // 1000, sum(layer_bytes), 0, 0, 0, 0, 0.0, layers)
    return core.Statistics({2: camera}, {}, {})


def test_a_picture_that_the_lead_sends_small_is_told_as_the_senders() -> None:
    desk = Desk(reports=False)
    reasons = {}
    for second in range(1, 31):
        desk.now = float(second)
        best = 100_000 * min(second, 10) + 100_000 * max(0, second - 20)
        desk.lines.sample(counters(20_000 * second, best), desk.now)
        _, message = next(one for one in reversed(desk.told) if one[1]["type"] == "line")
        reasons[second] = (message["reason"], {one["track_id"]: one["state"] for one in message["tracks"]}["camera"])
    assert reasons[10] == ("none", "full")
    assert reasons[18] == ("sender", "small")
    assert reasons[28] == ("none", "full")


@pytest.mark.parametrize(
    ("up_kbps", "layers", "kbps"), [(0, 2, None), (10_000, 2, None), (1_500, 1, None), (600, 1, 220)]
)
def test_what_a_publisher_is_asked_for_fits_its_schools_line_upwards(
    up_kbps: int, layers: int, kbps: int | None
) -> None:
    desk = Desk(reports=False)
    desk.shares.open("c-lead", SchoolLine(school_id="S", down_kbps=0, up_kbps=up_kbps))
    for _ in range(20):
        desk.now += 0.5
        desk.shares.split()
        desk.lines.sample(NOTHING, desk.now)
    _, message = next(one for one in reversed(desk.told) if one[1].get("source") == "camera")
    assert message["layers"] == layers
    assert message.get("kbps") == (None if kbps is None else pytest.approx(kbps, rel=0.15))


def test_two_rooms_of_a_school_share_its_line_upwards() -> None:
    shares = SchoolShares()
    for connection_id, demand in (("a", 300_000), ("b", 2_000_000)):
        shares.open(connection_id, SchoolLine(school_id="S", down_kbps=0, up_kbps=1_000))
        shares.note_up_demand(connection_id, demand)
    shares.split()
    assert shares.up_ceiling_bps("a") == pytest.approx(300_000)
    assert shares.up_ceiling_bps("b") == pytest.approx(650_000)
    assert shares.ceiling_bps("a") is None
