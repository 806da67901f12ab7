"""A county's term from its workbook to a changed timetable.

Import with ten mistakes, mend, apply; plan, why, accept, a teacher away for a week, a proposal, what binds; then
password slips, a public lesson with a waiting list, and a time found in the schools' weeks.
"""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from county import County, make_county
from county_workbook import make_mistakes, mend, right_county, write_workbook
from pages import LAPTOP, sign_in
from playwright.sync_api import Browser, Page, expect
from public_lesson import public_lesson
from running_product import Product

pytestmark = pytest.mark.e2e

BELLS = (
    *(("08:30", "09:10"), ("09:20", "10:00"), ("10:20", "11:00"), ("11:10", "11:50")),
    *(("13:30", "14:10"), ("14:20", "15:00"), ("15:10", "15:50"), ("16:00", "16:40")),
)
LARGE = {"width": 1920, "height": 1080}


def ring_bells(product: Product, county: County) -> None:
    """Give the county eight periods a day and a term that has begun."""
    today = date.today()
    term = {
        "organisation_id": county.id,
        "name": "演示学期",
        "starts_on": str(today - timedelta(days=10)),
        "ends_on": str(today + timedelta(days=60)),
    }
    periods = [{"number": number, "starts": starts, "ends": ends} for number, (starts, ends) in enumerate(BELLS, 1)]
    with product.client(county.administrator.username, county.administrator.password) as client:
        client.put(f"/api/organisations/{county.id}/periods", json={"items": periods}).raise_for_status()
        client.post("/api/terms", json=term).raise_for_status()


def import_county(page: Page, folder: Path) -> None:
    """Upload the county's workbook with ten mistakes, read the report, upload it mended, apply it."""
    sheets = right_county()
    mistakes = make_mistakes(sheets)
    page.get_by_test_id("import-file").set_input_files(write_workbook(sheets, folder / "全县-初稿.xlsx"))
    report = page.get_by_test_id("import-report")
    expect(report).to_have_attribute("data-errors", "10", timeout=20_000)
    expect(report.locator("tr[data-code]")).to_have_count(len(mistakes))
    for one in mistakes:
        row = report.locator(f"tr[data-sheet='{one.sheet}'][data-cell='{one.cell}'][data-code='{one.code}']")
        expect(row).to_be_visible()
        expect(row).to_contain_text("（空）" if one.wrong is None else str(one.wrong))
        expect(row).not_to_contain_text("exchange.")
    expect(page.get_by_test_id("import-apply")).to_have_count(0)
    photograph(page, "import-mistakes-zh")

    mend(sheets, mistakes)
    page.get_by_test_id("import-file").set_input_files(write_workbook(sheets, folder / "全县-改好.xlsx"))
    expect(report).to_have_attribute("data-errors", "0", timeout=20_000)
    photograph(page, "import-mended-zh")
    page.get_by_test_id("import-apply").click()
    expect(page.get_by_test_id("import-result")).to_be_visible(timeout=20_000)
    photograph(page, "import-done-zh")


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


def test_from_a_workbook_to_a_changed_timetable(product: Product, browser: Browser, tmp_path: Path) -> None:
    county = make_county(product, receiving_schools=0)
    ring_bells(product, county)
    page = sign_in(product, browser, county.administrator, "/exchange")
    import_county(page, tmp_path)
    page.get_by_test_id("import-to-planning").click()

    page.get_by_test_id("plan-budget").select_option("10")
    page.get_by_test_id("plan-run").click()
    progress = page.get_by_test_id("plan-progress")
    expect(progress).to_have_attribute("data-state", "done", timeout=60_000)
    expect(page.get_by_test_id("demand-row")).to_have_count(9)
    photograph(page, "plan-zh")

    unserved = page.locator("[data-testid=demand-row][data-state=unserved]")
    expect(unserved).to_have_count(2)
    expect(unserved.filter(has_text="科学")).to_contain_text("没有主讲教师开这个年级的这门课")
    unserved.filter(has_text="石桥村小学").get_by_test_id("why-open").click()
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
    page.get_by_test_id("change-target").locator("input").fill("陈雨晴")
    page.get_by_role("option", name="陈雨晴 · 云岭县实验小学").click()
    start = date.today() + timedelta(days=7)
    page.get_by_test_id("change-from").fill(start.isoformat())
    page.get_by_test_id("change-to").fill((start + timedelta(days=6)).isoformat())
    page.get_by_test_id("change-ask").click()
    cards = page.get_by_test_id("proposal-card")
    expect(cards.first).to_be_visible(timeout=20_000)
    assert 1 <= cards.count() <= 3
    substitute = page.locator("[data-testid=proposal-card][data-kind=substitute]")
    expect(substitute).to_contain_text("沈慧敏")
    photograph(page, "changes-zh")
    substitute.get_by_test_id("proposal-accept").click()
    current = page.get_by_test_id("change-current")
    expect(current).to_have_attribute("data-state", "accepted", timeout=20_000)

    with product.client(county.administrator.username, county.administrator.password) as client:
        lessons = client.get("/api/lessons", params={"limit": 200}).raise_for_status().json()["items"]
    changed = [one for one in lessons if one["version"] > 1 and start.isoformat() <= one["starts_at"][:10]]
    assert len(changed) == 2
    assert {one["lead"]["teacher"]["name"] for one in changed} == {"沈慧敏"}

    page.get_by_test_id("change-withdraw").click()
    expect(current).to_have_attribute("data-state", "withdrawn", timeout=20_000)

    page.goto("/planning/binding")
    page.get_by_test_id("what-if-assumption").select_option("seats_per_lesson")
    page.get_by_test_id("what-if-ask").click()
    row = page.get_by_test_id("what-if-row")
    expect(row).to_have_attribute("data-state", "done", timeout=60_000)
    expect(row).to_contain_text("81 %")  # 13 of 16 lessons; 12 as things stand
    photograph(page, "binding-zh")

    page.goto("/planning/coverage")
    expect(page.get_by_test_id("coverage-map")).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("school-table").locator("tbody tr")).to_have_count(3)
    photograph(page, "coverage-zh")
    page.goto("/organisation")
    expect(page.get_by_test_id("term-list")).to_be_visible()
    photograph(page, "organisation-zh")
    public_lesson(product, browser, page, photograph)

    page.goto("/planning")
    if page.locator("html").get_attribute("lang") != "en":
        page.locator("header").get_by_text("English").click()
    for path, name in (
        ("/exchange", "exchange"),
        ("/planning", "plan"),
        ("/planning/coverage", "coverage"),
        ("/planning/changes", "changes"),
        ("/planning/binding", "binding"),
    ):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_timeout(800)
        photograph(page, f"{name}-en")
