import contextlib
import json
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduler.instance
from scheduler.errors import SnapshotError
from scheduler.instance.document import dump, fingerprint, from_document, load, schema, to_document
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import PinnedPairing, Snapshot, Weights


@pytest.fixture(scope="module")
def small() -> Snapshot:
    snapshot = generate("1/20", 3)
    demand = next(one for one in snapshot.demands if one.candidates)
    return replace(snapshot, pinned=(PinnedPairing(demand.id, demand.candidates[0], ()),))


@pytest.mark.parametrize("seed", range(5))
def test_an_instance_reads_back_as_it_was(seed: int, tiny) -> None:
    snapshot = tiny(seed)
    assert load(dump(snapshot)) == snapshot
    assert fingerprint(load(dump(snapshot))) == fingerprint(snapshot)


def test_any_change_gives_another_fingerprint(small: Snapshot) -> None:
    first = small.demands[0]
    changed = replace(small, demands=(replace(first, lessons=first.lessons + 1), *small.demands[1:]))
    assert fingerprint(changed) != fingerprint(small)
    assert fingerprint(replace(small, weights=Weights(lesson=99))) != fingerprint(small)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda d: d.pop("series"), "no series"),
        (lambda d: d.update(format="x"), "format"),
        (lambda d: d.update(version=2), "version"),
        (lambda d: d.update(extra=1), "'extra'"),
        (lambda d: d.update(schools={}), "schools is not a list"),
        (lambda d: d.update(name=7), "name is 7"),
        (lambda d: d.update(pacts=[["a"]]), r"pacts\[0\] has 1 entries"),
        (lambda d: d.update(pacts=[["a", "b"]]), "no school 'a'"),
        (lambda d: d["weights"].update(lesson="much"), "weights.lesson"),
        (lambda d: d["weights"].update(quarters=[1, 2, 3, 4]), "must not rise"),
        (lambda d: d["schools"].append(7), r"schools\[\d+\] is not an object"),
        (lambda d: d["schools"][0].pop("kits"), r"schools\[0\] lacks kits"),
        (lambda d: d["schools"][0].update(kits=-1), "kits is -1"),
        (lambda d: d["schools"][0].update(kits=True), "kits is True"),
        (lambda d: d["schools"][0].update(kits=1.5), "kits is 1.5"),
        (lambda d: d["schools"][0].update(node="x"), "no node 'x'"),
        (lambda d: d["schools"].append(d["schools"][0]), "two entries have the school id"),
        (lambda d: d["series"][0].update(kind="live"), "kind is 'live'"),
        (lambda d: d["series"][0].update(times=[[1, 2]]), "5-minute grid"),
        (lambda d: d["series"][0].update(times=[[600, 540]]), "5-minute grid"),
        (lambda d: d["series"][0].update(times=[[600, 640], [600, 640]]), "listed twice"),
        (lambda d: d["series"][0].update(times=[[1430, 1450]], lessons=1), "midnight"),
        (lambda d: d["series"][0].update(seats=0), "seats is 0"),
        (lambda d: d["series"][0].update(teacher="x"), "no teacher 'x'"),
        (lambda d: d["classes"][0].update(school="x"), "no school 'x'"),
        (lambda d: d["demands"][0].update(class_id="x"), "no class 'x'"),
        (lambda d: d["demands"][0].update(candidates=["x"]), "no candidate series 'x'"),
        (lambda d: d["demands"][0].update(lessons=0), "lessons is 0"),
        (lambda d: d["pinned"][0].update(demand="x"), "no demand 'x'"),
        (lambda d: d["pinned"][0].update(times=[99]), "names times"),
    ],
)
def test_a_malformed_instance_is_refused_and_the_place_named(small: Snapshot, damage, named: str) -> None:
    document = json.loads(dump(small))
    damage(document)
    with pytest.raises(SnapshotError, match=named):
        from_document(document)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"format": "three-classrooms-instance"}'])
def test_what_is_no_instance_at_all_is_refused(text: str) -> None:
    with pytest.raises(SnapshotError):
        load(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["schools", "series", "demands", "weights", "pacts", "nodes", "pinned", "name"]), json_values)
def test_any_json_in_place_of_a_part_is_read_or_refused_by_name(part: str, value: object) -> None:
    document = to_document(Snapshot("x", (), (), (), (), (), (), ())) | {part: value}
    with contextlib.suppress(SnapshotError):
        assert isinstance(from_document(document), Snapshot)


def test_the_published_schema_is_that_of_the_value_types() -> None:
    published = Path(scheduler.instance.__file__).with_name("instance.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == schema()


def test_a_generated_instance_obeys_the_schema_and_a_damaged_one_does_not(small: Snapshot) -> None:
    validator = jsonschema_rs.validator_for(schema())
    document = json.loads(dump(small))
    assert validator.is_valid(document)
    document["schools"][0]["kits"] = "two"
    assert not validator.is_valid(document)


def test_the_schema_names_every_part_and_field(small: Snapshot) -> None:
    published = schema()
    document = json.loads(dump(small))
    assert set(document) == set(published["properties"])
    for part in ("schools", "series", "demands", "classes", "teachers", "studios", "nodes", "pinned"):
        fields = published["properties"][part]["items"]
        assert set(document[part][0]) == set(fields["properties"])
        assert set(fields["required"]) <= set(document[part][0])
