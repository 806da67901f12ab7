"""What binds a plan overall: the relaxation's shadow prices by kind of scarcity, and the scarcest things by name."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from sqlalchemy.orm import Session

from scheduler.check.certificate import SCALE
from scheduler.instance.snapshot import RECEIVE_KBPS
from service.planning.names import load_names
from service.planning.opened import OpenedPlan
from service.planning.schemas import Binding, ScarceResource, Scarcity

NAMED = 12
_KIND_OF_FAMILY: Mapping[str, str] = {
    "teacher_week": "teacher_hours",
    "teacher_at": "teacher_hours",
    "series_week": "dedicated_hours",
    "series_day": "dedicated_hours",
    "studio_at": "lead_rooms",
    "class_at": "bells",
    "uplink_at": "bandwidth",
    "node_at": "relays",
}


def view_binding(session: Session, opened: OpenedPlan) -> Binding:
    """Shadow prices in points: what all there is of a thing is worth to the plan."""
    points = dict.fromkeys((*_KIND_OF_FAMILY.values(), "receiving_rooms", "seats"), 0.0)
    for family, price in opened.document["shadow_prices"].items():
        if family in _KIND_OF_FAMILY:
            points[_KIND_OF_FAMILY[family]] += price
    resources = opened.worked_out("scarce resources", _by_resource)
    for (kind, _), price in resources.items():
        if kind in ("receiving_rooms", "bandwidth", "seats"):
            points[kind] += price
    total = sum(points.values())
    scarcest = [(key, price) for key, price in _most(resources) if price >= 1]
    ids = [identity for (_, identity), _ in scarcest]
    names = load_names(session, organisations=ids, users=ids)
    return Binding(
        scarcities=[
            Scarcity(kind=kind, points=round(price, 1), share=round(price / total, 4) if total else 0.0)
            for kind, price in sorted(points.items(), key=lambda entry: -entry[1])
        ],
        scarcest=[
            ScarceResource(kind=kind, id=identity, name=names.any(identity), points=round(price, 1))
            for (kind, identity), price in scarcest
        ],
        statuses=dict(Counter(entry["status"] for entry in opened.document["unserved"])),
    )


def _most(points: Mapping[tuple[str, str], float]) -> list[tuple[tuple[str, str], float]]:
    return sorted(points.items(), key=lambda entry: -entry[1])[:NAMED]


def _by_resource(opened: OpenedPlan) -> dict[tuple[str, str], float]:
    """Teachers' hours and schools' receiving by the certificate's prices; a school is short of rooms or of link."""
    snapshot, certificate = opened.snapshot, opened.document["certificate"]
    points: dict[tuple[str, str], float] = defaultdict(float)
    for teacher, price in certificate["teacher_week"].items():
        limit = snapshot.teacher_of[teacher].weekly_limit
        points["teacher_hours", teacher] += limit * price / SCALE
    for school_id, _, price in certificate["school_at"]:
        school = snapshot.school_of[school_id]
        kind = "bandwidth" if school.down_kbps // RECEIVE_KBPS < school.kits else "receiving_rooms"
        points[kind, school_id] += school.receiving_cap * price / SCALE
    for series, price in _seats(opened).items():
        points["seats", snapshot.series_of[series].teacher] += price
    return points


def _seats(opened: OpenedPlan) -> dict[str, float]:
    """What the seats of each series are worth: those of a lesson at what the first class left outside would pay."""
    snapshot = opened.snapshot
    prices = iter(opened.document["certificate"]["seats"])
    bids: dict[tuple[str, int], list[int]] = defaultdict(list)
    for demand in snapshot.demands:
        for candidate in demand.candidates:
            for index in range(len(snapshot.series_of[candidate].times)):
                bids[candidate, index].append(next(prices))
    worth: dict[str, float] = defaultdict(float)
    for (identity, _), own in bids.items():
        seats = snapshot.series_of[identity].seats
        outside = sorted(own, reverse=True)[seats:]
        worth[identity] += seats * (outside[0] if outside else 0) / SCALE
    return worth
