"""The page of a plan in a real browser: light and dark, wide and narrow. Skipped where no Chromium is on the PATH."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from slipway.plan import data
from slipway.plan.html import page

from .cases import CASES

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")

#: What the browser is told to prefer.
SCHEMES = {"dark": 0, "light": 1}
#: In CSS pixels: a small telephone, and a desk.
WIDTHS = {"narrow": 360, "wide": 1100}
NAMES = list(CASES)
Seen = dict[str, Any]

#: Looks at each page in a frame of its own, whose width is the page's window, and writes down what is there.
_LOOK = """
const shown = element => { const box = element.getBoundingClientRect(); return box.width > 0 && box.height > 0; };
const channels = colour => colour.match(/[\\d.]+/g).map(Number);
const luminance = colour => { const [r, g, b] = channels(colour).map(value => value / 255)
  .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (one, other) => { const both = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (both[0] + 0.05) / (both[1] + 0.05); };
const over = (colour, opacity, below) => { const [top, base] = [channels(colour), channels(below)];
  return `rgb(${[0, 1, 2].map(at => opacity * top[at] + (1 - opacity) * base[at]).join(",")})`; };
function look(frame) {
  const page = frame.contentDocument, window = frame.contentWindow, wide = page.documentElement.clientWidth;
  const style = (element, name) => window.getComputedStyle(element)[name];
  const all = selector => [...page.querySelectorAll(selector)];
  page.querySelectorAll("details").forEach(one => { one.open = true; });
  const behind = element => { for (let at = element; at; at = at.parentElement) {
    const colour = style(at, "backgroundColor"); if (channels(colour)[3] !== 0) return colour; }
    return "rgb(255,255,255)"; };
  const written = all("body, body *").filter(one => !one.closest("svg, style, script") && shown(one)
    && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const names = all("svg .name").map(one => {
    const fleet = page.querySelector(one.classList.contains("old") ? "polygon.old" : "polygon.new");
    const paper = behind(one.closest("figure"));
    return contrast(style(one, "fill"), over(style(fleet, "fill"), +style(fleet, "opacity"), paper)); });
  return {
    dark: window.matchMedia("(prefers-color-scheme: dark)").matches,
    background: style(page.body, "backgroundColor"),
    wide, scrolls: page.documentElement.scrollWidth,
    beyond: all("body *").filter(one => !one.closest(".wide") && one.getBoundingClientRect().right > wide + 0.5)
      .map(one => one.tagName + "." + one.className),
    requests: window.performance.getEntriesByType("resource").map(one => one.name),
    figures: all("figure").map(figure => ({
      subject: figure.dataset.subject,
      caption: figure.querySelector("figcaption").textContent,
      stages: [...figure.querySelectorAll("rect.stage")].filter(shown).map(one => ({...one.dataset,
        bake: style(one, "fill") !== "rgba(0, 0, 0, 0)"})),
      watched: [...figure.querySelectorAll(".watch")].filter(shown).length,
      letters: [...figure.querySelectorAll("svg text")].map(one => {
        const matrix = one.getScreenCTM(); return matrix.a * parseFloat(style(one, "fontSize")); }),
      outside: [...figure.querySelectorAll("svg *")].filter(shown).filter(one => {
        const [box, svg] = [one, figure.querySelector("svg")].map(each => each.getBoundingClientRect());
        return box.left < svg.left - 1 || box.right > svg.right + 1
          || box.top < svg.top - 1 || box.bottom > svg.bottom + 1;
      }).map(one => one.outerHTML),
    })),
    findings: all(".finding").filter(shown).length,
    faint: written.map(one => [contrast(style(one, "color"), behind(one)), one.textContent.slice(0, 40)])
      .filter(([found]) => found < 4.5),
    names,
  };
}
addEventListener("load", () => { const seen = {};
  for (const frame of document.querySelectorAll("iframe")) seen[frame.id] = look(frame);
  document.getElementById("seen").textContent = JSON.stringify(seen); });
"""


def see(pages: Mapping[str, str], scheme: str) -> dict[str, Seen]:
    """What the browser makes of pages in each width, by ``name width``."""
    assert BROWSER is not None
    frames = "".join(
        f'<iframe id="{name} {width}" style="width:{pixels}px;height:900px;border:0" srcdoc="{escape(html)}"></iframe>'
        for name, html in pages.items()
        for width, pixels in WIDTHS.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frames.html"
        file.write_text(f'<!doctype html><meta charset="utf-8"><pre id="seen"></pre>{frames}<script>{_LOOK}</script>')
        done = subprocess.run(
            [
                BROWSER,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={folder}/profile",
                f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
                "--dump-dom",
                file.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    written = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert written is not None, done.stderr
    assert written[1], done.stderr
    seen: dict[str, Seen] = json.loads(unescape(written[1]))
    return seen


@pytest.fixture(scope="module", params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pages(scheme: str) -> dict[str, Seen]:
    """All pages in one run of the browser, since starting it takes longer than all they do."""
    return see({name: page(made()) for name, made in CASES.items()}, scheme)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_the_drawing_has_what_the_json_has(pages: dict[str, Seen], name: str, width: str) -> None:
    stacks = data.data(CASES[name]())["stacks"]
    courses = [course for stack in stacks for one in stack["endpoints"] for course in one["rollouts"]]
    figures = pages[f"{name} {width}"]["figures"]
    assert [figure["subject"] for figure in figures] == [course["subject"] for course in courses]
    for figure, course in zip(figures, courses, strict=True):
        stages = [one for one in (course.get("live") or course["highest"])["stages"] if one["end"] > one["start"]]
        drawn = figure["stages"]
        assert [(one["kind"], float(one["start"]), float(one["end"])) for one in drawn] == [
            (stage["kind"], stage["start"], stage["end"]) for stage in stages
        ]
        assert [float(one["newTraffic"]) for one in drawn] == [stage["new_traffic"] for stage in stages]
        assert [(float(one["oldRunning"]), float(one["newRunning"])) for one in drawn] == [
            (stage["old_running"], stage["new_running"]) for stage in stages
        ]
        assert [one["bake"] for one in drawn] == ["bake" in stage["kind"] for stage in stages]
        assert figure["watched"] == sum(stage["watched"] for stage in stages)
        assert not course["alarms"] or f"{len(course['alarms'])} alarm" in figure["caption"]
    findings = [finding for stack in stacks for one in (stack, *stack["endpoints"]) for finding in one["findings"]]
    assert pages[f"{name} {width}"]["findings"] == len(findings)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_reaches_beyond_the_window(pages: dict[str, Seen], name: str, width: str) -> None:
    seen = pages[f"{name} {width}"]
    assert seen["wide"] == WIDTHS[width]
    assert seen["scrolls"] == WIDTHS[width]
    assert seen["beyond"] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_the_drawing_stays_in_its_frame_and_can_be_read(pages: dict[str, Seen], name: str, width: str) -> None:
    for figure in pages[f"{name} {width}"]["figures"]:
        assert figure["outside"] == []
        assert min(figure["letters"], default=9) >= 9, "letters below 9 pixels"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_takes_the_readers_colours_and_its_words_stand_out(
    pages: dict[str, Seen], scheme: str, name: str
) -> None:
    seen = pages[f"{name} wide"]
    assert seen["dark"] == (scheme == "dark")
    assert seen["background"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[scheme]
    # The contrast that WCAG 2 asks for (level AA).
    assert seen["faint"] == []
    assert min(seen["names"], default=4.5) >= 4.5


@pytest.mark.parametrize("name", NAMES)
def test_the_browser_asks_for_nothing_else(pages: dict[str, Seen], name: str) -> None:
    assert pages[f"{name} wide"]["requests"] == []


def test_what_is_wrong_with_a_page_would_be_seen() -> None:
    wrong = (
        '<body style="background:#fff"><p style="width:900px;color:#ccc">wide and faint</p>'
        '<img src="https://example.com/a.png">'
    )
    seen = see({"wrong": wrong}, "light")["wrong narrow"]
    assert seen["scrolls"] > WIDTHS["narrow"]
    assert seen["beyond"] == ["P."]
    assert seen["requests"] == ["https://example.com/a.png"]
    assert [text for _, text in seen["faint"]] == ["wide and faint"]
