"""Rows of the tables of bells, terms and special days: of a school, or of everything below a county or above."""

from datetime import date

from service.exchange.faults import FaultCode
from service.exchange.references import place_of, school_of
from service.exchange.register import Register
from service.exchange.rows import Edits, Row
from service.organisation.tables import Organisation, Period, Term
from service.organisation.terms import LONGEST
from service.planning.tables import SeasonPeriod, SpecialDay
from service.storage.base import new_id


def read_period(row: Row, register: Register) -> None:
    """Give an organisation one period of its bells, from a day on if the row says so."""
    node = _node(row, register)
    if node is None or row.has_failed():
        return
    number, starts, ends, from_day = (row.get(name) for name in ("number", "starts", "ends", "from_day"))
    if starts >= ends:
        row.fault(FaultCode.NOT_IN_ORDER, "ends")
        return
    if not row.claim(node.id, str(from_day), number):
        return
    known = register.own_bells[node.id, from_day]
    register.bells[node.id].add(number)
    register.rung[node.id, from_day] = row
    label = f"{node.name} {number}"
    if number in known:
        edits = Edits()
        edits.set(known[number], "starts", starts, "starts")
        edits.set(known[number], "ends", ends, "ends")
        row.edited(label, edits)
        return
    values = {"organisation_id": node.id, "number": number, "starts": starts, "ends": ends}
    period = Period(**values) if from_day is None else SeasonPeriod(from_day=from_day, **values)
    known[number] = period
    register.add(period)
    row.created(label, starts=starts, ends=ends, from_day=None if from_day is None else from_day.isoformat())


def check_bells(register: Register) -> None:
    """After all rows: periods of one day follow each other. Reported at the last row that touched those bells."""
    for key, row in register.rung.items():
        last = ""
        for _number, period in sorted(register.own_bells[key].items()):
            if period.starts < last:
                row.fault(FaultCode.NOT_IN_ORDER, "starts")
                break
            last = period.ends


def read_term(row: Row, register: Register) -> None:
    """Create a term, or move the days of the one that has this name."""
    node = _node(row, register)
    if node is None or row.has_failed():
        return
    name, starts_on, ends_on = (row.get(field) for field in ("name", "starts_on", "ends_on"))
    if not register.person.may("terms.manage"):
        row.fault(FaultCode.NOT_YOURS, "name")
        return
    if not starts_on < ends_on or ends_on - starts_on > LONGEST:
        row.fault(FaultCode.NOT_IN_ORDER, "ends_on")
        return
    if not row.claim(node.id, name):
        return
    own = register.terms[node.id]
    others = [term for term in own if term.name != name]
    if any(term.starts_on <= ends_on and starts_on <= term.ends_on for term in others):
        row.fault(FaultCode.TERM_CLASH, "starts_on")
        return
    known = next((term for term in own if term.name == name), None)
    if known is not None:
        edits = Edits()
        _set_day(edits, known, "starts_on", starts_on)
        _set_day(edits, known, "ends_on", ends_on)
        row.edited(f"{node.name} {name}", edits)
        return
    term = Term(id=new_id(), organisation_id=node.id, name=name, starts_on=starts_on, ends_on=ends_on)
    own.append(term)
    register.add(term)
    row.created(f"{node.name} {name}", starts_on=starts_on.isoformat(), ends_on=ends_on.isoformat())


def read_special_day(row: Row, register: Register) -> None:
    """Say what a date runs: a day off, or a weekday's timetable on a make-up day."""
    node = _node(row, register)
    if node is None or row.has_failed():
        return
    on, said, weeks, name = (row.get(field) for field in ("day", "runs", "weeks", "name"))
    runs = None if said == "off" else int(said)
    if runs is None and weeks is not None:
        row.fault(FaultCode.NOT_IN_ORDER, "weeks")
        return
    if not row.claim(node.id, on.isoformat()):
        return
    label = f"{node.name} {on.isoformat()}"
    known = register.special_days.get((node.id, on))
    if known is None:
        known = SpecialDay(organisation_id=node.id, day=on, runs=runs, of_week=weeks, name=name or "")
        register.special_days[node.id, on] = known
        register.add(known)
        row.created(label, runs=said, weeks=weeks, name=name)
        return
    edits = Edits()
    if known.runs != runs:
        edits.note("runs", "off" if known.runs is None else str(known.runs), said)
        known.runs = runs
    if known.of_week != weeks and (runs is None or weeks is not None):
        edits.note("weeks", known.of_week, weeks)
        known.of_week = weeks
    edits.set(known, "name", name, "name")
    row.edited(label, edits)


def _node(row: Row, register: Register) -> Organisation | None:
    """The school a row names, else the county or what else it names, else the administrator's own organisation."""
    if any(row.cell(name) is not None for name in ("school", "school_code")):
        return school_of(row, register)
    if row.get("county") is None:
        return register.organisations[register.person.organisation_id]
    node = place_of(row, register, "county")
    if node is not None and node.id not in register.organisations:
        row.fault(FaultCode.NOT_YOURS, "county")
        return None
    return node


def _set_day(edits: Edits, term: Term, attribute: str, wanted: date) -> None:
    before: date = getattr(term, attribute)
    if before != wanted:
        setattr(term, attribute, wanted)
        edits.note(attribute, before.isoformat(), wanted.isoformat())
