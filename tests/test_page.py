"""The report page in a real browser: it sorts, filters, says what its marks are, needs no mouse, and loads nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import CHROMIUM
from indievalue.report.figures.styles import PALETTE, SPREAD
from indievalue.report.page import write_report
from indievalue.runs.storage import load_run
from rundirs import HOSTILE, make_run, some_people

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page in")

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colour, under) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const paint of [under, colour]) { canvas.fillStyle = paint; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const text = rgb => `rgb(${rgb.join(",")})`;
  const light = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)];
    return (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
  };
  const ground = element => {
    const chain = [];
    for (let at = element; at; at = at.parentElement) chain.unshift(getComputedStyle(at).backgroundColor);
    return chain.reduce((under, colour) => over(colour, text(under)), [255, 255, 255]);
  };
  const shown = element => element.getClientRects().length && getComputedStyle(element).visibility !== "hidden";
  const words = [...document.querySelectorAll("body *")].filter(element => shown(element)
    && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const texts = words.map(element => {
    const style = getComputedStyle(element), svg = element instanceof SVGElement;
    return [element.textContent.trim().slice(0, 40), ratio(over(svg ? style.fill : style.color, text(ground(element))),
      ground(element))];
  });
  const marks = [...document.querySelectorAll(".card:not(:has(.world)) .mark, .swatch rect, .plot circle")]
    .filter(shown)
    .map(mark => [mark.outerHTML.slice(0, 200), getComputedStyle(mark).fill, ground(mark)])
    .map(([name, fill, under]) => [name, ratio(over(fill, text(under)), under)]);
  return { texts, marks };
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two runs: seven countries, one too small, a group with a hostile label, four predictors."""
    folder = tmp_path_factory.mktemp("page")
    countries = ["Brazil", "Zimbabwe", "Canada", "Singapore", "Germany", "Japan"]
    people = some_people(
        240, country=countries * 39 + ["Andorra"] * 6, sex=["female", "male"], **{"class": [HOSTILE, "other class"]}
    )
    skill = {"majority": 0.3, "resemble:k=35": 0.6}
    runs = [
        make_run(folder / f"run{shown}", "wvs7", people=people, skill=skill, demonstrations=shown, shown=shown)
        for shown in (50, 200)
    ]
    write_report([load_run(run) for run in runs], folder / "report.html")
    return folder / "report.html"


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    """The page on a desktop. Afterwards: nothing was complained of, and nothing but the file was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    yield page
    assert said == []
    assert asked == [report.as_uri()]
    context.close()


def column(page: Any, table: str, number: int) -> list[str]:
    cells = page.locator(f"{table} tbody tr:visible > :nth-child({number})").all_inner_texts()
    return [" ".join(cell.split()) for cell in cells]


def test_a_table_sorts_by_mouse_and_by_keyboard(page: Any) -> None:
    table = "[aria-labelledby=accuracy] table >> nth=0"
    heading = page.locator(table).locator("th", has_text="Accuracy")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    rows = page.locator(table).locator("tbody tr")
    accuracies = [float(value) for value in rows.evaluate_all(
        "rows => rows.map(row => row.cells[1].dataset.value).filter(value => value !== undefined)"
    )]  # fmt: skip
    assert accuracies == sorted(accuracies, reverse=True)
    assert len(set(accuracies)) > 1
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert rows.evaluate_all("rows => rows[0].cells[1].dataset.value") == str(min(accuracies))
    assert "(paper)" in rows.last.inner_text()  # what has no number comes last, whichever way
    name = page.locator(table).locator("th", has_text="Predictor")
    name.get_by_role("button").click()
    names = rows.locator("th").all_inner_texts()
    assert names == sorted(names, key=str.lower)
    assert heading.get_attribute("aria-sort") is None
    assert page.locator("#say").inner_text() == "sorted by Predictor, rising"


def test_questions_are_filtered_by_words_and_category(page: Any) -> None:
    part = page.locator("[data-filtered]").first
    rows = part.locator("tbody tr:visible")
    everything = rows.count()
    assert everything == 3
    part.get_by_role("searchbox").fill("q2")
    assert [text.split()[0] for text in rows.locator("th").all_inner_texts()] == ["Q2"]
    assert part.locator("output").inner_text() == "1 of 3 questions"
    part.get_by_role("searchbox").fill("no such words")
    assert rows.count() == 0
    part.get_by_role("searchbox").fill("")
    part.get_by_role("combobox").select_option(index=1)
    assert rows.count() == everything
    assert part.locator("output").inner_text() == "3 questions"


def test_a_tooltip_says_n_and_interval_under_the_pointer(page: Any) -> None:
    tip = page.get_by_role("tooltip")
    mark = page.locator("[aria-labelledby=accuracy] .card.wide .mark").first
    mark.scroll_into_view_if_needed()
    mark.hover()
    expected = r"resemble:k=35\s+\d+\.\d% right\s+95% interval \d+\.\d–\d+\.\d%\s+240 people, 720 answers"
    assert re.fullmatch(expected, tip.inner_text())
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_every_figure_is_one_stop_and_arrows_go_through_its_marks(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    heard: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('[aria-labelledby=accuracy] .card .mark')"):
            break
    tip = page.get_by_role("tooltip")
    for _ in range(3):
        heard.append(tip.inner_text().split("\n")[0])
        page.keyboard.press("ArrowRight")
    assert len(set(heard)) == 3
    page.keyboard.press("Home")
    assert tip.inner_text().split("\n")[0] == heard[0]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.card.wide') === null")
    stops = page.evaluate(
        "[...document.querySelectorAll('[data-marks]')].map(one => one.querySelectorAll('[tabindex=\"0\"]').length)"
    )
    assert set(stops) <= {0, 1}


def test_cells_are_walked_as_a_grid(page: Any) -> None:
    cell = page.locator(".questions [data-tip]").first
    cell.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.parentElement.rowIndex") == 2
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.cellIndex") == 5
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"


def test_choices_change_what_is_shown(page: Any) -> None:
    panes = page.locator("[aria-labelledby=groups] [data-panes]").first
    assert panes.locator(".pane:visible").count() == 1
    panes.get_by_label("Demographic").select_option(label="sex")
    panes.get_by_label("Predictor").select_option("random")
    shown = panes.locator(".pane:visible")
    assert shown.count() == 1
    assert shown.locator("caption").inner_text().split()[:2] == ["Sex", "random,"]
    assert sorted(shown.locator("tbody th").all_inner_texts()) == ["female", "male"]


def test_the_map_shows_countries_and_hatches_those_with_too_few_people(page: Any) -> None:
    marks = page.locator(".world:visible").first.locator(".mark")
    said = {mark.get_attribute("aria-label").split(" · ")[0]: mark for mark in marks.all()}
    assert set(said) == {f"resemble:k=35, {name}" for name in
                         ("Brazil", "Zimbabwe", "Canada", "Singapore", "Germany", "Japan")} | {"Andorra"}  # fmt: skip
    assert said["Andorra"].get_attribute("fill") == "url(#world-few)"
    assert "%" not in said["Andorra"].get_attribute("aria-label")
    for mark in said.values():
        box = mark.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 2


def test_labels_with_markup_stay_text(page: Any) -> None:
    assert page.locator("script").count() == 1
    assert page.locator("td, th, option").filter(has_text="alert('x')").count() > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_keep_their_contrast(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for part in page.locator("details").all():
        part.evaluate("one => one.open = true")
    found = page.evaluate(CONTRAST)
    assert len(found["texts"]) > 500
    assert len(found["marks"]) > 100
    assert [item for item in found["texts"] if item[1] < 4.5] == []
    assert [item for item in found["marks"] if item[1] < 3] == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(22, 23, 26)") == (scheme == "dark")


def test_the_page_fits_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator(".card.narrow:visible").count() > 0
    assert page.locator(".card.wide:visible").count() == 0


def test_paper_shows_all_and_no_controls(page: Any) -> None:
    page.locator("[data-filtered]").first.get_by_role("searchbox").fill("no such words")
    page.emulate_media(media="print")
    assert page.locator("nav:visible, select:visible, input:visible").count() == 0
    assert page.locator(".questions").first.locator("tbody tr:visible").count() == 3
    captions = page.locator(".forest:visible caption").all_inner_texts()
    assert {caption.split()[0] for caption in captions} == {"Country", "Sex", "Class"}


def test_without_scripts_everything_is_there(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator(".choices:visible").count() == 0
    assert page.locator(".pane:visible").count() == page.locator(".pane").count() > 8
    context.close()


def test_the_palette_is_told_apart_without_red_or_green_cones() -> None:
    for place, ground in ((0, "#ffffff"), (1, "#1c1d21")):
        colours = [pair[place] for pair in PALETTE]
        for sight in SIGHTS.values():
            seen = [lab(colour, sight) for colour in colours]
            apart = [distance(a, b) for at, a in enumerate(seen) for b in seen[:at]]
            assert min(apart) > 12, (ground, apart)
    assert len(set(SPREAD)) == 7


# Machado, Oliveira & Fernandes 2009, at full severity.
SIGHTS = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
}


def lab(colour: str, sight: Any) -> list[float]:
    """CIELAB of a colour as somebody with ``sight`` has it."""
    raw = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in raw]
    seen = [min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear, strict=True)))) for row in sight]
    to_xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(a * b for a, b in zip(row, seen, strict=True)) for row in to_xyz]
    x, y, z = (
        value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
        for value in (part / white for part, white in zip(xyz, (0.9505, 1, 1.089), strict=True))
    )
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


def distance(a: list[float], b: list[float]) -> float:
    return sum((one - other) ** 2 for one, other in zip(a, b, strict=True)) ** 0.5
