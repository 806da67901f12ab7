"""A small county made through the API: five schools with a room, an administrator and a teacher each."""

from dataclasses import dataclass

import httpx
from running_product import Installation, new_password


@dataclass(frozen=True)
class Account:
    """Who signs in, and how."""

    username: str
    password: str


@dataclass(frozen=True)
class School:
    """One school of the county."""

    id: str
    name: str
    room_id: str
    room_name: str
    administrator: Account


@dataclass(frozen=True)
class County:
    """Everything a story needs: the lead school first, then the receiving ones."""

    id: str
    administrator: Account
    researcher: Account
    teacher: Account
    schools: tuple[School, ...]


def make_county(product: Installation, receiving_schools: int = 4) -> County:
    """Set the product up with its first administrator, one county and its schools."""
    founder = Account("founder", new_password())
    product.set_up(founder.username, founder.password, "青禾州")
    with product.client(founder.username, founder.password) as system:
        prefecture_id = system.get("/api/organisations").raise_for_status().json()["items"][0]["id"]
        county_id = _organisation(system, prefecture_id, "云岭县", "county")
        schools = tuple(_school(system, county_id, number) for number in range(receiving_schools + 1))
        return County(
            county_id,
            _account(system, "county-admin", "county_administrator", county_id, "县管理员"),
            _account(system, "researcher", "researcher", county_id, "李研究"),
            _account(system, "lead-teacher", "teacher", schools[0].id, "王主讲"),
            schools,
        )


def paired(product: Installation, county: County, number: int) -> str:
    """Pair the room of that school with a computer, through the API; gives the computer's token."""
    with httpx.Client(base_url=product.url) as device:
        begun = device.post("/api/device/pairing", json={}).raise_for_status().json()
        with product.client(county.administrator.username, county.administrator.password) as administrator:
            address = f"/api/rooms/{county.schools[number].room_id}/pairing"
            administrator.post(address, json={"code": begun["code"]}).raise_for_status()
        answer = device.post(f"/api/device/pairing/{begun['pairing_id']}", json={"secret": begun["secret"]})
        return str(answer.raise_for_status().json()["token"])


def _school(system: httpx.Client, county_id: str, number: int) -> School:
    name = f"第{number}小学"
    school_id = _organisation(system, county_id, name, "school")
    room_name = f"{number}号教室"
    room = {"organisation_id": school_id, "name": room_name, "can_lead": number == 0}
    room_id = system.post("/api/rooms", json=room).raise_for_status().json()["id"]
    administrator = _account(system, f"school-{number}", "school_administrator", school_id, f"校长{number}")
    return School(school_id, name, room_id, room_name, administrator)


def _organisation(system: httpx.Client, parent_id: str, name: str, kind: str) -> str:
    body = {"parent_id": parent_id, "name": name, "kind": kind}
    return str(system.post("/api/organisations", json=body).raise_for_status().json()["id"])


def _account(system: httpx.Client, username: str, role: str, organisation_id: str, name: str) -> Account:
    account = Account(username, new_password())
    body = {
        "username": username,
        "password": account.password,
        "display_name": name,
        "role": role,
        "organisation_id": organisation_id,
    }
    system.post("/api/users", json=body).raise_for_status()
    return account
