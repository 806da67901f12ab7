"""A county's term from its workbook to a changed timetable, as the county's administrator lives it, in both languages.

Import with ten deliberate mistakes, mend what the report names, apply; run the plan, read why a class is unserved,
accept; a teacher is away for a week, a proposal is chosen and taken back; what binds, what if, the map, two plans.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from county import County, make_county
from county_workbook import Mistake, make_mistakes, mend, right_county, write_workbook
from imported_county import ring_bells
from pages import sign_in
from photographs import Photographs, in_english
from playwright.sync_api import Browser, Locator, Page, expect
from running_product import Installation

pytestmark = pytest.mark.e2e

AWAY_FROM = date.today() + timedelta(days=7)


@dataclass
class Office:
    """The administrator's window with its pictures and files."""

    page: Page
    pictures: Photographs
    folder: Path
    language: str = "zh"

    def look(self, name: str, *, whole: bool = True) -> None:
        self.pictures.take(self.page, f"{name}-{self.language}", whole=whole)


@pytest.fixture
def office(product: Installation, browser: Browser, tmp_path: Path) -> tuple[Office, County]:
    county = make_county(product, receiving_schools=0)
    ring_bells(product, county)
    page = sign_in(product, browser, county.administrator, "/exchange")
    return Office(page, Photographs(tmp_path), tmp_path), county


def test_from_a_workbook_to_a_changed_timetable(office: tuple[Office, County], product: Installation) -> None:
    desk, county = office
    mistakes = import_county(desk)
    run_the_plan(desk)
    read_why(desk)
    accept_the_plan(desk)
    teacher_away_for_a_week(desk, product, county)
    what_binds(desk)
    coverage_and_comparison(desk)
    everything_in_english(desk, mistakes)


def upload(desk: Office, name: str, sheets: dict[str, list[list[object]]], errors: int) -> Locator:
    """Upload a workbook; gives its report."""
    desk.page.get_by_test_id("import-file").set_input_files(write_workbook(sheets, desk.folder / name))
    report = desk.page.get_by_test_id("import-report")
    expect(report).to_have_attribute("data-errors", str(errors), timeout=20_000)
    return report


def import_county(desk: Office) -> list[Mistake]:
    """The first draft has ten mistakes; the report names their cells, and those are mended."""
    sheets = right_county()
    mistakes = make_mistakes(sheets)
    report = upload(desk, "全县-初稿.xlsx", sheets, errors=10)
    rows = report.locator("tr[data-code]")
    expect(rows).to_have_count(10)
    told = {(row.get_attribute("data-sheet"), row.get_attribute("data-cell")): row for row in rows.all()}
    for one in mistakes:
        row = told[one.sheet, one.cell]
        expect(row).to_have_attribute("data-code", one.code)
        expect(row).to_contain_text("（空）" if one.wrong is None else str(one.wrong))
    expect(desk.page.get_by_test_id("import-apply")).to_have_count(0)
    desk.look("import-mistakes")

    mend(sheets, [one for one in mistakes if (one.sheet, one.cell) in told])
    upload(desk, "全县-改好.xlsx", sheets, errors=0)
    desk.look("import-mended")
    desk.page.get_by_test_id("import-apply").click()
    expect(desk.page.get_by_test_id("import-result")).to_be_visible(timeout=20_000)
    desk.look("import-done")
    desk.page.get_by_test_id("import-to-planning").click()
    return mistakes


def run_the_plan(desk: Office) -> None:
    desk.page.get_by_test_id("plan-budget").select_option("10")
    desk.page.get_by_test_id("plan-run").click()
    expect(desk.page.get_by_test_id("plan-progress")).to_have_attribute("data-state", "done", timeout=60_000)
    expect(desk.page.get_by_test_id("demand-row")).to_have_count(9)
    desk.look("plan")


def read_why(desk: Office) -> None:
    """Nobody leads science; the other class lacks a place in its only possible lesson: the panel says both."""
    unserved = desk.page.locator("[data-testid=demand-row][data-state=unserved]")
    expect(unserved).to_have_count(2)
    expect(unserved.filter(has_text="科学")).to_contain_text("没有主讲教师开这个年级的这门课")
    why = open_why(desk)
    expect(why.get_by_test_id("why-remedy").first).to_contain_text("多接收一间教室")
    expect(why).to_contain_text("接收教室已满")
    desk.look("why", whole=False)
    desk.page.keyboard.press("Escape")
    expect(why).to_have_count(0)


def open_why(desk: Office) -> Locator:
    unserved = desk.page.locator("[data-testid=demand-row][data-state=unserved]")
    unserved.filter(has_text="石桥村小学").get_by_test_id("why-open").click()
    why = desk.page.get_by_test_id("why-panel")
    expect(why.get_by_test_id("why-remedy").first).to_be_visible(timeout=10_000)
    return why


