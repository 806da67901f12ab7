"""The county of the workbook, brought in over the API: for stories that begin after the import."""

from datetime import date, timedelta
from pathlib import Path

from county import County, make_county
from county_workbook import right_county, write_workbook
from running_product import Installation

BELLS = (
    *(("08:30", "09:10"), ("09:20", "10:00"), ("10:20", "11:00"), ("11:10", "11:50")),
    *(("13:30", "14:10"), ("14:20", "15:00"), ("15:10", "15:50"), ("16:00", "16:40")),
)


def ring_bells(product: Installation, county: County) -> None:
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


def make_imported_county(product: Installation, folder: Path) -> County:
    """Set the product up and bring the right workbook in."""
    county = make_county(product, receiving_schools=0)
    ring_bells(product, county)
    file = write_workbook(right_county(), folder / "county.xlsx")
    with product.client(county.administrator.username, county.administrator.password) as client:
        upload = {"file": (file.name, file.read_bytes())}
        report = client.post("/api/imports", data={"kind": "county"}, files=upload).raise_for_status().json()
        assert report["faults"] == []
        client.post(f"/api/imports/{report['id']}/apply").raise_for_status()
    return county
