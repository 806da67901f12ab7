"""Shapes plans for administrators: progress, results by county, school and subject, with names instead of ids."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.planning.names import load_names
from service.planning.opened import OpenedPlan
from service.planning.plan_tables import Plan
from service.planning.schemas import (
    Certificate,
    LeftOut,
    NamedPlace,
    PlanBrief,
    PlanResult,
    PlanView,
    ShareRow,
    TermBrief,
    WhatIf,
)

_PRICED = ("class_at", "school_at", "relay_at", "teacher_at", "studio_at", "uplink_at", "series_day", "series_week",
           "teacher_week", "quarter", "seats")  # fmt: skip

LEFT_OUT_SHOWN = 50


def view_brief(plan: Plan, now: datetime) -> PlanBrief:
    """A plan's row."""
    return PlanBrief(**_brief(plan, now))


def view_plan(session: Session, plan: Plan, opened: OpenedPlan | None, now: datetime) -> PlanView:
    """A plan with its result, if it was opened."""
    left_out = json.loads(plan.left_out)
    return PlanView(
        **_brief(plan, now),
        left_out=[LeftOut(kind=kind, name=name) for kind, name in left_out[:LEFT_OUT_SHOWN]],
        left_out_total=len(left_out),
        result=_result(session, opened) if opened else None,
    )


def _brief(plan: Plan, now: datetime) -> dict[str, Any]:
    said = json.loads(plan.assumptions)
    ended = plan.finished_at or now
    return {
        "id": plan.id,
        "name": plan.name,
        "organisation": NamedPlace(id=plan.organisation.id, name=plan.organisation.name),
        "term": TermBrief(
            id=plan.term.id, name=plan.term.name, starts_on=plan.term.starts_on, ends_on=plan.term.ends_on
        ),
        "state": plan.state,
        "stage": plan.stage,
        "score": plan.score,
        "bound": plan.bound,
        "gap_pct": plan.gap_pct,
        "budget_seconds": plan.budget_seconds,
        "seed": plan.seed,
        "seconds": (ended - plan.started_at).total_seconds() if plan.started_at else None,
        "what_if": WhatIf(**said) if said else None,
        "base_plan_id": plan.base_plan_id,
        "version": plan.version,
        "recorded": plan.recorded,
        "failure": plan.failure,
        "failure_code": plan.failure_code or "",
        "created_at": plan.created_at,
        "finished_at": plan.finished_at,
        "accepted_at": plan.accepted_at,
    }


def _result(session: Session, opened: OpenedPlan) -> PlanResult:
    document, metrics = opened.document, opened.document["metrics"]
    worst = _worst_by_county(opened)
    names = load_names(session, organisations=[*metrics["counties"], *(school for school, _ in worst.values())])
    counties = [
        _row(county, names.any(county), shares)
        | {
            "worst_school": NamedPlace(id=worst[county][0], name=names.any(worst[county][0])),
            "worst_share": worst[county][1],
        }
        for county, shares in metrics["counties"].items()
    ]
    return PlanResult(
        pairings=len(opened.plan.pairings),
        lessons_a_week=metrics["total"]["lessons_served"],
        broadcasts=metrics["broadcasts"],
        coverage=document["coverage"],
        every_subject=metrics["total"]["every_subject"],
        worst_school=document["worst_school"],
        worst_school_bound=document["worst_school_bound"],
        same_county=metrics["same_county"],
        kept_leads=metrics["kept_leads"],
        peak_receiving_rooms=metrics["peak_receiving_rooms"],
        unserved=sum(1 for entry in document["unserved"] if not entry["served"]),
        under_served=sum(1 for entry in document["unserved"] if entry["served"]),
        counties=[ShareRow(**one) for one in counties],
        subjects=[ShareRow(**_row(subject, subject, shares)) for subject, shares in metrics["subjects"].items()],
        certificate=Certificate(verified=True, instance=opened.plan.instance, prices=_prices(document["certificate"])),
    )


def _worst_by_county(opened: OpenedPlan) -> dict[str, tuple[str, float]]:
    worst: dict[str, tuple[str, float]] = {}
    for school, shares in opened.document["metrics"]["schools"].items():
        county, share = opened.snapshot.school_of[school].county, shares["all_hours"]
        if county not in worst or share < worst[county][1]:
            worst[county] = school, share
    return worst


def _prices(certificate: Mapping[str, Any]) -> int:
    return sum(len(certificate[name]) for name in _PRICED)


def _row(identity: str, name: str, shares: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": identity, "name": name, **shares}
