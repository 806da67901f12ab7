"""The sample of all settings: every key is there once and explained, values are usable, defaults are told truly."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from service.configuration import PREFIX, Configuration, ConfigurationError, load_configuration

SAMPLE = Path(__file__).parents[2] / "deploy/environment.sample"
AS_IT_IS = "(as it is)"


class Line(NamedTuple):
    key: str
    value: str
    words: str


def sample_lines():
    lines, words = [], ""
    for text in SAMPLE.read_text(encoding="utf-8").splitlines():
        setting = re.fullmatch(rf"#({PREFIX}[A-Z0-9_]+)=(.*)", text)
        if setting:
            lines.append(Line(setting[1], setting[2], words))
            words = ""
        else:
            words = f"{words} {text.removeprefix('#').strip()}" if text else ""
    return lines


@pytest.fixture
def use(monkeypatch, tmp_path):
    """Loads the configuration from the lines, their files being in a folder of the test."""
    secrets = tmp_path / "three-classrooms"
    secrets.mkdir()

    def load(lines):
        for line in lines:
            value = line.value
            if line.key.endswith("_FILE"):
                path = secrets / Path(value).name
                path.write_text("0" * 64, encoding="utf-8")
                value = str(path)
            monkeypatch.setenv(line.key, value)
        return load_configuration()

    return load


def test_every_setting_stands_in_the_sample_once_and_no_other():
    known = sorted(f"{PREFIX}{name}".upper() for name in Configuration.model_fields)
    assert sorted(line.key for line in sample_lines()) == known


def test_every_setting_is_explained():
    assert [line.key for line in sample_lines() if len(line.words.strip()) < len("(as it is)")] == []


def test_all_values_of_the_sample_can_be_used_together(use):
    configuration = use(sample_lines())
    assert configuration.turn_shared_secret == "0" * 64
    assert configuration.effective_fleet_key == "0" * 64
    assert configuration.s3_keys == ("0" * 64, "0" * 64)


def test_values_said_to_be_the_defaults_are(use):
    told = [line for line in sample_lines() if AS_IT_IS in line.words]
    configuration = use(told)
    names = [line.key.removeprefix(PREFIX).lower() for line in told]
    assert {name: getattr(configuration, name) for name in names} == {
        name: Configuration.model_fields[name].get_default() for name in names
    }


def test_every_setting_with_a_default_value_says_so():
    plain = {
        f"{PREFIX}{name}".upper()
        for name, field in Configuration.model_fields.items()
        if isinstance(field.default, str | int | float | bool)
    }
    assert plain == {line.key for line in sample_lines() if AS_IT_IS in line.words}


def test_a_mistyped_key_is_refused_by_name(use):
    with pytest.raises(ConfigurationError, match="THREE_CLASSROOMS_PROT"):
        use([Line("THREE_CLASSROOMS_PROT", "8000", "")])
