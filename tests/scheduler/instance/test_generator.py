import itertools

import pytest

from scheduler.check.week_plan import free_place
from scheduler.errors import SnapshotError
from scheduler.instance.assumptions import LOOSE
from scheduler.instance.document import fingerprint
from scheduler.instance.generator import generate


def test_the_same_size_and_seed_give_the_same_instance_and_another_seed_another() -> None:
    assert fingerprint(generate("1/20", 7)) == fingerprint(generate("1/20", 7))
    assert fingerprint(generate("1/20", 7)) != fingerprint(generate("1/20", 8))
    assert fingerprint(generate("1/20", 7)) != fingerprint(generate("1/20", 7, LOOSE))


def test_a_twentieth_has_about_a_twentieth_of_the_schools_and_exactly_of_the_studios() -> None:
    snapshot = generate("1/20", 7)
    assert 55 <= len(snapshot.schools) <= 75
    assert len(snapshot.studios) == round(739 / 20)
    assert len({school.county for school in snapshot.schools}) == 8


def test_every_candidate_has_a_lesson_its_class_can_attend_and_is_another_school() -> None:
    snapshot = generate("1/20", 7)
    for demand in snapshot.demands:
        one = snapshot.class_of[demand.class_id]
        school = snapshot.school_of[one.school]
        for candidate in demand.candidates:
            series = snapshot.series_of[candidate]
            places = [free_place(one.free, school.breaks, start, end) for start, end in series.times]
            assert any(place is not None for place in places)
            assert snapshot.teacher_of[series.teacher].school != school.id


def test_a_teachers_own_classes_never_overlap() -> None:
    snapshot = generate("1/20", 7)
    hours: dict[str, list[tuple[int, int]]] = {}
    for series in snapshot.series:
        if series.kind == "fixed":
            hours.setdefault(series.teacher, []).extend(series.times)
    for times in hours.values():
        ordered = sorted(times)
        assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(ordered))


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(SnapshotError, match="1/20, 1/4, full"):
        generate("half", 1)
