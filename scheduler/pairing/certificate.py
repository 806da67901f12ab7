"""Writes the certificate of a bound: the relaxation's prices as whole millionths, named by what they are prices of.

Rounding to integers changes the bound a little but cannot make it false; `scheduler.check.certificate` does the sum.
"""

from collections.abc import Iterable
from typing import Any

from scheduler.check.certificate import FORMAT, SCALE, verify
from scheduler.errors import CertificateError
from scheduler.instance.document import fingerprint
from scheduler.instance.snapshot import GRID_MINUTES, Snapshot
from scheduler.pairing.linear_program import Floats, LinearProgram
from scheduler.pairing.problem import Problem

_FAMILIES = {"class_at": "class_at", "school_at": "school_at", "relay_at": "node_at", "teacher_at": "teacher_at",
             "studio_at": "studio_at", "uplink_at": "uplink_at"}  # fmt: skip


def certify(problem: Problem, program: LinearProgram, prices: Floats) -> dict[str, Any]:
    """The certificate as plain JSON values, with the bound it proves."""
    certificate = {"format": FORMAT, "instance": fingerprint(problem.snapshot)} | price_list(problem, program, prices)
    certificate["bound"] = proven_bound(problem.snapshot, certificate)
    return certificate


def price_list(problem: Problem, program: LinearProgram, prices: Floats) -> dict[str, Any]:
    """Whole prices of everything a certificate may price."""
    snapshot = problem.snapshot
    whole = [max(0, round(SCALE * float(price))) for price in prices]
    ids: dict[str, list[str]] = {
        "class_at": [one.id for one in snapshot.classes],
        "school_at": [school.id for school in snapshot.schools],
        "relay_at": [node.id for node in snapshot.nodes],
        "teacher_at": [teacher.id for teacher in snapshot.teachers],
        "studio_at": [studio.id for studio in snapshot.studios],
        "uplink_at": [school.id for school in snapshot.schools],
    }
    certificate: dict[str, Any] = {}
    for name, family in _FAMILIES.items():
        rows = _rows(program, family, whole)
        certificate[name] = [[ids[name][about[0]], about[1] * GRID_MINUTES, price] for about, price in rows]
    series = [one.id for one in snapshot.series]
    certificate["series_day"] = [[series[at], day, price] for (at, day), price in _rows(program, "series_day", whole)]
    certificate["series_week"] = {series[at]: price for at, price in _rows(program, "series_week", whole)}
    certificate["teacher_week"] = {
        snapshot.teachers[at].id: price for at, price in _rows(program, "teacher_week", whole)
    }
    certificate["quarter"] = {snapshot.schools[at].id: price for at, price in _rows(program, "quarter", whole)}
    certificate["together"] = _together_prices(problem, program, whole)
    certificate["seats"] = _seat_prices(problem, program, whole)
    return certificate


def proven_bound(snapshot: Snapshot, certificate: dict[str, Any]) -> int:
    """The bound that a certificate's prices prove, whatever it states."""
    try:
        return verify(snapshot, certificate | {"bound": 10**18})
    except CertificateError as error:  # our own certificate is wrong: a fault of this module, not of an input
        raise AssertionError(str(error)) from error


def _rows(program: LinearProgram, family: str, whole: list[int]) -> Iterable[tuple[Any, int]]:
    rows = program.families[family]
    return [(about, price) for about, price in zip(rows.about, whole[rows.rows], strict=True) if price]


def _seat_prices(problem: Problem, program: LinearProgram, whole: list[int]) -> list[int]:
    """For every demand, candidate and time in order: what attending pays towards the broadcast and its seats."""
    snapshot = problem.snapshot
    attend = whole[program.families["attend_broadcast"].rows]
    seats = whole[program.families["seats"].rows]
    series_at = {series.id: at for at, series in enumerate(snapshot.series)}
    rooms = _room_premiums(problem, program, whole)
    lesson_price: dict[tuple[int, int], int] = {}
    for option, lesson in enumerate(problem.option_lesson):
        demand = problem.option_demand[option]
        node = problem.school_node[problem.demand_school[demand]]
        lesson_price[demand, lesson] = attend[option] + seats[lesson] + rooms.get((lesson, node), 0)
    prices: list[int] = []
    for at, value in enumerate(snapshot.demands):
        for candidate in value.candidates:
            lessons = problem.lessons_of_series(series_at[candidate])
            prices += [lesson_price.get((at, lesson), 0) for lesson in lessons]
    return prices


def _together_prices(problem: Problem, program: LinearProgram, whole: list[int]) -> list[list[Any]]:
    """For every priced list of lessons of a pair: demand, series, which of the series' times, price."""
    snapshot = problem.snapshot
    found: list[list[Any]] = []
    for about, price in _rows(program, "together", whole):
        series = problem.pair_series[about.pair]
        times = [problem.option_lesson[option] - problem.series_first[series] for option in about.options]
        demand = snapshot.demands[problem.pair_demand[about.pair]]
        found.append([demand.id, snapshot.series[series].id, times, price])
    return found


def _room_premiums(problem: Problem, program: LinearProgram, whole: list[int]) -> dict[tuple[int, int], int]:
    """What a room of a lesson at a node pays in the relaxation beyond the node's prices during the lesson.

    The certificate knows no rooms, so the rest is paid as part of the seat, of which a lesson sells only so many.
    """
    moments: dict[int, list[tuple[int, int]]] = {}
    for (node, at), price in _rows(program, "node_at", whole):
        moments.setdefault(node, []).append((at, price))
    premiums: dict[tuple[int, int], int] = {}
    for (lesson, node), price in _rows(program, "room", whole):
        start, end = problem.lesson_start[lesson], problem.lesson_end[lesson]
        paid = sum(cost for at, cost in moments.get(node, ()) if start <= at < end)
        premiums[lesson, node] = max(0, price - paid)
    return premiums
