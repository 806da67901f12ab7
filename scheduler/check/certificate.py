"""Verifies a bound's certificate: prices of what is scarce, from which anyone can work out the bound in exact integers.

Take any prices of at least 0. Whoever uses a seat, a teacher's hour, a class's or a relay's time pays its price; then
each demand by itself picks its best lead and lessons, each lesson by itself its best-paying seats, each school its
quarters. What they gain together, plus the prices of all there is, is at least the score of every plan (Lagrangian
duality). So wrong prices can only make the bound worse, never false; what must be checked is the sum.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from scheduler.check.together import best_attended, best_held, countable, mask_of_lessons
from scheduler.check.week_plan import free_place
from scheduler.errors import CertificateError
from scheduler.instance.document import fingerprint
from scheduler.instance.snapshot import DAY_MINUTES, Demand, LeadSeries, Snapshot

FORMAT = "three-classrooms-certificate"
SCALE = 1_000_000
LARGEST_PRICE = 10**9 * SCALE
_NAMED = ("teacher_week", "series_week", "quarter")
_TIMED = ("class_at", "school_at", "relay_at", "teacher_at", "studio_at", "uplink_at", "series_day")


def verify(snapshot: Snapshot, certificate: object) -> int:
    """The bound that the certificate proves, in whole points; every plan of the instance scores at most that.

    Raises CertificateError if it is malformed, made for another instance, or states a smaller bound than it proves.
    """
    if not isinstance(certificate, dict) or certificate.get("format") != FORMAT:
        raise CertificateError("this is not a certificate")
    if certificate.get("instance") != fingerprint(snapshot):
        raise CertificateError("the certificate was made for another instance")
    stated = _whole("bound", certificate.get("bound"))
    proven = proven_points(snapshot, Prices(snapshot, certificate)) // SCALE
    if stated < proven:
        raise CertificateError(f"the certificate states the bound {stated} but its prices only prove {proven}")
    return proven


class Prices:
    """The prices of a certificate, checked for their shape: known names, whole numbers, none below 0."""

    def __init__(self, snapshot: Snapshot, certificate: Mapping[str, Any]) -> None:
        known = _known_ids(snapshot)
        self.named = {name: self._read_named(certificate.get(name), name, known[name]) for name in _NAMED}
        self.timed = {name: self._read_timed(certificate.get(name), name, known[name]) for name in _TIMED}
        self.seats = [_price("seats", price) for price in _list(certificate.get("seats"), "seats")]
        series = snapshot.series_of
        places = sum(len(series[candidate].times) for demand in snapshot.demands for candidate in demand.candidates)
        if len(self.seats) != places:
            raise CertificateError(f"the certificate prices {len(self.seats)} seats instead of {places}")
        self.together: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        self.together_of_series: dict[str, dict[int, int]] = defaultdict(dict)
        candidates = {demand.id: frozenset(demand.candidates) for demand in snapshot.demands}
        for entry in _list(certificate.get("together", []), "together"):
            self._read_together(snapshot, candidates, entry)

    def _read_together(self, snapshot: Snapshot, candidates: Mapping[str, frozenset[str]], entry: object) -> None:
        if not isinstance(entry, list) or len(entry) != 4 or not all(isinstance(name, str) for name in entry[:2]):
            raise CertificateError(f"together: {entry!r} is not [demand, series, times, price]")
        demand, identity, times, price = entry
        if identity not in candidates.get(demand, ()):
            raise CertificateError(f"together: series {identity!r} is no candidate of demand {demand!r}")
        series = snapshot.series_of[identity]
        days = [start // DAY_MINUTES for start, _ in series.times]
        if series.kind != "dedicated" or not countable(days, _most_lessons(snapshot, series)):
            raise CertificateError(f"together: the lessons of series {identity} are too many, or not chosen from")
        known = frozenset(range(len(days)))
        if not isinstance(times, list) or len(times) < 2 or any(type(time) is not int for time in times):
            raise CertificateError(f"together: {times!r} is not a list of two times or more")
        if len(set(times)) != len(times) or not known.issuperset(times):
            raise CertificateError(f"together: {times!r} are not different times of series {identity}")
        wanted = mask_of_lessons(times)
        if wanted in self.together[demand, identity]:
            raise CertificateError(f"together: {demand} and {identity} are priced twice at {times}")
        self.together[demand, identity][wanted] = _price("together", price)
        of_series = self.together_of_series[identity]
        of_series[wanted] = of_series.get(wanted, 0) + price

    def _read_named(self, value: object, name: str, known: frozenset[str]) -> dict[str, int]:
        if not isinstance(value, dict):
            raise CertificateError(f"{name} is not an object")
        for identity in value:
            if identity not in known:
                raise CertificateError(f"{name}: {identity!r} is not in the instance")
        return {identity: _price(name, price) for identity, price in value.items()}

    def _read_timed(self, value: object, name: str, known: frozenset[str]) -> dict[str, "_Moments"]:
        by_id: dict[str, dict[int, int]] = defaultdict(dict)
        for entry in _list(value, name):
            if not isinstance(entry, list) or len(entry) != 3 or entry[0] not in known:
                raise CertificateError(f"{name}: {entry!r} is not [known id, moment, price]")
            moment = _whole(name, entry[1])
            if moment in by_id[entry[0]]:
                raise CertificateError(f"{name}: {entry[0]} is priced twice at {moment}")
            by_id[entry[0]][moment] = _price(name, entry[2])
        return {identity: _Moments(moments) for identity, moments in by_id.items()}


class _Moments:
    """Prices at moments; what a span of time costs is the sum of the moments in it."""

    def __init__(self, moments: Mapping[int, int]) -> None:
        self._at = sorted(moments)
        self._sums = [0, *accumulate(moments[at] for at in self._at)]

    def between(self, start: int, end: int) -> int:
        """The price of [start, end)."""
        return self._sums[bisect_left(self._at, end)] - self._sums[bisect_left(self._at, start)]

    @property
    def total(self) -> int:
        """The price of all moments."""
        return self._sums[-1]


_FREE = _Moments({})


def proven_points(snapshot: Snapshot, prices: Prices) -> int:
    """The bound that the prices prove, in parts of a point (see SCALE)."""
    incomes: dict[tuple[str, int], list[int]] = defaultdict(list)
    total = sum(_best_of_demand(snapshot, prices, demand, seats, incomes) for demand, seats in _seats(snapshot, prices))
    total += sum(_best_of_series(snapshot, prices, series, incomes) for series in snapshot.series)
    weights = snapshot.weights.quarters
    for school, need in snapshot.need_of_school.items():
        price = prices.named["quarter"].get(school, 0)
        for quarter in range(4):
            lessons = (quarter + 1) * need // 4 - quarter * need // 4
            total += lessons * max(0, weights[quarter] * SCALE - price)
    return total + _all_there_is(snapshot, prices)


def _seats(snapshot: Snapshot, prices: Prices) -> Iterator[tuple[Demand, list[Sequence[int]]]]:
    """Each demand with the seat prices of each of its candidates' times."""
    at = 0
    for demand in snapshot.demands:
        own: list[Sequence[int]] = []
        for candidate in demand.candidates:
            length = len(snapshot.series_of[candidate].times)
            own.append(prices.seats[at : at + length])
            at += length
        yield demand, own


