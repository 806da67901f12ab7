"""Log lines as JSON, one object a line, for collectors; the same records that people read as text.

Lines carry ids of lessons, rooms and relays and never a name, an address or a password: whoever reads logs need not
know who teaches. `service/monitoring/README.md` lists the fields.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

IDS = ("lesson_id", "room_id", "relay_id", "connection_id", "job_id")


class LogLines(JsonFormatter):
    """Formats a record as JSON: `at` (UTC), `level`, `source`, `message`, and the ids its code gave as `extra`."""

    def __init__(self) -> None:
        super().__init__("%(message)s", json_ensure_ascii=False)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Only what is listed leaves; anything else that code put into `extra` stays inside."""
        known = ("at", "level", "source", "message", "exc_info", *IDS)
        return {key: log_data[key] for key in known if log_data.get(key) is not None}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Name the fields as the README does."""
        super().add_fields(log_data, record, message_dict)
        log_data["at"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname.lower()
        log_data["source"] = record.name
