"""How events of one party add up, whatever is lost in between."""

from media.contract import Delivered, PartyJoined, PartyLeft, Published
from service.usage.attendance import Attendance, fold


def joined(connection: str, at: float) -> PartyJoined:
    return PartyJoined(lesson_id="l", party_id="room:r", connection_id=connection, role="room", at=at)


def left(connection: str, at: float) -> PartyLeft:
    return PartyLeft(lesson_id="l", party_id="room:r", connection_id=connection, reason="left", at=at)


def delivered(from_at: float, to_at: float, picture_ms: int = 0, sound_ms: int = 0) -> Delivered:
    return Delivered(
        lesson_id="l",
        party_id="room:r",
        from_at=from_at,
        to_at=to_at,
        lead_picture_ms=picture_ms,
        lead_sound_ms=sound_ms,
        picture_bytes=1,
        sound_bytes=1,
    )


def total(*events: PartyJoined | PartyLeft | Delivered | Published) -> Attendance:
    attendance = Attendance()
    for event in events:
        attendance = fold(attendance, event)
    return attendance


def test_time_between_joining_and_leaving_counts() -> None:
    attendance = total(joined("a", 100), left("a", 160))
    assert (attendance.joins, attendance.connected_ms) == (1, 60_000)
    assert (attendance.joined_at, attendance.left_at) == (100, 160)


def test_two_connections_one_after_the_other_add_up_without_the_pause() -> None:
    attendance = total(joined("a", 100), left("a", 160), joined("b", 200), left("b", 230))
    assert (attendance.joins, attendance.connected_ms) == (2, 90_000)
    assert (attendance.joined_at, attendance.left_at) == (100, 230)


def test_a_replaced_connection_is_not_counted_twice_in_either_order() -> None:
    one = total(joined("a", 100), delivered(100, 130), left("a", 130), joined("b", 130), left("b", 150))
    other = total(joined("a", 100), delivered(100, 130), joined("b", 130), left("a", 130), left("b", 150))
    assert one.connected_ms == other.connected_ms == 50_000


def test_a_connection_whose_end_was_never_told_counts_as_far_as_it_was_seen() -> None:
    attendance = total(joined("a", 100), delivered(100, 105), delivered(105, 110), joined("b", 300), left("b", 310))
    assert attendance.connected_ms == 20_000
    still_open = total(joined("a", 100), delivered(100, 105))
    assert (still_open.connected_ms, still_open.connected_until_now_ms) == (0, 5_000)


def test_delivered_and_published_time_add_up() -> None:
    published = Published(lesson_id="l", party_id="room:r", from_at=100, to_at=105, picture_ms=3000, sound_ms=5000)
    attendance = total(joined("a", 100), delivered(100, 105, 4900, 5000), delivered(105, 110, 5000, 0), published)
    assert (attendance.lead_picture_ms, attendance.lead_sound_ms, attendance.published_ms) == (9900, 5000, 5000)
