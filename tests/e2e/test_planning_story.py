"""A county's term from demands to a changed timetable: plan, why, accept, a teacher away for a week, a proposal."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from county import County, make_county
from pages import LAPTOP, sign_in
from playwright.sync_api import Browser, Page, expect
from running_product import Product
from sqlalchemy import select

from service.accounts.roles import Role
from service.accounts.tables import User
from service.organisation.bells import replace_bells
from service.organisation.tables import Organisation, SchoolClass
from service.organisation.terms import add_term
from service.planning.tables import ClassPeriod, Demand, LeadSeries, SeriesTime
from service.rooms.tables import Room
from service.storage.base import new_id
from service.storage.database import Database

pytestmark = pytest.mark.e2e

BELLS = [(1, "08:30", "09:10"), (2, "09:20", "10:00"), (3, "10:20", "11:00"), (4, "11:10", "11:50")]
LARGE = {"width": 1920, "height": 1080}


def seed(product: Product, county: County) -> None:
    """Two lead teachers with four seats a week together, and five classes that need some."""
    database = Database(f"sqlite:///{product.data_folder / 'three-classrooms.sqlite3'}")
    now, today = datetime.now(UTC), date.today()
    with database.unit_of_work() as session:
        place = session.get_one(Organisation, county.id)
        replace_bells(session, place, BELLS)
        add_term(session, place, "演示学期", today - timedelta(days=10), today + timedelta(days=60))
        lead = county.schools[0]
        studios = [
            session.get_one(Room, lead.room_id),
            Room(id=new_id(), organisation_id=lead.id, name="录播教室二", can_lead=True, created_at=now),
        ]
        session.add(studios[1])
        main = session.scalars(select(User).where(User.username == county.teacher.username)).one()
        colleague = User(
            username="colleague",
            username_key="colleague",
            display_name="赵同事",
            password_hash="",
            role=Role.TEACHER,
            organisation_id=lead.id,
            locale="zh-CN",
            created_at=now,
        )
        session.add(colleague)
        session.flush()
        for teacher, room, times in ((main, studios[0], ((0, 1), (2, 1))), (colleague, studios[1], ((1, 2), (3, 2)))):
            session.add(
                LeadSeries(
                    organisation_id=lead.id,
                    code=f"E4-{teacher.username}",
                    teacher_id=teacher.id,
                    room_id=room.id,
                    subject="english",
                    grade="grade_4",
                    edition="人教版",
                    seats=1,
                    lessons=2,
                    created_at=now,
                    times=[SeriesTime(weekday=weekday, period=period) for weekday, period in times],
                )
            )
        for school, name in [(school, "四年级1班") for school in county.schools[1:]] + [
            (county.schools[1], "四年级2班")
        ]:
            one = SchoolClass(organisation_id=school.id, name=name, grade="grade_4", created_at=now)
            session.add(one)
            session.flush()
            session.add_all(
                ClassPeriod(class_id=one.id, weekday=weekday, period=period, free=True)
                for weekday in range(5)
                for period in (1, 2, 3)
            )
            session.add(
                Demand(class_id=one.id, subject="english", grade="grade_4", edition="人教版", lessons=2, created_at=now)
            )
    database.close()


def photograph(page: Page, name: str) -> None:
    """Pictures for people, where somebody asked for them."""
    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        return
    for size in (LAPTOP, LARGE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_timeout(300)
        page.screenshot(path=str(Path(folder) / f"{name}-{size['width']}.png"), full_page=name != "why")
    page.set_viewport_size(LAPTOP)  # type: ignore[arg-type]


def test_from_demands_to_a_changed_timetable(product: Product, browser: Browser) -> None:
    county = make_county(product)
    seed(product, county)
    page = sign_in(product, browser, county.administrator, "/planning")

    page.get_by_test_id("plan-budget").select_option("10")
    page.get_by_test_id("plan-run").click()
    progress = page.get_by_test_id("plan-progress")
    expect(progress).to_have_attribute("data-state", "done", timeout=60_000)
    expect(page.get_by_test_id("demand-row")).to_have_count(5)
    photograph(page, "plan-zh")

    unserved = page.locator("[data-testid=demand-row][data-state=unserved]")
    expect(unserved).to_have_count(1)
    unserved.get_by_test_id("why-open").click()
    why = page.get_by_test_id("why-panel")
    expect(why.get_by_test_id("why-remedy").first).to_contain_text("多接收一间教室")
    expect(why).to_contain_text("接收教室已满")
    photograph(page, "why-zh")
    page.keyboard.press("Escape")
    expect(why).to_have_count(0)

    page.get_by_test_id("plan-accept").click()
    page.get_by_test_id("plan-accept-confirm").click()
    expect(progress).to_have_attribute("data-state", "accepted", timeout=30_000)

    page.goto("/planning/changes")
    page.get_by_test_id("change-target").select_option(label="王主讲 · 第0小学")
    start = date.today() + timedelta(days=7)
    page.get_by_test_id("change-from").fill(start.isoformat())
    page.get_by_test_id("change-to").fill((start + timedelta(days=6)).isoformat())
    page.get_by_test_id("change-ask").click()
    cards = page.get_by_test_id("proposal-card")
    expect(cards.first).to_be_visible(timeout=20_000)
    assert 1 <= cards.count() <= 3
    substitute = page.locator("[data-testid=proposal-card][data-kind=substitute]")
    expect(substitute).to_contain_text("赵同事")
    photograph(page, "changes-zh")
    substitute.get_by_test_id("proposal-accept").click()
    current = page.get_by_test_id("change-current")
    expect(current).to_have_attribute("data-state", "accepted", timeout=20_000)

    with product.client(county.administrator.username, county.administrator.password) as client:
        lessons = client.get("/api/lessons", params={"limit": 200}).raise_for_status().json()["items"]
    changed = [one for one in lessons if one["version"] > 1 and start.isoformat() <= one["starts_at"][:10]]
    assert len(changed) == 2
    assert {one["lead"]["teacher"]["name"] for one in changed} == {"赵同事"}

    page.get_by_test_id("change-withdraw").click()
    expect(current).to_have_attribute("data-state", "withdrawn", timeout=20_000)

    page.goto("/planning/binding")
    page.get_by_test_id("what-if-assumption").select_option("seats_per_lesson")
    page.get_by_test_id("what-if-ask").click()
    row = page.get_by_test_id("what-if-row")
    expect(row).to_have_attribute("data-state", "done", timeout=60_000)
    expect(row).to_contain_text("100 %")
    photograph(page, "binding-zh")

    page.locator("header").get_by_text("English").click()
    for path, name in (("/planning", "plan"), ("/planning/changes", "changes"), ("/planning/binding", "binding")):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_timeout(800)
        photograph(page, f"{name}-en")
