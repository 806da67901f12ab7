"""The settings: what is accepted, what is refused, and in which words."""

from pathlib import Path

import pytest

from service.configuration import ConfigurationError, load_configuration


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_database_lies_in_the_data_folder_by_default(tmp_path: Path) -> None:
    configuration = load_configuration(data_folder=tmp_path)
    assert configuration.effective_database_url == f"sqlite:///{tmp_path / 'three-classrooms.sqlite3'}"


@pytest.mark.parametrize("name", ["DATABASE_URL", "THREE_CLASSROOMS_DATABASE_URL"])
def test_postgresql_is_driven_by_psycopg(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "postgresql://school:secret@db/lessons")
    assert load_configuration().effective_database_url == "postgresql+psycopg://school:secret@db/lessons"


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREE_CLASSROOMS_ANNOUNCED_ADDRESSES", "192.0.2.1, 2001:db8::1")
    assert load_configuration().announced_addresses == ("192.0.2.1", "2001:db8::1")


def test_what_the_command_line_says_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREE_CLASSROOMS_PORT", "9000")
    assert load_configuration(port=9001, host=None).port == 9001


def test_an_unknown_key_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREE_CLASSROOMS_PROT", "9000")
    with pytest.raises(ConfigurationError, match="THREE_CLASSROOMS_PROT"):
        load_configuration()


@pytest.mark.parametrize(
    ("key", "value"),
    [("PORT", "eighty"), ("PORT", "70000"), ("TIME_ZONE", "Mars/Olympus"), ("DEFAULT_LOCALE", "tlh")],
)
def test_an_unusable_value_is_refused_by_name(key: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"THREE_CLASSROOMS_{key}", value)
    with pytest.raises(ConfigurationError, match=key.lower()):
        load_configuration()


def test_with_redis_a_key_long_enough_to_protect_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost/0")
    with pytest.raises(ConfigurationError, match="FLEET_KEY_FILE"):
        _ = load_configuration().effective_fleet_key
    monkeypatch.setenv("THREE_CLASSROOMS_FLEET_KEY", "too short")
    with pytest.raises(ConfigurationError, match="at least 32"):
        _ = load_configuration().effective_fleet_key
    file = tmp_path / "key"
    monkeypatch.setenv("THREE_CLASSROOMS_FLEET_KEY_FILE", str(file))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        _ = load_configuration().effective_fleet_key
    file.write_text("k" * 64 + "\n")
    configuration = load_configuration()
    assert configuration.effective_fleet_key == "k" * 64
    assert "too short" not in repr(configuration)
