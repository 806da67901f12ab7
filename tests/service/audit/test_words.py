"""Every act that can be noted has words on the page, in both languages."""

import re
from pathlib import Path
from typing import get_args

import pytest
from fastapi.routing import APIRoute

from service.audit.acts import NOT_NOTED, SAFE_METHODS, Reason
from service.features import ROUTERS

WEB = Path(__file__).parents[3] / "web/src/audit"
CHANGING = {
    route.name
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and not route.methods <= SAFE_METHODS
}
WITHOUT_PERSON = {"set_up", "begin_pairing"}
"""Nobody is signed in yet."""


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_act_has_words(locale: str) -> None:
    words = (WEB / f"messages.{locale}.ts").read_text(encoding="utf-8")
    told = set(re.findall(r"^    (\w+): '", words.partition("  operation: {")[2], re.MULTILINE))
    assert told == CHANGING - NOT_NOTED - WITHOUT_PERSON


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_reason_why_somebody_is_not_let_in_has_words(locale: str) -> None:
    words = (WEB / f"messages.{locale}.ts").read_text(encoding="utf-8")
    reasons = re.search(r"  reason: \{\n(.*?)\n  \},", words, re.DOTALL)
    assert reasons is not None
    assert set(re.findall(r"^    (\w+): '", reasons[1], re.MULTILINE)) == set(get_args(Reason))


def test_what_is_not_noted_exists() -> None:
    assert NOT_NOTED <= CHANGING
