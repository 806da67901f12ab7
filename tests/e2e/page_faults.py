"""What is wrong with the page that is open, as somebody meets it who cannot see it, or sees it on a small screen."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

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


def faults_of(page: Page) -> list[str]:
    """Nameless controls, tables without headers, targets too small, what runs off the screen, words of programmers."""
    found = list(page.evaluate(FAULTS))
    text = page.locator("body").inner_text()
    return found + [f"says {match.group()}" for pattern in (MESSAGE_KEY, NOT_WORDS) for match in pattern.finditer(text)]


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
