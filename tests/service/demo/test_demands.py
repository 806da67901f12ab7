"""The demonstration county can be planned: most of it is served, some of it not, and it says why."""

from typing import Any

from sqlalchemy import func, select

from scheduler.instance.document import dump
from service.demo.demands import fill_demands
from service.demo.demonstration import prepare_county
from service.organisation.tables import Organisation, Term
from service.planning.freezing import freeze
from service.planning.opened import open_texts
from service.planning.solving import Order, solve_here
from service.planning.tables import Demand


def test_the_demonstration_can_be_planned_and_leaves_something_to_explain(parts: Any) -> None:
    prepare_county(parts)
    fill_demands(parts)
    with parts.database.reading() as session:
        county = session.scalars(select(Organisation).where(Organisation.name == "云岭县")).one()
        term = session.scalars(select(Term)).one()
        frozen = freeze(session, county, term, parts.configuration.zone, parts.clock.now().date())
    text = dump(frozen.snapshot)
    opened = open_texts(text, solve_here(Order(text, 5, 1), lambda progress: None))
    assert frozen.left_out == []
    assert 0.3 < opened.document["coverage"] < 1
    assert {entry["status"] for entry in opened.document["unserved"]}


def test_filling_again_adds_nothing(parts: Any) -> None:
    prepare_county(parts)
    fill_demands(parts)
    with parts.database.reading() as session:
        before = session.scalar(select(func.count()).select_from(Demand))
    fill_demands(parts)
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Demand)) == before > 0
