import ast
from dataclasses import replace
from pathlib import Path

import pytest

import scheduler.check
from scheduler.check.week_plan import Pairing, count_plan, free_place
from scheduler.instance.snapshot import (
    Demand,
    LeadSeries,
    PinnedPairing,
    RelayNode,
    School,
    SchoolClass,
    Snapshot,
    Studio,
    Teacher,
)

NINE, TEN = (540, 580), (600, 640)
TUESDAY_NINE = (1980, 2020)
INSTANCE = Snapshot(
    "hand made",
    (RelayNode("n", 2),),
    (
        School("town", "x", "n", 4, 40_000, 12_000),
        School("village", "x", "n", 1, 40_000, 0, ((580, 590),)),
        School("hill", "y", "n", 2, 4_000, 0),
    ),
    (Teacher("t", "town", 2),),
    (Studio("st", "town"),),
    (
        LeadSeries("c", "fixed", "t", "st", "music", 1, "A", 1, 2, (NINE, TUESDAY_NINE)),
        LeadSeries("e", "dedicated", "t", "st", "music", 1, "B", 2, 1, (NINE, TEN, TUESDAY_NINE)),
    ),
    (SchoolClass("k", "village", (NINE, TEN, TUESDAY_NINE)), SchoolClass("m", "village", (NINE, TEN))),
    (
        Demand("dk", "k", "music", 1, "A", 2, ("c", "e"), "t"),
        Demand("dm", "m", "music", 1, "A", 2, ("c", "e")),
    ),
    frozenset({("village", "town")}),
)


def rules(*pairings: Pairing, instance: Snapshot = INSTANCE) -> set[str]:
    return {violation.rule for violation in count_plan(instance, pairings).violations}


def test_the_score_is_summed_as_published() -> None:
    count = count_plan(INSTANCE, [Pairing("dk", "c", (0, 1))])
    assert count.violations == ()
    # 2 lessons, first lesson, kept lead, pact and county for each, first half of the need of 4, 2 broadcasts
    assert count.score == 2 * 100 + 40 + 2 * (12 + 8 + 6) + (60 + 40) - 2 * 5
    assert (count.lessons, float(count.coverage), float(count.shares["village"])) == (2, 0.5, 0.5)


def test_another_edition_costs_points_in_music() -> None:
    same, other = (count_plan(INSTANCE, [Pairing("dm", series, (0,))]).score for series in ("c", "e"))
    assert other - same == -4


@pytest.mark.parametrize(
    ("pairings", "broken"),
    [
        ([Pairing("dk", "c", (0,)), Pairing("dk", "e", (1,))], {"one_lead"}),
        ([Pairing("dk", "x", (0,))], {"unknown"}),
        ([Pairing("x", "c", (0,))], {"unknown"}),
        ([Pairing("dk", "c", (2,))], {"unknown"}),
        ([Pairing("dk", "c", (-1,))], {"unknown"}),
        ([Pairing("dk", "c", ())], {"unknown"}),
        ([Pairing("dk", "c", (0, 0))], {"unknown"}),
        ([Pairing("dm", "c", (1,))], {"free_time"}),
        ([Pairing("dk", "c", (0,)), Pairing("dm", "c", (0,))], {"seats", "school_at_once"}),
        ([Pairing("dk", "e", (0,)), Pairing("dm", "e", (0,))], {"school_at_once"}),
        ([Pairing("dk", "e", (0, 1))], {"series_limit", "series_day"}),
        ([Pairing("dk", "c", (0,)), Pairing("dm", "e", (0,))], {"teacher_at_once", "studio_at_once", "school_at_once"}),
        ([Pairing("dk", "c", (0, 1)), Pairing("dm", "e", (1,))], {"teacher_limit"}),
    ],
)
def test_each_broken_rule_is_named(pairings: list[Pairing], broken: set[str]) -> None:
    assert rules(*pairings) == broken


def test_a_demand_may_not_get_more_than_it_needs() -> None:
    demands = (replace(INSTANCE.demands[0], lessons=1), INSTANCE.demands[1])
    assert rules(Pairing("dk", "c", (0, 1)), instance=replace(INSTANCE, demands=demands)) == {"need"}


def test_a_full_relay_and_a_thin_uplink_are_named() -> None:
    full = replace(INSTANCE, nodes=(RelayNode("n", 0),))
    assert rules(Pairing("dk", "c", (0,)), instance=full) == {"relay_at_once"}
    thin = replace(INSTANCE, schools=(replace(INSTANCE.schools[0], up_kbps=5_999), *INSTANCE.schools[1:]))
    assert rules(Pairing("dk", "c", (0,)), instance=thin) == {"uplink_at_once"}


def test_a_pinned_pairing_must_be_there() -> None:
    pinned = replace(INSTANCE, pinned=(PinnedPairing("dk", "c", (1,)),))
    assert rules(Pairing("dk", "c", (0,)), instance=pinned) == {"pinned"}
    assert rules(Pairing("dk", "c", (0, 1)), instance=pinned) == set()


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (540, 580, 0),
        (545, 585, 1),  # eats five minutes of the short break
        (550, 590, 2),
        (535, 575, None),  # begins before the free period, where there is no break
        (555, 595, None),  # over the break into the next period
        (560, 590, None),  # only two thirds lie in the free period
    ],
)
def test_a_lesson_may_eat_a_short_break_and_lies_in_a_free_period_by_three_quarters(
    start: int, end: int, place: int | None
) -> None:
    assert free_place([NINE], [(580, 590)], start, end) == place


def test_a_long_break_may_not_be_eaten() -> None:
    assert free_place([NINE], [(580, 610)], 545, 585) is None


def test_the_check_shares_no_code_with_the_engine() -> None:
    for path in Path(scheduler.check.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                assert not str(module).startswith(("scheduler.pairing", "scheduler.instance.week", "ortools"))
