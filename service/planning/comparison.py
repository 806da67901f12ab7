"""Two plans side by side: what each achieves, and which demands get more, less or another lead."""

from typing import Literal

from sqlalchemy.orm import Session

from service.planning.demand_views import rows_of
from service.planning.opened import OpenedPlan
from service.planning.schemas import ComparedDemand, ComparedTotals, ComparisonPage
from service.problems import Conflict

Difference = Literal["more", "less", "other_lead"]
_ORDER = {"less": 0, "other_lead": 1, "more": 2}


def compare(
    session: Session, one: OpenedPlan, other: OpenedPlan, only: Difference | None, limit: int, offset: int
) -> ComparisonPage:
    """The other plan against the one. Raises Conflict `not_comparable` if they share no demand."""
    known = [demand.id for demand in other.snapshot.demands if demand.id in one.snapshot.demand_of]
    if not known:
        raise Conflict("These plans are for different schools.", code="not_comparable")
    before = {pairing.demand: pairing.series for pairing in one.plan.pairings}
    after = {pairing.demand: pairing.series for pairing in other.plan.pairings}
    found: list[tuple[str, Difference]] = []
    counts: dict[Difference, int] = {"more": 0, "less": 0, "other_lead": 0}
    for demand in known:
        difference = _difference(one.served.get(demand, 0), other.served.get(demand, 0))
        if difference is None and before.get(demand) != after.get(demand):
            difference = "other_lead"
        if difference is not None:
            counts[difference] += 1
            if only in (None, difference):
                found.append((demand, difference))
    found.sort(key=lambda item: (_ORDER[item[1]], item[0]))
    page = found[offset : offset + limit]
    ids = [demand for demand, _difference_ in page]
    left, right = rows_of(session, one, ids), rows_of(session, other, ids)
    items = [
        ComparedDemand(difference=difference, before=was, after=now)
        for (_demand, difference), was, now in zip(page, left, right, strict=True)
    ]
    same = len(known) - sum(counts.values())
    only_one = len(one.snapshot.demands) - len(known)
    only_other = len(other.snapshot.demands) - len(known)
    return ComparisonPage(
        items=items,
        total=len(found),
        counts=counts,
        same=same,
        only_before=only_one,
        only_after=only_other,
        before=_totals(one),
        after=_totals(other),
    )


def _difference(before: int, after: int) -> Difference | None:
    if before == after:
        return None
    return "more" if after > before else "less"


def _totals(opened: OpenedPlan) -> ComparedTotals:
    metrics = opened.document["metrics"]
    return ComparedTotals(
        score=opened.plan.score,
        bound=opened.plan.bound,
        gap_pct=float(opened.document["gap_pct"]),
        coverage=opened.document["coverage"],
        every_subject=metrics["total"]["every_subject"],
        worst_school=opened.document["worst_school"],
        lessons_a_week=metrics["total"]["lessons_served"],
        broadcasts=metrics["broadcasts"],
        kept_leads=metrics["kept_leads"],
        same_county=metrics["same_county"],
        peak_receiving_rooms=metrics["peak_receiving_rooms"],
    )
