"""Instances as JSON documents, both ways; `SCHEMA` (JSON Schema 2020-12) is the published format.

Reading checks the document against the shape here and then makes a `Snapshot`, which checks the rest.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from hashlib import sha256
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from scheduler.errors import SnapshotError
from scheduler.instance.snapshot import (
    Demand,
    LeadSeries,
    PinnedPairing,
    RelayNode,
    School,
    SchoolClass,
    Snapshot,
    Studio,
    Teacher,
    Weights,
)

FORMAT = "three-classrooms-instance"
VERSION = 1
_LISTS: Mapping[str, type] = MappingProxyType(
    {
        "nodes": RelayNode,
        "schools": School,
        "teachers": Teacher,
        "studios": Studio,
        "series": LeadSeries,
        "classes": SchoolClass,
        "demands": Demand,
        "pinned": PinnedPairing,
    }
)
_OPTIONAL_LISTS = frozenset({"pinned"})
Entry = TypeVar("Entry")


def to_document(snapshot: Snapshot) -> dict[str, Any]:
    """The instance as plain JSON values."""
    document: dict[str, Any] = {"format": FORMAT, "version": VERSION, "name": snapshot.name}
    document["weights"] = asdict(snapshot.weights)
    for name in _LISTS:
        names = [one.name for one in fields(_LISTS[name])]
        document[name] = [{key: getattr(entry, key) for key in names} for entry in getattr(snapshot, name)]
    document["pacts"] = sorted(list(pact) for pact in snapshot.pacts)
    return document


def dump(snapshot: Snapshot) -> str:
    """The instance as JSON text; equal instances give equal texts."""
    return json.dumps(to_document(snapshot), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def fingerprint(snapshot: Snapshot) -> str:
    """A SHA-256 of the instance's text: a plan names by it what it was made for."""
    return sha256(dump(snapshot).encode()).hexdigest()


def load(text: str) -> Snapshot:
    """An instance from JSON text. Raises SnapshotError that names the place."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"the instance is not JSON: {error}") from None
    return from_document(document)


def from_document(document: object) -> Snapshot:
    """An instance from plain JSON values. Raises SnapshotError that names the place."""
    if not isinstance(document, dict):
        raise SnapshotError("the instance is not a JSON object")
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        raise SnapshotError(f'the instance must say "format": "{FORMAT}" and "version": {VERSION}')
    known = {"format", "version", "name", "weights", "pacts", *_LISTS}
    for name in document:
        if name not in known:
            raise SnapshotError(f"{name!r} is not a part of an instance")
    lists: dict[str, Any] = {name: _entries(document, name, kind) for name, kind in _LISTS.items()}
    weights = _entry("weights", document.get("weights", {}), Weights)
    pacts = frozenset(_value(f"pacts[{at}]", pact, tuple[str, str]) for at, pact in _list(document, "pacts"))
    name = _value("name", document.get("name", ""), str)
    return Snapshot(name=name, weights=weights, pacts=pacts, **lists)


def _list(document: Mapping[str, object], name: str) -> list[tuple[int, object]]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise SnapshotError(f"{name} is not a list")
    return list(enumerate(value))


def _entries(document: Mapping[str, object], name: str, kind: type[Entry]) -> tuple[Entry, ...]:
    if name not in document and name not in _OPTIONAL_LISTS:
        raise SnapshotError(f"the instance has no {name}")
    return tuple(_entry(f"{name}[{at}]", value, kind) for at, value in _list(document, name))


def _entry(where: str, value: object, kind: type[Entry]) -> Entry:
    if not isinstance(value, dict):
        raise SnapshotError(f"{where} is not an object")
    hints = _HINTS[kind]
    for name in value:
        if name not in hints:
            raise SnapshotError(f"{where} has the unknown field {name!r}")
    values = {name: _value(f"{where}.{name}", value[name], hints[name]) for name in value}
    try:
        return kind(**values)
    except TypeError:
        missing = ", ".join(sorted(_REQUIRED[kind] - values.keys()))
        raise SnapshotError(f"{where} lacks {missing}") from None


def _value(where: str, value: object, hint: Any) -> Any:
    """The value as the type wanted: lists become tuples, everything else must be of the type already."""
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise SnapshotError(f"{where} is not a list")
        if arguments[-1] is not Ellipsis and len(value) != len(arguments):
            raise SnapshotError(f"{where} has {len(value)} entries instead of {len(arguments)}")
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(
            _value(f"{where}[{at}]", one, kind) for at, (one, kind) in enumerate(zip(value, kinds, strict=True))
        )
    if arguments and value in arguments:
        return value
    allowed = tuple(one for one in (arguments or (hint,)) if isinstance(one, type))
    if not isinstance(value, allowed) or isinstance(value, bool):
        wanted = " or ".join(str(getattr(one, "__name__", one)) for one in (arguments or (hint,)))
        raise SnapshotError(f"{where} is {value!r}, not {wanted}")
    return value


_HINTS: Mapping[type, Mapping[str, Any]] = {kind: get_type_hints(kind) for kind in (*_LISTS.values(), Weights)}
_REQUIRED: Mapping[type, set[str]] = {
    kind: {one.name for one in fields(kind) if one.default is one.default_factory} for kind in _LISTS.values()
} | {Weights: set()}


def _schema(hint: Any) -> dict[str, Any]:
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        if arguments[-1] is Ellipsis:
            return {"type": "array", "items": _schema(arguments[0])}
        count = len(arguments)
        return {
            "type": "array",
            "prefixItems": [_schema(one) for one in arguments],
            "minItems": count,
            "maxItems": count,
        }
    if arguments and all(isinstance(one, str) for one in arguments):
        return {"enum": list(arguments)}
    if arguments:
        return {"anyOf": [_schema(one) for one in arguments]}
    return {"type": {str: "string", int: "integer", type(None): "null"}[hint]}


def schema() -> dict[str, Any]:
    """The JSON Schema of an instance document, derived from the value types so that it cannot fall behind."""
    parts = {
        kind: {
            "type": "object",
            "properties": {name: _schema(hint) for name, hint in _HINTS[kind].items()},
            "required": sorted(_REQUIRED[kind]),
            "additionalProperties": False,
        }
        for kind in _HINTS
    }
    properties: dict[str, Any] = {name: {"type": "array", "items": parts[kind]} for name, kind in _LISTS.items()}
    properties |= {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "name": {"type": "string"},
        "weights": parts[Weights],
        "pacts": {"type": "array", "items": _schema(tuple[str, str])},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A planning instance of Three Classrooms",
        "type": "object",
        "properties": properties,
        "required": ["format", "version", *(name for name in _LISTS if name not in _OPTIONAL_LISTS)],
        "additionalProperties": False,
    }
