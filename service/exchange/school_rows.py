"""Rows of the table of schools: found by code, else by name; renamed, created, given their capacity."""

from service.exchange.faults import FaultCode
from service.exchange.names import AmbiguousName
from service.exchange.references import place_of
from service.exchange.register import Register
from service.exchange.rows import Edits, Row
from service.exchange.tables import SchoolCode
from service.exchange.wording import name_key
from service.organisation.tables import Organisation
from service.organisation.tree import new_organisation
from service.planning.tables import SchoolCapacity

DEFAULT_KBPS = 100_000


def read_school(row: Row, register: Register) -> None:
    """Create or update the school of a row."""
    if row.has_failed():
        return
    above = place_of(row, register, "county") if row.get("county") is not None else _only_place(register)
    if row.has_failed():
        return
    school = _existing(row, register, above)
    if row.has_failed():
        return
    if school is None:
        _create(row, register, above)
    else:
        _update(row, register, school, above)


def _only_place(register: Register) -> Organisation | None:
    """Where a new school goes if the row does not say: there is no choice only where one node can have schools."""
    places = [node for node in register.organisations.values() if node.kind != "school"]
    return places[0] if len(places) == 1 else None


def _existing(row: Row, register: Register, above: Organisation | None) -> Organisation | None:
    code = row.get("code")
    if code is not None and name_key(code) in register.codes:
        school = register.school_by_code(code)
        if school is None:
            row.fault(FaultCode.CODE_TAKEN, "code")
        return school
    try:
        return register.schools.find(above.id if above else "", row.written("name"))
    except AmbiguousName:
        row.fault(FaultCode.SCHOOL_AMBIGUOUS, "name")
        return None


def _create(row: Row, register: Register, above: Organisation | None) -> None:
    if not register.person.may("organisations.manage"):
        row.fault(FaultCode.NOT_YOURS, "name")
    elif above is None:
        row.fault(FaultCode.MISSING_VALUE, "county")
    elif above.id not in register.organisations:
        row.fault(FaultCode.PLACE_UNKNOWN, "county")
    elif _capacity_fits(row, None):
        school = new_organisation(above, row.get("name"), "school", register.now)
        register.add_school(school)
        row.claim(school.id)
        _keep_code(row, register, school, Edits())
        _keep_capacity(row, register, school, Edits())
        names = ("code", "kits", "down_mbps", "up_mbps", "relay")
        row.created(school.name, county=above.name, **{name: row.get(name) for name in names})


def _update(row: Row, register: Register, school: Organisation, above: Organisation | None) -> None:
    if row.get("county") is not None and above is not None and above.id != school.parent_id:
        parent = register.organisations.get(school.parent_id or "") or register.above.get(school.parent_id or "")
        row.fault(FaultCode.SCHOOL_ELSEWHERE, "county", place=parent.name if parent else "")
        return
    if not row.claim(school.id) or not _capacity_fits(row, register.capacities.get(school.id)):
        return
    edits = Edits()
    if name_key(row.get("name")) != name_key(school.name):
        _rename(row, register, school, edits)
    _keep_code(row, register, school, edits)
    _keep_capacity(row, register, school, edits)
    if not row.has_failed():
        row.edited(school.name, edits)


def _rename(row: Row, register: Register, school: Organisation, edits: Edits) -> None:
    if not register.person.may("organisations.manage"):
        row.fault(FaultCode.NOT_YOURS, "name")
        return
    try:
        taken = register.schools.find(school.parent_id or "-", row.get("name")) is not None
    except AmbiguousName:
        taken = True
    if taken:
        row.fault(FaultCode.NAME_TAKEN, "name")
        return
    edits.note("name", school.name, row.get("name"))
    register.rename_school(school, row.get("name"))


def _keep_code(row: Row, register: Register, school: Organisation, edits: Edits) -> None:
    code, known = row.get("code"), register.code_of.get(school.id)
    if code is None or (known is not None and known.code_key == name_key(code)):
        return
    if known is None:
        known = SchoolCode(organisation_id=school.id, code=code, code_key=name_key(code))
        register.add(known)
        edits.note("code", None, code)
    else:
        edits.note("code", known.code, code)
        del register.codes[known.code_key]
        known.code, known.code_key = code, name_key(code)
    register.codes[known.code_key] = known
    register.code_of[school.id] = known


def _capacity_fits(row: Row, known: SchoolCapacity | None) -> bool:
    """Links are kept together with the number of rooms: without that there is nothing to keep them with."""
    links = [name for name in ("down_mbps", "up_mbps", "relay") if row.get(name) is not None]
    if known is None and links and row.get("kits") is None:
        row.fault(FaultCode.MISSING_VALUE, "kits")
        return False
    return True


def _keep_capacity(row: Row, register: Register, school: Organisation, edits: Edits) -> None:
    kits, relay = row.get("kits"), row.get("relay")
    down, up = _kbps(row.get("down_mbps")), _kbps(row.get("up_mbps"))
    known = register.capacities.get(school.id)
    if known is None:
        if kits is None:
            return
        known = SchoolCapacity(
            organisation_id=school.id,
            receiving_kits=kits,
            down_kbps=DEFAULT_KBPS if down is None else down,
            up_kbps=DEFAULT_KBPS if up is None else up,
            relay=relay or "",
        )
        register.capacities[school.id] = known
        register.add(known)
        for name in ("kits", "down_mbps", "up_mbps", "relay"):
            if row.get(name) is not None:
                edits.note(name, None, row.get(name))
        return
    edits.set(known, "receiving_kits", kits, "kits")
    edits.set(known, "relay", relay, "relay")
    for attribute, value, name in (("down_kbps", down, "down_mbps"), ("up_kbps", up, "up_mbps")):
        if value is not None and getattr(known, attribute) != value:
            edits.note(name, getattr(known, attribute) / 1000, value / 1000)
            setattr(known, attribute, value)


def _kbps(mbps: float | None) -> int | None:
    return None if mbps is None else round(mbps * 1000)
