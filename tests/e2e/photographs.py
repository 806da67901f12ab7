"""Pictures of pages for people to look at, and a look at each page for words nobody translated."""

import os
import re
from pathlib import Path

from pages import CLASSROOM_SCREEN, LAPTOP
from playwright.sync_api import Page, expect

MESSAGE_KEY = re.compile(
    r"\b(?:planning|exchange|organisation|lessons|booking|week|events|notices|shell|api)\.[a-z]\w+"
)


class Photographs:
    """Takes pictures into a folder; the one named by SCREENSHOTS, where somebody wants both sizes."""

    def __init__(self, folder: Path) -> None:
        wanted = os.environ.get("SCREENSHOTS")
        self.folder = Path(wanted) if wanted else folder
        self._sizes = (LAPTOP, CLASSROOM_SCREEN) if wanted else (LAPTOP,)

    def take(self, page: Page, name: str, *, whole: bool = True) -> None:
        """The page, or what is seen of it, once it says nothing that only a programmer understands."""
        expect(page.locator("body")).not_to_contain_text(MESSAGE_KEY)
        for size in self._sizes:
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.wait_for_timeout(250)  # what slides in has slid in
            page.screenshot(path=str(self.folder / f"{name}-{size['width']}.png"), full_page=whole)
        page.set_viewport_size(LAPTOP)  # type: ignore[arg-type]


def in_english(page: Page) -> None:
    """Show the page in English, as a person would."""
    if page.locator("html").get_attribute("lang") != "en":
        page.get_by_test_id("language-switch").first.click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
