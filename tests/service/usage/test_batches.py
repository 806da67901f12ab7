"""What hundreds of lessons report at one time goes to the database in a few statements, in its order."""

from typing import Any

from sqlalchemy import event, select

from media.contract import Delivered
from service.usage.log import write_events
from service.usage.tables import UsageRow


def delivered(number: int) -> Delivered:
    at = 1_788_740_000.0 + number
    return Delivered(
        lesson_id=f"{number % 50:032x}",
        party_id=f"room:{number:032x}",
        from_at=at - 5,
        to_at=at,
        lead_picture_ms=number,
        lead_sound_ms=5000,
        picture_bytes=450_000,
        sound_bytes=25_000,
    )


def test_a_batch_is_written_in_a_few_statements_and_in_order(parts: Any) -> None:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(parts.database.engine, "before_cursor_execute", note)
    with parts.database.unit_of_work() as session:
        write_events(session, [delivered(number) for number in range(300)])
    event.remove(parts.database.engine, "before_cursor_execute", note)
    assert len(statements) <= 4
    with parts.database.reading() as session:
        rows = session.scalars(select(UsageRow).order_by(UsageRow.id)).all()
    assert [row.data["lead_picture_ms"] for row in rows] == list(range(300))
    assert {row.connection_id for row in rows} == {None}
