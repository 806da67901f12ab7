"""Renders the Helm chart as Helm does, values checked by its schema first; Helm itself is not to be had everywhere."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from gotpl.exts.helm import HelmTemplateEngine

CHART = Path(__file__).parents[1] / "deploy/helm/three-classrooms"
RELEASE = "county"


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values of `above` over those of `below`, maps merged key by key as Helm merges them."""
    result = dict(below)
    for key, value in above.items():
        there = result.get(key)
        result[key] = merged(there, value) if isinstance(there, Mapping) and isinstance(value, Mapping) else value
    return result


def rendered(**values: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the chart with the file it comes from. Raises jsonschema.ValidationError for refused values."""
    given = merged(yaml.safe_load((CHART / "values.yaml").read_text()), values)
    jsonschema.validate(given, json.loads((CHART / "values.schema.json").read_text()))
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    data = {
        "Values": given,
        "Release": {"Name": RELEASE, "Namespace": "default", "Service": "Helm", "IsInstall": True},
        "Chart": {key[0].upper() + key[1:]: value for key, value in about.items()},
    }
    sources = {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}
    engine = HelmTemplateEngine.from_sources(sources)
    for name in sources:
        if name.startswith("_"):
            continue
        text = engine.render_template(name, data)
        if name.endswith(".yaml"):
            yield from ((name, one) for one in yaml.safe_load_all(text) if one is not None)
