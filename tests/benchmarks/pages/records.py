"""What is kept of a month beside its lessons: who changed what, how lines were tested, what became of recordings."""

from datetime import timedelta

from month import Month
from prefecture import Prefecture, identity

from service.accounts.roles import Role
from service.accounts.tables import User
from service.audit.tables import AuditRow
from service.connections.tables import ConnectionReport
from service.organisation.tables import Organisation
from service.recordings.making_tables import RecordingNotice
from service.recordings.privacy_tables import RecordingDeletion, RecordingInvitation, RecordingPolicy
from service.rooms.tables import Device, Room
from service.security.tokens import hash_token

ACTS_OF_A_PERSON = 12
TESTS_OF_A_ROOM = 5
DELETIONS, NOTICES, INVITATIONS = 500, 60, 30
DEVICE_TOKEN = "the busiest room"
FACTS = {
    "socket": {"works": True, "round_trip_ms": 20},
    "paths": [{"kind": "direct", "url": None, "works": True, "connect_ms": 80}],
    "media": None,
    "camera": "on",
    "microphone": "on",
    "codecs": ["VP8", "H264", "opus"],
    "browser": "Chromium",
}


class Records:
    """The rows, added to those of the month."""

    def __init__(self, prefecture: Prefecture, month: Month) -> None:
        self._rows, self._now, self._month = prefecture.rows, prefecture.now, month
        self._paths = {identity(key): path for key, path in prefecture.paths.items()}
        self._acts()
        self._tests()
        self._recordings()
        self._device()
        prefecture.user("system administrator", "系统管理员", Role.SYSTEM_ADMINISTRATOR, "prefecture")

    def _acts(self) -> None:
        """Each person signs in every third day of the month, and changes something as often."""
        for number in range(ACTS_OF_A_PERSON):
            at = self._now - timedelta(days=30) + number * timedelta(days=30) / ACTS_OF_A_PERSON
            for person in self._rows[User]:
                lesson = self._month.held[number % len(self._month.held)]
                self._rows[AuditRow].append(
                    {
                        "at": at,
                        "user_id": person["id"],
                        "person": person["display_name"],
                        "role": person["role"],
                        "organisation_path": self._paths[person["organisation_id"]],
                        "operation": "change_lesson" if number % 2 else "open_session",
                        "about": {"lesson_id": lesson["id"]} if number % 2 else {},
                        "client": "10.0.0.1",
                    }
                )

    def _tests(self) -> None:
        for room in self._rows[Room]:
            for number in range(TESTS_OF_A_ROOM):
                self._rows[ConnectionReport].append(
                    {
                        "id": identity(f"test {room['id']} {number}"),
                        "at": self._now - timedelta(days=number),
                        "organisation_id": room["organisation_id"],
                        "place_id": f"room:{room['id']}",
                        "place": room["name"],
                        "receives": "full",
                        "sends": "full",
                        "facts": FACTS,
                    }
                )

    def _recordings(self) -> None:
        administrator = identity("administrator")
        for number, lesson in enumerate(self._month.held[1:DELETIONS:2]):
            trail = {"id": identity(f"deletion {number}"), "lesson_id": lesson["id"], "reason": "asked"}
            trail |= {"policy_of": None, "retention_days": None, "asked_by": administrator, "note": "家长要求"}
            self._rows[RecordingDeletion].append(
                trail | {"began_at": self._now, "finished_at": self._now, "files": 4, "size_bytes": 700_000_000}
            )
        for number, lesson in enumerate(self._month.held[:NOTICES]):
            notice = {"id": identity(f"trouble {number}"), "kind": "making_failed", "subject": lesson["id"]}
            notice |= {"lesson_id": lesson["id"], "detail": "", "data": {}, "first_at": self._now}
            self._rows[RecordingNotice].append(
                notice | {"last_at": self._now, "over_at": None, "seen_by": None, "seen_at": None}
            )
        for number, person in enumerate(self._rows[User][:INVITATIONS]):
            invitation = {"id": identity(f"invitation {number}"), "lesson_id": self._month.held[0]["id"]}
            self._rows[RecordingInvitation].append(
                invitation
                | {"user_id": person["id"], "invited_by": administrator, "invited_at": self._now, "until": None}
            )
        for place in (row for row in self._rows[Organisation] if row["kind"] == "county"):
            policy = {"organisation_id": place["id"], "retention_days": 365, "watermark": True}
            self._rows[RecordingPolicy].append(policy | {"changed_by": administrator, "changed_at": self._now})

    def _device(self) -> None:
        """A device in the room that leads first."""
        device = {"id": identity("device"), "room_id": self._month.held[0]["lead_room_id"]}
        device |= {"token_hash": hash_token(DEVICE_TOKEN), "paired_at": self._now, "paired_by": None}
        self._rows[Device].append(device | {"last_seen_at": self._now, "revoked_at": None})