def accept_the_plan(desk: Office) -> None:
    desk.page.get_by_test_id("plan-accept").click()
    expect(desk.page.get_by_test_id("plan-accept-confirm")).to_be_visible()
    desk.look("accept", whole=False)
    desk.page.get_by_test_id("plan-accept-confirm").click()
    accepted = desk.page.get_by_test_id("plan-progress")
    expect(accepted).to_have_attribute("data-state", "accepted", timeout=30_000)


def teacher_away_for_a_week(desk: Office, product: Installation, county: County) -> None:
    """Up to three proposals; the stand-in's is chosen, leads that week's lessons, and is taken back."""
    page = desk.page
    page.goto("/planning/changes")
    page.get_by_test_id("change-target").locator("input").fill("陈雨晴")
    page.get_by_role("option", name="陈雨晴 · 云岭县实验小学").click()
    page.get_by_test_id("change-from").fill(AWAY_FROM.isoformat())
    page.get_by_test_id("change-length-week").click()
    expect(page.get_by_test_id("change-to")).to_have_value((AWAY_FROM + timedelta(days=6)).isoformat())
    page.get_by_test_id("change-ask").click()
    cards = page.get_by_test_id("proposal-card")
    expect(cards.first).to_be_visible(timeout=20_000)
    assert 1 <= cards.count() <= 3
    substitute = page.locator("[data-testid=proposal-card][data-kind=substitute]")
    expect(substitute).to_contain_text("沈慧敏")
    desk.look("changes")
    substitute.get_by_test_id("proposal-accept").click()
    current = page.get_by_test_id("change-current")
    expect(current).to_have_attribute("data-state", "accepted", timeout=20_000)
    assert led_that_week(product, county) == ["沈慧敏"] * 2
    desk.look("change-accepted")
    page.get_by_test_id("change-withdraw").click()
    expect(current).to_have_attribute("data-state", "withdrawn", timeout=20_000)
    assert led_that_week(product, county) == ["陈雨晴"] * 2


def led_that_week(product: Installation, county: County) -> list[str]:
    """Who leads the lessons that were changed in the week of absence."""
    with product.client(county.administrator.username, county.administrator.password) as client:
        lessons = client.get("/api/lessons", params={"limit": 200}).raise_for_status().json()["items"]
    week = [(AWAY_FROM + timedelta(days=day)).isoformat() for day in range(7)]
    changed = [one for one in lessons if one["version"] > 1 and one["starts_at"][:10] in week]
    return [one["lead"]["teacher"]["name"] for one in changed]


def what_binds(desk: Office) -> None:
    """One more receiving room in each lesson would serve 13 of 16 lessons instead of 12."""
    desk.page.goto("/planning/binding")
    desk.page.get_by_test_id("what-if-assumption").select_option("seats_per_lesson")
    desk.page.get_by_test_id("what-if-ask").click()
    row = desk.page.get_by_test_id("what-if-row")
    expect(row).to_have_attribute("data-state", "done", timeout=60_000)
    expect(row).to_contain_text("81%")
    desk.look("binding")


def coverage_and_comparison(desk: Office) -> None:
    page = desk.page
    page.goto("/planning/coverage")
    expect(page.get_by_test_id("coverage-map")).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("school-table").locator("tbody tr")).to_have_count(3)
    desk.look("coverage")
    page.goto("/planning/compare")
    expect(page.get_by_test_id("compare-figures")).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("compare-figures").locator("tbody tr")).to_have_count(10)
    desk.look("compare")


def everything_in_english(desk: Office, mistakes: list[Mistake]) -> None:
    """The same pages once more for who reads English: the report, the plan, why, proposals, what binds, the map."""
    desk.language = "en"
    page = desk.page
    page.goto("/exchange")
    in_english(page)
    report = upload(desk, "draft.xlsx", _with_mistakes(), errors=len(mistakes))
    expect(report.locator("tr[data-code='missing_value']")).to_contain_text("(empty)")
    desk.look("import-mistakes")
    page.goto("/planning")
    expect(page.get_by_test_id("demand-row").first).to_be_visible(timeout=10_000)
    desk.look("plan")
    expect(open_why(desk)).to_contain_text("one more receiving room")
    desk.look("why", whole=False)
    page.keyboard.press("Escape")
    looks: tuple[tuple[str, Callable[[], Locator]], ...] = (
        ("changes", lambda: page.get_by_test_id("proposal-card").first),
        ("binding", lambda: page.get_by_test_id("what-if-row").first),
        ("coverage", lambda: page.get_by_test_id("coverage-map")),
        ("compare", lambda: page.get_by_test_id("compare-figures")),
    )
    for name, seen in looks:
        page.goto(f"/planning/{name}")
        expect(seen()).to_be_visible(timeout=10_000)
        desk.look(name)


def _with_mistakes() -> dict[str, list[list[object]]]:
    sheets = right_county()
    make_mistakes(sheets)
    return sheets
