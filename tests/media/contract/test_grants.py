"""A join grant opens one lesson on one relay for one connection and party, for a minute."""

from typing import Any

import pytest

from media.contract import JoinLesson, Party, SchoolLine, grant_join, join_is_granted

KEY, NOW = "k" * 32, 1_800_000_000.5
JOIN = JoinLesson(
    lesson_id="lesson",
    connection_id="connection",
    party=Party(party_id="room:1", role="room", name="教室"),
    school_line=SchoolLine(school_id="school", down_kbps=20_000, up_kbps=4_000),
)


def test_a_granted_join_is_let_in() -> None:
    assert join_is_granted(KEY, "relay-1", grant_join(KEY, "relay-1", JOIN, NOW), NOW + 1)


def test_it_ends_after_a_minute_and_is_not_good_for_long_before() -> None:
    join = grant_join(KEY, "relay-1", JOIN, NOW)
    assert join_is_granted(KEY, "relay-1", join, NOW + 59)
    assert not join_is_granted(KEY, "relay-1", join, NOW + 60)
    assert not join_is_granted(KEY, "relay-1", join, NOW - 120)


@pytest.mark.parametrize(
    "changes",
    [
        {"lesson_id": "another"},
        {"connection_id": "another"},
        {"party": JOIN.party.model_copy(update={"role": "lead"})},
        {"party": JOIN.party.model_copy(update={"recorded": False})},
        {"school_line": None},
        {"school_line": SchoolLine(school_id="school", down_kbps=0, up_kbps=0)},
        {"grant": ""},
        {"grant": "1800000060."},
        {"grant": "9" * 400 + ".x"},
        {"grant": "１８００００００６０.x"},
    ],
)
def test_it_opens_nothing_else(changes: dict[str, Any]) -> None:
    join = grant_join(KEY, "relay-1", JOIN, NOW).model_copy(update=changes)
    assert not join_is_granted(KEY, "relay-1", join, NOW)


def test_another_relay_or_key_does_not_know_it() -> None:
    join = grant_join(KEY, "relay-1", JOIN, NOW)
    assert not join_is_granted(KEY, "relay-2", join, NOW)
    assert not join_is_granted("another key", "relay-1", join, NOW)
