"""Shapes of the planning interface: plans, demands with their reasons, what binds."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

PlanState = Literal["queued", "running", "done", "failed", "cancelled", "accepted", "replaced"]
DemandState = Literal["unserved", "under", "served"]


class NamedPlace(BaseModel):
    """An organisation by name."""

    id: str
    name: str


class TermBrief(BaseModel):
    """A term by name with its days."""

    id: str
    name: str
    starts_on: date
    ends_on: date


class WhatIf(BaseModel):
    """Which assumption a what-if changed, and by how much."""

    assumption: str
    by: int


class PlanBrief(BaseModel):
    """A plan as lists show it; score, bound and gap are there as soon as the search has them."""

    id: str
    name: str
    organisation: NamedPlace
    term: TermBrief
    state: PlanState
    stage: str
    score: int | None
    bound: int | None
    gap_pct: float | None
    budget_seconds: int
    seed: int
    seconds: float | None
    what_if: WhatIf | None
    base_plan_id: str | None
    version: int
    recorded: bool
    failure: str
    failure_code: str
    created_at: datetime
    finished_at: datetime | None
    accepted_at: datetime | None


class ShareRow(BaseModel):
    """What a school, county or subject gets: shares are 0 to 1."""

    id: str
    name: str
    demands: int
    lessons_needed: int
    lessons_served: int
    every_subject: float
    all_hours: float
    worst_school: NamedPlace | None = None
    worst_share: float | None = None


class Certificate(BaseModel):
    """That the bound was verified by the independent checker, for which instance, from how many prices."""

    verified: bool
    instance: str
    prices: int


class PlanResult(BaseModel):
    """What a finished plan achieves."""

    pairings: int
    lessons_a_week: int
    broadcasts: int
    coverage: float
    every_subject: float
    worst_school: float
    worst_school_bound: float
    same_county: float
    kept_leads: float
    peak_receiving_rooms: int
    unserved: int
    under_served: int
    counties: list[ShareRow]
    subjects: list[ShareRow]
    certificate: Certificate


class LeftOut(BaseModel):
    """What could not be planned: a lead series without a usable time, room or teacher; a demand without bells."""

    kind: Literal["series", "demand"]
    name: str


class PlanView(PlanBrief):
    """One plan, with its result once it is finished; of what was left out the first fifty, and how many in all."""

    left_out: list[LeftOut]
    left_out_total: int
    result: PlanResult | None


class PlanPage(BaseModel):
    """Plans, and how many there are in all."""

    items: list[PlanBrief]
    total: int


class WeekTime(BaseModel):
    """A time of the typical week: weekday 0 is Monday, wall clock of the deployment's zone."""

    weekday: int
    starts: str
    ends: str


class LeadBrief(BaseModel):
    """A lead series as a demand sees it."""

    series_id: str
    teacher: str
    school: str
    county: str
    kind: Literal["fixed", "dedicated"]
    edition: str
    seats: int


class Remedy(BaseModel):
    """One more of what a rule counts, for a named teacher, series, school or relay, admits a lesson."""

    rule: str
    resource: str
    name: str


class DemandRow(BaseModel):
    """A demand and what the plan gives it. `status` and `reasons` say why it lacks something."""

    id: str
    school: NamedPlace
    county: str
    class_name: str
    subject: str
    grade: str
    edition: str
    needed: int
    served: int
    state: DemandState
    status: str | None
    reasons: dict[str, int]
    remedies: list[Remedy]
    lead: LeadBrief | None
    times: list[WeekTime]


class DemandPage(BaseModel):
    """Demands, the least served first, and how many match."""

    items: list[DemandRow]
    total: int
    counts: dict[DemandState, int]


class BookingInWay(BaseModel):
    """A planned lesson of some class that uses up what is scarce."""

    school: str
    class_name: str
    subject: str
    teacher: str
    time: WeekTime
    coverage_of_school: float | None = None


class Blocker(BaseModel):
    """A rule in the way, and the bookings it counts."""

    rule: str
    bookings: list[BookingInWay]


class CandidateTime(BaseModel):
    """One time of a candidate: attended, or what is in the way and who would have to yield for it."""

    time: WeekTime
    attends: bool
    blockers: list[Blocker]
    would_yield: list[BookingInWay]


class Candidate(BaseModel):
    """A lead series that could serve the demand."""

    lead: LeadBrief
    times: list[CandidateTime]


class Why(BaseModel):
    """Why a demand gets what it gets."""

    demand: DemandRow
    candidates: list[Candidate]


class Scarcity(BaseModel):
    """What one kind of scarcity is worth: points at the relaxation's prices, and its share of all that is priced."""

    kind: str
    points: float
    share: float


class ScarceResource(BaseModel):
    """A teacher, school or relay whose limit costs most."""

    kind: str
    id: str
    name: str
    points: float


class Binding(BaseModel):
    """What binds overall, by shadow prices, the scarcest things by name, and why demands are short."""

    scarcities: list[Scarcity]
    scarcest: list[ScarceResource]
    statuses: dict[str, int]


class Target(BaseModel):
    """Someone or something a change can happen to; `subject` of a demand."""

    id: str
    name: str
    school: str
    subject: str = ""


class TargetPage(BaseModel):
    """The first that match what was typed, and how many match."""

    items: list[Target]
    total: int


class SubjectShare(BaseModel):
    """Lessons a week a school needs of a subject, and gets."""

    subject: str
    needed: int
    served: int


class SchoolCoverage(BaseModel):
    """Lessons a week a school needs and gets; county and subjects where a table asks for them."""

    id: str
    name: str
    needed: int
    served: int
    county: NamedPlace | None = None
    subjects: list[SubjectShare] = []


class AreaCoverage(BaseModel):
    """A county with its schools, the largest need first."""

    id: str
    name: str
    needed: int
    served: int
    schools: list[SchoolCoverage]


class CoverageMap(BaseModel):
    """All counties, the largest need first, and which subjects there are."""

    subjects: list[str]
    counties: list[AreaCoverage]


class SchoolCoveragePage(BaseModel):
    """Schools with their subjects, the least served first."""

    items: list[SchoolCoverage]
    total: int


class ComparedTotals(BaseModel):
    """What a plan achieves, in the figures two plans are compared by."""

    score: int
    bound: int
    gap_pct: float
    coverage: float
    every_subject: float
    worst_school: float
    lessons_a_week: int
    broadcasts: int
    kept_leads: float
    same_county: float
    peak_receiving_rooms: int


class ComparedDemand(BaseModel):
    """A demand that two plans serve differently."""

    difference: Literal["more", "less", "other_lead"]
    before: DemandRow
    after: DemandRow


class ComparisonPage(BaseModel):
    """Two plans side by side: the demands that differ, those who lose first."""

    items: list[ComparedDemand]
    total: int
    counts: dict[Literal["more", "less", "other_lead"], int]
    same: int
    only_before: int
    only_after: int
    before: ComparedTotals
    after: ComparedTotals
