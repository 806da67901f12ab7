"""What every school gets of what it needs: as a map in areas by county and school, and as a table by subject.

Schools have no places on the earth here, only counties: so the map is one of areas (a treemap), each as large as what
the school needs and as dark as what it gets.
"""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.organisation.tables import Organisation
from service.planning.names import load_names
from service.planning.opened import OpenedPlan
from service.planning.schemas import (
    AreaCoverage,
    CoverageMap,
    NamedPlace,
    SchoolCoverage,
    SchoolCoveragePage,
    SubjectShare,
)


@dataclass
class _Share:
    demands: int = 0
    needed: int = 0
    served: int = 0
    started: int = 0

    def add(self, needed: int, served: int) -> None:
        self.demands += 1
        self.needed += needed
        self.served += served
        self.started += served > 0


def view_map(session: Session, opened: OpenedPlan, subject: str | None) -> CoverageMap:
    """All counties with all their schools, of one subject or of all together."""
    shares = _by_school(opened, subject)
    counties: dict[str, list[str]] = defaultdict(list)
    for school in shares:
        counties[opened.snapshot.school_of[school].county].append(school)
    names = load_names(session, organisations=[*shares, *counties])
    areas = [
        AreaCoverage(
            id=county,
            name=names.any(county),
            needed=sum(shares[one].needed for one in schools),
            served=sum(shares[one].served for one in schools),
            schools=[
                SchoolCoverage(id=one, name=names.any(one), needed=shares[one].needed, served=shares[one].served)
                for one in sorted(schools, key=lambda it: (-shares[it].needed, it))
            ],
        )
        for county, schools in counties.items()
    ]
    subjects = sorted({one.subject for one in opened.snapshot.demands})
    return CoverageMap(subjects=subjects, counties=sorted(areas, key=lambda area: (-area.needed, area.name)))


def view_table(
    session: Session, opened: OpenedPlan, county_id: str | None, search: str | None, limit: int, offset: int
) -> SchoolCoveragePage:
    """Schools with their subjects, the least served first."""
    shares = _by_school(opened, None)
    found = list(shares)
    if county_id is not None:
        found = [one for one in found if opened.snapshot.school_of[one].county == county_id]
    if search:
        named = select(Organisation.id).where(Organisation.name.icontains(search, autoescape=True))
        known = set(session.scalars(named.where(Organisation.kind == "school")))
        found = [one for one in found if one in known]
    found.sort(key=lambda one: (shares[one].served / shares[one].needed, -shares[one].needed, one))
    page = found[offset : offset + limit]
    names = load_names(session, organisations=[*page, *(opened.snapshot.school_of[one].county for one in page)])
    cells = _by_subject(opened, set(page))
    items = [
        SchoolCoverage(
            id=one,
            name=names.any(one),
            county=NamedPlace(
                id=opened.snapshot.school_of[one].county, name=names.any(opened.snapshot.school_of[one].county)
            ),
            needed=shares[one].needed,
            served=shares[one].served,
            subjects=cells[one],
        )
        for one in page
    ]
    return SchoolCoveragePage(items=items, total=len(found))


def _by_school(opened: OpenedPlan, subject: str | None) -> dict[str, _Share]:
    shares: dict[str, _Share] = defaultdict(_Share)
    snapshot = opened.snapshot
    for demand in snapshot.demands:
        if subject is None or demand.subject == subject:
            school = snapshot.class_of[demand.class_id].school
            shares[school].add(demand.lessons, opened.served.get(demand.id, 0))
    return shares


def _by_subject(opened: OpenedPlan, schools: set[str]) -> dict[str, list[SubjectShare]]:
    shares: dict[str, dict[str, _Share]] = {one: defaultdict(_Share) for one in schools}
    snapshot = opened.snapshot
    for demand in snapshot.demands:
        school = snapshot.class_of[demand.class_id].school
        if school in schools:
            shares[school][demand.subject].add(demand.lessons, opened.served.get(demand.id, 0))
    return {
        school: [
            SubjectShare(subject=subject, needed=share.needed, served=share.served)
            for subject, share in sorted(own.items())
        ]
        for school, own in shares.items()
    }
