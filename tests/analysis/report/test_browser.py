"""The report in a real, headless Chromium: from disk, wide and on a phone."""

import base64
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_reports import Report
from made_study import SCRIPT

from analysis.__main__ import main

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium here: apt-get install chromium chromium-driver"),
    pytest.mark.timeout(600),
]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, PHONE = 1280, 375
READABLE = 640
"""Pixels that a large figure keeps on a phone, where it scrolls by itself."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))  # named, so that nothing is downloaded
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(
    grid_report: Report, search_report: Report, folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("compared")
    assert main(["compare", *map(str, folders), "--out", str(out)]) == 0
    made = {"report": grid_report.out, "search": search_report.out}
    return {name: out / "report.html" for name, out in made.items()} | {"comparison": out / "compare.html"}


@pytest.fixture(scope="module")
def report(pages: dict[str, Path]) -> Path:
    return pages["report"]


@pytest.fixture
def view(browser: Any) -> Iterator[Callable[..., Any]]:
    def open_(path: Path, width: int, **media: str) -> Any:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get(path.as_uri())
        return browser

    yield open_
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def screenshot(browser: Any, name: str) -> None:
    """Kept for whoever wants to look, where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("page", ["report", "comparison", "search"])
def test_it_opens_from_disk_and_fits(page: str, width: int, view: Callable[..., Any], pages: dict[str, Path]) -> None:
    path = pages[page]
    browser = view(path, width)
    screenshot(browser, f"{page}-{width}")
    assert browser.get_log("browser") == []
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
    assert [u for u in urls if not u.startswith("data:")] == [path.as_uri()]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    sizes = browser.execute_script("return [...document.images].map(i => [i.complete, i.naturalWidth, i.clientWidth])")
    assert all(complete and natural > 0 and shown <= max(width, READABLE) for complete, natural, shown in sizes)
    assert bool(sizes) == (page != "comparison")


def test_scripts_in_names_and_errors_are_text(report: Path, view: Callable[..., Any]) -> None:
    browser = view(report, WIDE)
    assert browser.title.startswith("Report of the study <script>document.title")
    assert browser.execute_script("return document.scripts.length") == 1
    assert SCRIPT in browser.find_element("id", "table-failures").text


def test_a_search_is_sorted_and_its_script_is_text(pages: dict[str, Path], view: Callable[..., Any]) -> None:
    browser = view(pages["search"], WIDE)
    assert browser.title == "Report of the study search-mlp"
    assert SCRIPT in browser.find_element("id", "table-search-failures").get_attribute("textContent")
    head, values = column_of(browser, "table-search-best", "learning rate")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", head)
    head.find_element("tag name", "button").click()
    assert [float(v) for v in values()] == sorted(float(v) for v in values())
    assert len(values()) == 20


def test_a_script_that_came_in_would_not_run(report: Path, view: Callable[..., Any], tmp_path: Path) -> None:
    """The second line of defence: the page's policy knows its own script by its digest."""
    other = tmp_path / "other.html"
    other.write_text(report.read_text().replace("</body>", "<script>document.title = 'taken over'</script></body>"))
    browser = view(other, WIDE)
    assert browser.title != "taken over"
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


def column_of(browser: Any, table: str, head: str) -> tuple[Any, Callable[[], list[str]]]:
    heads = browser.find_elements("css selector", f"#{table} th")
    at = [h.text.split("\n")[0] for h in heads].index(head)
    cells = f"return [...document.querySelectorAll('#{table} tbody tr')].map(r => r.cells[{at}].textContent)"
    return heads[at], lambda: browser.execute_script(cells)


def numbers(texts: list[str]) -> list[float]:
    return [float(found[0]) for t in texts if (found := re.findall(r"^-?[\d.]+", t))]


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_a_click_on_a_head_sorts_its_column(report: Path, view: Callable[..., Any], width: int) -> None:
    browser = view(report, width)
    head, values = column_of(browser, "table-experiment-appendix", "FID")
    before = values()
    assert head.get_attribute("aria-sort") == "none"
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", head)
    button = head.find_element("tag name", "button")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert numbers(values()) == sorted(numbers(before)) != numbers(before)
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert numbers(values()) == sorted(numbers(before), reverse=True)
    assert sorted(values()) == sorted(before)


def test_the_keyboard_sorts_too_and_one_column_at_a_time(report: Path, view: Callable[..., Any]) -> None:
    browser = view(report, WIDE)
    fid, _ = column_of(browser, "table-experiment-appendix", "FID")
    recall, values = column_of(browser, "table-experiment-appendix", "recall")
    fid.find_element("tag name", "button").send_keys("\ue007")
    recall.find_element("tag name", "button").send_keys(" ")
    assert [h.get_attribute("aria-sort") for h in (fid, recall)] == ["none", "ascending"]
    assert numbers(values()) == sorted(numbers(values()))


def test_missing_entries_come_last_either_way(report: Path, view: Callable[..., Any]) -> None:
    browser = view(report, WIDE)
    head, values = column_of(browser, "table-experiment-neurons", "FID, IQM")
    button = head.find_element("tag name", "button")
    for _ in range(2):
        button.click()
        assert values()[-5:] == ["–"] * 5
        assert "–" not in values()[:-5]


def test_it_is_dark_where_the_reader_wants_it_so(report: Path, view: Callable[..., Any]) -> None:
    def lightness(browser: Any) -> list[float]:
        script = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        return [sum(map(int, re.findall(r"\d+", colour)[:3])) / 765 for colour in browser.execute_script(script)]

    back, text = lightness(view(report, WIDE, color_scheme="light"))
    assert back > 0.9 > 0.2 > text
    back, text = lightness(view(report, WIDE, color_scheme="dark"))
    assert back < 0.2 < 0.8 < text


def test_it_prints_within_the_page_with_nothing_folded(report: Path, view: Callable[..., Any]) -> None:
    browser = view(report, WIDE)
    script = (
        "let folded = -1; addEventListener('beforeprint', () => queueMicrotask(() => "
        "{ folded = document.querySelectorAll('details:not([open], .meanings)').length; window.folded = folded; }))"
    )
    browser.execute_script(script)
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})["data"]
    content = base64.b64decode(pdf)
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 5
    assert browser.execute_script("return window.folded") == 0
    assert browser.execute_script("return document.querySelectorAll('details[open]').length") == 0
