"""Verifies a proof that no plan serves all of some schools at least a certain share of their need.

Its prices are those of a certificate, for a world in which only these schools' lessons are worth anything: each its
school's `quarter` price. If all that can be had is worth less than the lessons wanted for the schools, then no plan
has them all.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from scheduler.check.certificate import Prices, proven_points
from scheduler.check.week_plan import servable_schools
from scheduler.errors import CertificateError
from scheduler.instance.snapshot import Snapshot, Weights

NOTHING_COUNTS = Weights(0, 0, (0, 0, 0, 0), 0, 0, 0, 0, 0, 0)


def of_schools(snapshot: Snapshot, schools: frozenset[str]) -> Snapshot:
    """The instance with only these schools' demands, points for nothing and nothing pinned."""
    demands = tuple(one for one in snapshot.demands if snapshot.class_of[one.class_id].school in schools)
    return replace(snapshot, demands=demands, pinned=(), weights=NOTHING_COUNTS)


def wanted_lessons(need: Mapping[str, int], share: Fraction) -> dict[str, int]:
    """The lessons that are at least this share of each need."""
    return {school: -(-share.numerator * lessons // share.denominator) for school, lessons in need.items()}


def worst_share_proven(snapshot: Snapshot, proof: object) -> Fraction:
    """The largest share that the worst school of a plan could still have by this proof; 1 without any proof (None).

    Raises CertificateError if the proof is malformed or proves nothing.
    """
    if proof is None:
        return Fraction(1)
    if not isinstance(proof, dict):
        raise CertificateError("worst_school: this is not a proof")
    below = _share_of(proof.get("below"))
    servable = servable_schools(snapshot)
    schools = proof.get("schools")
    if not isinstance(schools, list) or not all(isinstance(one, str) for one in schools):
        raise CertificateError("worst_school: schools is not a list of ids")
    if not frozenset(schools) <= frozenset(servable):
        raise CertificateError("worst_school: a school that no lesson can reach is in the proof")
    alone = of_schools(snapshot, frozenset(schools))
    prices = Prices(alone, proof)
    wanted = wanted_lessons(alone.need_of_school, below)
    worth = sum(prices.named["quarter"].get(school, 0) * lessons for school, lessons in wanted.items())
    if proven_points(alone, prices) >= worth:
        raise CertificateError(f"worst_school: the prices do not rule out that all schools have {below} of their need")
    need = snapshot.need_of_school
    shares = [Fraction(wanted_lessons({one: need[one]}, below)[one] - 1, need[one]) for one in servable]
    return max(shares, default=Fraction(1))


def _share_of(stated: Any) -> Fraction:
    whole = isinstance(stated, list) and len(stated) == 2 and all(type(part) is int for part in stated)
    if not whole or not 0 < stated[0] <= stated[1]:
        raise CertificateError(f"worst_school: {stated!r} is not a share as [part, whole]")
    return Fraction(stated[0], stated[1])
