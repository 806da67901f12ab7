"""What is wrong with the page that is open, as somebody meets it who cannot see it, or sees it on a small screen."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from photographs import MESSAGE_KEY
from playwright.sync_api import ConsoleMessage, Error, Page

NOT_WORDS = re.compile(r"\b(?:undefined|NaN|Invalid Date)\b|\[object ")

FAULTS = r"""() => {
    const found = [];
    const box = (e) => e.getBoundingClientRect();
    const isHidden = (e) => getComputedStyle(e).visibility === 'hidden' || e.closest('[aria-hidden=true]');
    const shown = (selector) => [...document.querySelectorAll(selector)]
        .filter((e) => box(e).width > 0 && box(e).height > 0 && !isHidden(e));
    const told = (e) => e.outerHTML.slice(0, 120);
    const isNamed = (e) => e.getAttribute('aria-label') || e.getAttribute('title')
        || [...(e.labels ?? [])].some((label) => label.textContent.trim())
        || (['BUTTON', 'A'].includes(e.tagName) && e.textContent.trim());
    const controls = shown('button, a[href], input, select, textarea');
    for (const e of controls) if (!isNamed(e)) found.push('no name: ' + told(e));
    for (const e of shown('table')) if (!e.querySelector('th')) found.push('no headers: ' + told(e));
    for (const e of shown('th')) if (!e.textContent.trim()) found.push('empty header: ' + told(e.closest('table')));
    for (const e of shown('button, select')) {
        if (box(e).height < 24 || box(e).width < 24) found.push('small target: ' + told(e));
    }
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) found.push('id twice: ' + id);
    if (document.documentElement.scrollWidth > innerWidth + 1) found.push('scrolls sideways');
    if (!shown('h1').length) found.push('no heading');
    return found;
}"""
"""Targets of 24 pixels at least: WCAG 2.2, 2.5.8."""


AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """async (rules) => {
    const known = {'empty-table-header': {enabled: false}};  // the calendar's are named by aria-label; FAULTS has ours
    const {violations} = await axe.run(document, {runOnly: rules, rules: known, resultTypes: ['violations']});
    const told = (node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`;
    return violations.flatMap(({id, nodes}) => nodes.slice(0, 4).map((node) => `${id}: ${told(node)}`));
}"""


@cache
def axe() -> str:
    """The source of axe-core. Fails with a sentence when npm has not installed it."""
    if not AXE.exists():
        raise FileNotFoundError(f"{AXE.name} is missing: run npm ci in web")
    return AXE.read_text(encoding="utf-8")


def violations_of(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA and good practice: labels, roles, contrast, landmarks, headings."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
    return list(page.evaluate(VIOLATIONS, RULES))


def faults_of(page: Page) -> list[str]:
    """Nameless controls, tables without headers, targets too small, what runs off the screen, words of programmers."""
    found = list(page.evaluate(FAULTS))
    text = page.locator("body").inner_text()
    return found + [f"says {match.group()}" for pattern in (MESSAGE_KEY, NOT_WORDS) for match in pattern.finditer(text)]


SMALL = """(least) => {
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim(), e = walker.currentNode.parentElement;
        const size = parseFloat(getComputedStyle(e).fontSize);
        if (!text || size >= least || !e.checkVisibility({visibilityProperty: true})) continue;
        found.push(`${size} px: ${text.slice(0, 40)}`);
    }
    return found;
}"""


def small_text_of(page: Page, least_px: float = 28) -> list[str]:
    """What is written smaller than the last row of a classroom can read, on a screen of 1920 by 1080."""
    return list(page.evaluate(SMALL, least_px))


@contextmanager
def complaints_of(page: Page) -> Iterator[list[str]]:
    """What the browser complains of meanwhile: errors of scripts, refused requests, blocked content."""
    heard: list[str] = []

    def on_error(error: Error) -> None:
        heard.append(f"error: {error}")

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(message.text)

    page.on("pageerror", on_error)
    page.on("console", on_console)
    try:
        yield heard
    finally:
        page.remove_listener("pageerror", on_error)
        page.remove_listener("console", on_console)
