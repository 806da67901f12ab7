"""What went by while a room was away is counted from what the lead published then."""

from service.usage.absence import Absence, Taught, find_absences

LEAD = {"user:lead": [Taught(at, at + 5, 5000, 4000) for at in range(0, 100, 5)]}


def reports(*spans: tuple[float, float]) -> list[tuple[float, float]]:
    return [(at, at + 5) for start, end in spans for at in range(int(start), int(end), 5)]


def test_who_was_there_all_the_time_missed_nothing() -> None:
    assert find_absences(reports((0, 100)), LEAD, (0, 100)) == []


def test_a_time_away_in_mid_lesson_counts_what_the_lead_sent_then() -> None:
    (away,) = find_absences(reports((0, 30), (50, 100)), LEAD, None)
    assert away == Absence(30, 50, 20_000, 16_000)


def test_coming_late_and_leaving_early_count_within_the_lesson_only() -> None:
    late, early = find_absences(reports((30, 70)), LEAD, (10, 90))
    assert (late, early) == (Absence(10, 30, 20_000, 16_000), Absence(70, 90, 20_000, 16_000))
    assert find_absences(reports((30, 70)), LEAD, None) == []


def test_pauses_between_reports_are_no_absence() -> None:
    present = [(0.0, 5.0), (5.2, 10.0), (11.0, 60.0)]
    assert find_absences(present, LEAD, (0, 65)) == []


def test_overlapping_connections_of_one_room_are_one_presence() -> None:
    present = [(0.0, 60.0), (20.0, 25.0), (58.0, 100.0)]
    assert find_absences(present, LEAD, (0, 100)) == []


def test_of_several_lead_parties_the_one_that_sent_most_counts() -> None:
    two = {**LEAD, "room:lead": [Taught(30, 50, 1000, 20_000)]}
    (away,) = find_absences(reports((0, 30), (50, 100)), two, None)
    assert (away.picture_ms, away.sound_ms) == (20_000, 20_000)


def test_nothing_is_missed_while_the_lead_sends_nothing() -> None:
    assert find_absences(reports((0, 30), (50, 100)), {"user:lead": [Taught(0, 30, 30_000, 30_000)]}, None) == []


def test_who_never_came_has_no_absences() -> None:
    assert find_absences([], LEAD, (0, 100)) == []