def _best_of_demand(
    snapshot: Snapshot,
    prices: Prices,
    demand: Demand,
    seats: list[Sequence[int]],
    incomes: dict[tuple[str, int], list[int]],
) -> int:
    """The most this demand can gain with one lead; notes what each seat it could take would pay the lesson."""
    one = snapshot.class_of[demand.class_id]
    school = snapshot.school_of[one.school]
    weights = snapshot.weights
    times = [prices.timed[name].get(key, _FREE) for name, key in
             (("class_at", one.id), ("school_at", school.id), ("relay_at", school.node))]  # fmt: skip
    places: dict[tuple[int, int], int | None] = {}
    best = 0
    for candidate, own in zip(demand.candidates, seats, strict=True):
        series = snapshot.series_of[candidate]
        base = _points(snapshot, demand, series) * SCALE + prices.named["quarter"].get(school.id, 0)
        worths: dict[int, int] = {}
        for index, ((start, end), seat) in enumerate(zip(series.times, own, strict=True)):
            if (start, end) not in places:
                places[start, end] = free_place(one.free, school.breaks, start, end)
            place = places[start, end]
            if place is not None:
                cost = seat + sum(moments.between(start, end) for moments in times)
                worths[index] = base + weights.late_step * place * SCALE - cost
                incomes[candidate, index].append(seat)
        if worths:
            together = prices.together.get((demand.id, candidate), {})
            best = max(best, weights.first_lesson * SCALE + _best_of_pair(snapshot, demand, series, worths, together))
    return best


