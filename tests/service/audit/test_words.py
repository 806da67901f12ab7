"""Every act that can be noted has words on the page, in both languages."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from service.audit.acts import NOT_NOTED, SAFE_METHODS
from service.features import ROUTERS

WEB = Path(__file__).parents[3] / "web/src/audit"
CHANGING = {
    route.name
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and not route.methods <= SAFE_METHODS
}
WITHOUT_PERSON = {"set_up", "open_session", "begin_pairing"}
"""Nobody is signed in yet."""


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_act_has_words(locale: str) -> None:
    words = (WEB / f"messages.{locale}.ts").read_text(encoding="utf-8")
    told = set(re.findall(r"^    (\w+): '", words, re.MULTILINE))
    assert told == CHANGING - NOT_NOTED - WITHOUT_PERSON


def test_what_is_not_noted_exists() -> None:
    assert NOT_NOTED <= CHANGING
