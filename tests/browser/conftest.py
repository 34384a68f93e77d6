"""A browser for the tests here; without one they are skipped, and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chromium import Chromium, find_chromium

from archscope.present.html.document import Settings, render
from archscope.results import Report
from archscope.saved import read

Show = Callable[..., Chromium]
GALLERY = Path(__file__).parents[2] / "reports"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: install Debian's package chromium, or set CHROMIUM")
    opened = Chromium(program, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def show(browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Show:
    """Open the page of some reports, light and 1280 pixels wide.

    All are at one address: the browser compiles a script anew at each, and that takes longest.
    """
    file = tmp_path_factory.mktemp("page") / "report.html"

    def open_page(
        *reports: Report, settings: Settings | None = None, change: Callable[[str], str] = str
    ) -> Chromium:
        file.write_text(change(render(reports, settings)), encoding="utf-8")
        # The page before would draw all of its charts anew at another size.
        browser.send("Page.navigate", url="about:blank")
        browser.size(1280, 900)
        browser.scheme("light")
        browser.open(file)
        return browser

    return open_page


@pytest.fixture(scope="session")
def gpt2() -> Report:
    return read(GALLERY / "gpt2-12.json")


@pytest.fixture(scope="session")
def holes() -> Report:
    return read(GALLERY / "dilations-2-2-2.json")