def _best_of_pair(
    snapshot: Snapshot, demand: Demand, series: LeadSeries, worths: Mapping[int, int], together: Mapping[int, int]
) -> int:
    """The most that lessons of this lead are worth to the demand, at least one: of a dedicated series one a day."""
    most = min(demand.lessons, _most_lessons(snapshot, series))
    if together:
        days = {index: series.times[index][0] // DAY_MINUTES for index in worths}
        return best_attended(worths, days, most, together)
    turns: dict[int, int] = {}
    for index, worth in worths.items():
        turn = series.times[index][0] // DAY_MINUTES if series.kind == "dedicated" else -1 - index
        turns[turn] = max(worth, turns.get(turn, worth))
    ordered = sorted(turns.values(), reverse=True)
    return ordered[0] + sum(worth for worth in ordered[1:most] if worth > 0)


def _most_lessons(snapshot: Snapshot, series: LeadSeries) -> int:
    """How many lessons the series can have in a week: what the teacher gives, of a dedicated one what was agreed."""
    limit = snapshot.teacher_of[series.teacher].weekly_limit
    return min(limit, series.lessons) if series.kind == "dedicated" else limit


def _points(snapshot: Snapshot, demand: Demand, series: LeadSeries) -> int:
    weights = snapshot.weights
    school = snapshot.school_of[snapshot.class_of[demand.class_id].school]
    lead = snapshot.school_of[snapshot.teacher_of[series.teacher].school]
    points = weights.lesson + (weights.kept_lead if demand.last_lead == series.teacher else 0)
    if (school.id, lead.id) in snapshot.pacts or (lead.id, school.id) in snapshot.pacts:
        points += weights.pact
    points += weights.same_county if school.county == lead.county else 0
    return points + (0 if series.edition == demand.edition else weights.other_edition)


def _best_of_series(
    snapshot: Snapshot, prices: Prices, series: LeadSeries, incomes: Mapping[tuple[str, int], list[int]]
) -> int:
    """What its lessons gain: the best-paying seats of each, less what a broadcast costs."""
    lead = snapshot.teacher_of[series.teacher].school
    weekly = prices.named["teacher_week"].get(series.teacher, 0)
    keys = (("teacher_at", series.teacher), ("studio_at", series.studio), ("uplink_at", lead))
    times = [prices.timed[name].get(key, _FREE) for name, key in keys]
    days = prices.timed["series_day"].get(series.id, _FREE)
    if series.kind == "dedicated":
        weekly += prices.named["series_week"].get(series.id, 0)
    worths: dict[int, int] = {}
    for index, (start, end) in enumerate(series.times):
        seats = sum(sorted(incomes.get((series.id, index), ()), reverse=True)[: series.seats])
        cost = weekly + sum(moments.between(start, end) for moments in times)
        if series.kind == "dedicated":
            cost += days.between(start // DAY_MINUTES, start // DAY_MINUTES + 1)
        worths[index] = seats + snapshot.weights.broadcast * SCALE - cost
    together = prices.together_of_series.get(series.id)
    if not together:
        return sum(worth for worth in worths.values() if worth > 0)
    held = {index: start // DAY_MINUTES for index, (start, _) in enumerate(series.times)}
    return best_held(worths, held, _most_lessons(snapshot, series), together)


def _all_there_is(snapshot: Snapshot, prices: Prices) -> int:
    teacher_week, series_week = prices.named["teacher_week"], prices.named["series_week"]
    total = sum(teacher.weekly_limit * teacher_week.get(teacher.id, 0) for teacher in snapshot.teachers)
    total += sum(series.lessons * series_week.get(series.id, 0) for series in snapshot.series)
    for name in ("class_at", "teacher_at", "studio_at", "series_day"):
        total += sum(moments.total for moments in prices.timed[name].values())
    schools = snapshot.school_of
    total += sum(schools[key].receiving_cap * one.total for key, one in prices.timed["school_at"].items())
    total += sum(schools[key].leading_cap * one.total for key, one in prices.timed["uplink_at"].items())
    caps = {node.id: node.room_cap for node in snapshot.nodes}
    return total + sum(caps[key] * one.total for key, one in prices.timed["relay_at"].items())


def _known_ids(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    schools = frozenset(school.id for school in snapshot.schools)
    teachers = frozenset(teacher.id for teacher in snapshot.teachers)
    series = frozenset(series.id for series in snapshot.series)
    return {
        "teacher_week": teachers,
        "teacher_at": teachers,
        "series_week": series,
        "series_day": series,
        "quarter": schools,
        "school_at": schools,
        "uplink_at": schools,
        "class_at": frozenset(one.id for one in snapshot.classes),
        "relay_at": frozenset(node.id for node in snapshot.nodes),
        "studio_at": frozenset(studio.id for studio in snapshot.studios),
    }


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise CertificateError(f"{where} is not a list")
    return value


def _whole(where: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise CertificateError(f"{where}: {value!r} is not a whole number")
    return value


def _price(where: str, value: object) -> int:
    price = _whole(where, value)
    if not 0 <= price <= LARGEST_PRICE:
        raise CertificateError(f"{where}: {price} is no price (it must be at least 0)")
    return price
