"""Pages on screens of four widths, light and dark: nothing sticks out, collides, breaks or is silently cut off."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import CHROMIUM
from indievalue.cli import app
from indievalue.experiments.run import run_experiment
from indievalue.experiments.spec import parse_experiment
from indievalue.report.leaderboard import entrant, write_leaderboard
from indievalue.report.page import write_report
from indievalue.runs.storage import load_run
from indievalue.synthetic.generate import synthetic_people
from rundirs import make_run, some_people

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page in")]

LONG = "local:HuggingFaceTB/SmolLM2-1.7B-Instruct:score=label,calibrate=contextual"
PREDICTORS = ("majority", "resemble:k=35", LONG, "anthropic/claude-sonnet-4-20250514", "openai/gpt-4o")
COUNTRIES = ("Brazil", "Bangladesh", "New Zealand", "Bosnia and Herzegovina", "Germany", "Zimbabwe", "Great Britain")
STATUS = ("married", "living together as if married", "divorced, separated or widowed, or never married at all")
TABLES = ("inequity", "flattening", "distributions", "compare")
EXPERIMENTS = ("curve", "boxes", "dots", "heat", "sigmas", "groups")
WIDTHS = {390: 844, 800: 1100, 1280: 900, 1920: 1080}

# What is in a figure or over a plot in text, and which two of these share more than a pixel.
COLLISIONS = """() => {
  const found = [];
  for (const group of document.querySelectorAll(".card > svg, .forest .axis, .scale, .legend")) {
    const texts = [...group.querySelectorAll("text, span, li")].filter(one => one.textContent.trim()
      && !one.querySelector("text, span") && one.getClientRects().length && getComputedStyle(one).opacity !== "0");
    const boxes = texts.map(one => [one.textContent, one.getBoundingClientRect()]);
    boxes.forEach(([a, x], at) => boxes.slice(0, at).forEach(([b, y]) => {
      const wide = Math.min(x.right, y.right) - Math.max(x.left, y.left);
      const high = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
      if (wide > 1 && high > 2) found.push([a, b, Math.round(wide), Math.round(high)]);
    }));
  }
  return found;
}"""

# Words of headings, cells and links that do not stand in one line, each up to a sign at which a name can be broken.
BROKEN = """() => {
  const found = [], seen = new Set();
  for (const place of document.querySelectorAll("h1, h2, h3, h4, th, td, nav a, caption, label, summary, .lead, dt")) {
    const walk = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      for (const match of node.data.matchAll(/[^\\s\\/:,;=_–-]+/g)) {
        const range = document.createRange();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + match[0].length);
        const lines = new Set([...range.getClientRects()].filter(box => box.width).map(box => Math.round(box.top / 4)));
        if (lines.size > 1 && !seen.has(match[0])) { seen.add(match[0]); found.push(match[0]); }
      }
    }
  }
  return found;
}"""

SIDEWAYS = """() => [...document.querySelectorAll(".scroll")].filter(one => one.getClientRects().length).map(one => ({
  name: one.getAttribute("aria-label"), beyond: one.scrollWidth - one.clientWidth,
  fades: getComputedStyle(one).maskImage !== "none",
  told: one.previousElementSibling.matches(".sideways") && one.previousElementSibling.getClientRects().length > 0,
  reached: one.tabIndex === 0 || one.querySelector("[tabindex='0'], button") !== null,
}))"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report with every section, of three runs with long names, and a leaderboard."""
    folder = tmp_path_factory.mktemp("pages")
    people = some_people(420, country=COUNTRIES, sex=["female", "male"], marital_status=STATUS)
    given: dict[str, Any] = {"people": people, "predictors": PREDICTORS, "benchmark": "a" * 32}
    made = {
        "few": {"demonstrations": 50, "shown": 50, "skill": {LONG: 0.6, "resemble:k=35": 0.5}},
        "many": {"demonstrations": 200, "shown": 200, "skill": {LONG: 0.8, "resemble:k=35": 0.6}},
        "refined": {"form": "refined", "skill": {LONG: 0.5}, "silent": ["anthropic/claude-sonnet-4-20250514"]},
    }
    runs = {name: load_run(make_run(folder / name, "wvs7", **given, **changes)) for name, changes in made.items()}
    write_report(list(runs.values()), folder / "report.html", example="p0")
    write_report([runs["many"]], folder / "one.html")
    write_leaderboard([entrant("first", runs["many"]), entrant("second", runs["many"])], folder / "leaderboard.html")
    for command in TABLES:
        asked = [command, folder / "many", *([] if command == "compare" else [folder / "few"]), "--draws", 50]
        _called(*asked, "--page", folder / f"{command}.html")
    _write_experiments(folder)
    return {path.stem: path for path in folder.glob("*.html")}


def _called(*arguments: object) -> None:
    found = CliRunner().invoke(app, list(map(str, arguments)))
    assert found.exit_code == 0, found.output


def _write_experiments(folder: Path) -> None:
    """Write the page of an experiment for each kind of figure."""
    people = synthetic_people(600, 0)
    shown = "grid: {form: [polar, refined], demonstrations: [0, 200]}"
    heat = "{kind: heat-map, rows: demonstrations_about, columns: category, panels: predictor}"
    for name, asked in {
        "curve": f"{shown}\nfigure: {{kind: curve, x: demonstrations, panels: form}}",
        "boxes": f"{shown}\nfigure: {{kind: box-plot, x: demonstrations, colour: predictor, panels: form}}",
        "dots": f"{shown}\nfigure: {{kind: dots, rows: predictor, colour: demonstrations, panels: form}}",
        "heat": f"grid: {{demonstrations_about: [each]}}\nby: category\ntable: {{across: category}}\nfigure: {heat}",
        "sigmas": "figure: {kind: inequity}",
        "groups": "figure: {kind: groups}",
    }.items():
        text = (
            f"title: What is predicted?\nasks: Who knows?\npredictors: [majority, 'resemble:k=35']\nminimum: 8\n{asked}"
        )
        run_experiment(parse_experiment(text, name, name), people, folder / name, tested=60, command="indievalue …")
        (folder / name / "report.html").rename(folder / f"{name}.html")


@pytest.fixture
def visit(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """Open a page at a width, in light or dark. Afterwards: no page has complained."""
    contexts: list[Any] = []
    said: list[str] = []

    def opened(name: str, width: int = 1280, scheme: str = "light", hash_: str = "") -> Any:
        context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(pages[name].as_uri() + hash_)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def unfold(page: Any) -> None:
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["report", "leaderboard", *TABLES, *EXPERIMENTS])
def test_nothing_sticks_out_collides_or_is_broken_and_what_is_wider_says_so(visit: Any, name: str, width: int) -> None:
    page = visit(name, width)
    unfold(page)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(COLLISIONS) == []
        assert page.evaluate(BROKEN) == []
    page.wait_for_function("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
    parts = page.evaluate(SIDEWAYS)
    assert parts
    for part in parts:
        wide = part["beyond"] > 2
        assert (part["fades"], part["told"]) == (wide, wide), part
        assert part["reached"] or not wide, part
    if width == 390:
        assert any(part["beyond"] > 2 for part in parts)


def test_the_fade_moves_to_the_other_edge_at_the_end(visit: Any) -> None:
    page = visit("one", 390)
    table = page.locator(".scroll").first
    assert "more-right" in table.get_attribute("class")
    assert "more-left" not in table.get_attribute("class")
    table.evaluate("one => { one.scrollLeft = 9999; }")
    page.wait_for_function("document.querySelector('.scroll').classList.contains('more-left')")
    assert "more-right" not in table.get_attribute("class")


def test_the_navigation_fits_1280_pixels_with_all_sections(visit: Any) -> None:
    page = visit("report", 1280)
    assert page.locator("nav a").count() == 13
    boxes = [link.bounding_box() for link in page.locator("nav a").all()]
    assert min(box["x"] for box in boxes) >= 0
    assert max(box["x"] + box["width"] for box in boxes) <= 1280
    assert (
        page.evaluate(
            "(() => { const ul = document.querySelector('nav ul'); return ul.scrollWidth - ul.clientWidth; })()"
        )
        == 0
    )
    assert "more-" not in (page.locator("nav ul").get_attribute("class") or "")


def test_the_navigation_scrolls_visibly_on_a_phone_and_follows_the_page(visit: Any) -> None:
    page = visit("report", 390)
    bar = page.locator("nav ul")
    assert bar.get_attribute("class") == "more-right"
    assert "linear-gradient" in bar.evaluate("one => getComputedStyle(one).maskImage")
    page.locator("#questions").first.scroll_into_view_if_needed()
    page.evaluate("document.getElementById('questions').scrollIntoView({ behavior: 'instant' })")
    page.wait_for_function("document.querySelector('nav a[aria-current]')?.textContent === 'Questions'")
    box = page.locator("nav a[aria-current]").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.wait_for_function("document.querySelector('nav ul').classList.contains('more-left')")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_screen_holds_the_answer_the_people_and_the_data(visit: Any, width: int) -> None:
    page = visit("one", width)
    for part in ("h1", ".lead", ".facts"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] < WIDTHS[width], part
    assert "420 people in the World Values Survey" in page.locator(".facts").inner_text()


# --- pages of tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["curve", "boxes", "sigmas", "groups"])
def test_the_grey_of_a_baseline_is_light_in_the_dark(visit: Any, name: str) -> None:
    colours = """() => [...new Set([...document.querySelectorAll(".card > svg *")].flatMap(one =>
      ["fill", "stroke"].filter(of => one.getAttribute(of) === "#4d4d4d").map(of => getComputedStyle(one)[of])))]"""
    assert visit(name, scheme="light").evaluate(colours) == ["rgb(77, 77, 77)"]
    assert visit(name, scheme="dark").evaluate(colours) == ["rgb(220, 220, 220)"]


def test_numbers_on_light_squares_are_dark_in_the_dark(visit: Any) -> None:
    colours = """() => [...new Set([...document.querySelectorAll(".card > svg text")].filter(one =>
      /^\\d+\\.\\d$/.test(one.textContent)).map(one => getComputedStyle(one).fill))].sort()"""
    assert visit("heat", scheme="dark").evaluate(colours) == ["rgb(17, 17, 17)", "rgb(254, 254, 254)"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_figures_of_experiments_can_be_read_on_a_phone(visit: Any, name: str) -> None:
    page = visit(name, 390)
    card = page.locator(".card:visible")
    assert card.count() == 1
    assert card.locator("svg text").first.bounding_box()["height"] >= 10
    assert card.evaluate("one => one.scrollWidth - one.clientWidth") <= 0
    drawn = card.locator("svg").evaluate("one => [one.clientWidth, one.viewBox.baseVal.width]")
    assert drawn[0] == pytest.approx(drawn[1], abs=6)  # drawn for a phone, and not made smaller


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "curve",
            r"(majority|resemble:k=35), polar probes, 0 statements\n[\d.]+% right\n95% interval .*\n60 people, .*",
        ),
        ("boxes", r"majority, polar probes, 0 statements\nmean .*, median .*\nhalf of the people .*\nnine in ten .*"),
        ("dots", r"majority, polar probes, 0 statements\n[\d.]+% right\n95% interval .*\n60 people, .*"),
        ("heat", r"(majority|resemble:k=35), polar probes, showing .*\n[\d.]+% right\n95% interval .*\n\d+ people, .*"),
        ("sigmas", r"majority, .*\nσ [\d.]+ points\nwithout noise .*\nby chance .*"),
        ("groups", r"majority, country: .*\n[\d.]+% right\n95% interval .*\n\d+ people, .*"),
    ],
)
def test_marks_in_figures_of_experiments_say_what_they_are(visit: Any, name: str, says: str, width: int) -> None:
    page = visit(name, width)
    marks = page.locator(".card:visible .mark")
    assert marks.count() > 3
    marks.first.hover()
    assert re.fullmatch(says, page.locator("#tip").inner_text()), page.locator("#tip").inner_text()
    page.keyboard.press("Escape")
    page.locator(".card:visible .mark[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    said = page.locator("#tip").inner_text().splitlines()
    assert said[0] == str(marks.nth(1).get_attribute("aria-label")).split(" · ")[0]


def test_differences_are_sorted_as_numbers(visit: Any) -> None:
    page = visit("compare")
    table = page.locator("table").first
    table.get_by_role("button", name="Difference a − b").click()
    place = table.locator("thead th").all_inner_texts().index("Difference a − b")
    shown = table.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts()
    numbers = [float(text.replace("−", "-")) for text in shown]
    assert numbers[0] > 0 > numbers[-1]
    assert numbers == sorted(numbers, reverse=True)


# --- links to a view -------------------------------------------------------------------------------------


def shown(page: Any, run: int = 1) -> str:
    """Return the caption of the groups that are shown of a run, without its mean."""
    pane = page.locator(f"[aria-labelledby=groups] [data-run='{run}'] .pane:visible")
    assert pane.count() == 1
    return " ".join(str(pane.locator("caption").inner_text()).split(", mean")[0].split())


@pytest.mark.parametrize(
    ("view", "caption"),
    [
        ("#groups?demographic=sex", f"Sex {LONG}"),
        ("#groups?demographic=marital_status", f"Marital status {LONG}"),
        ("#groups?demographic=Marital+status&predictor=majority", "Marital status majority"),
        ("#groups?predictor=resemble:k=35", "Country resemble:k=35"),
        ("#groups?demographic=nothing-like-it", f"Country {LONG}"),
        ("#groups", f"Country {LONG}"),
    ],
)
def test_an_address_opens_its_view(visit: Any, view: str, caption: str) -> None:
    page = visit("one", hash_=view)
    assert shown(page) == caption
    page.wait_for_function("Math.abs(document.getElementById('groups').getBoundingClientRect().top) < 200")


def test_menus_write_the_address_and_the_address_sets_the_menus(visit: Any) -> None:
    page = visit("one")
    groups = page.locator("[aria-labelledby=groups] [data-panes]")
    groups.get_by_label("Demographic").select_option(label="sex")
    assert page.evaluate("location.hash") == "#groups?demographic=sex"
    groups.get_by_label("Predictor").select_option("majority")
    assert page.evaluate("location.hash") == "#groups?demographic=sex&predictor=majority"
    page.evaluate("location.hash = '#groups?demographic=marital_status'")
    page.wait_for_function("document.querySelector('[data-key=demographic]').value === 'marital_status'")
    assert shown(page) == f"Marital status {LONG}"
    sent = page.evaluate("location.href")
    again = visit("one", hash_="#" + sent.split("#")[1])
    assert shown(again) == shown(page)
    page.go_back()
    assert page.evaluate("location.hash") == "#groups?demographic=sex&predictor=majority"
    assert shown(page) == "Sex majority"


def test_a_search_can_be_sent(visit: Any) -> None:
    page = visit("one")
    page.get_by_role("searchbox").fill("Q2")
    assert page.evaluate("location.hash") == "#questions?search=Q2"
    again = visit("one", hash_="#questions?search=Q2")
    assert again.locator(".questions tbody tr:visible").count() == 1
    assert again.get_by_role("searchbox").input_value() == "Q2"


def test_of_several_runs_an_address_names_one_or_means_all(visit: Any) -> None:
    page = visit("report", hash_="#groups?demographic=sex")
    assert {shown(page, run).split()[0] for run in (1, 2, 3)} == {"Sex"}
    page.locator("[aria-labelledby=groups] [data-run='2']").get_by_label("Demographic").select_option("country")
    page.locator("[aria-labelledby=groups] [data-run='2']").get_by_label("Predictor").select_option("majority")
    assert page.evaluate("location.hash") == "#groups?run=2&predictor=majority"
    again = visit("report", hash_="#groups?run=2&predictor=majority")
    assert shown(again, 2) == "Country majority"
    assert shown(again, 1) == f"Country {LONG}"


def test_the_command_is_copied(visit: Any) -> None:
    page = visit("one")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(".command code").inner_text()
    assert copied.startswith("indievalue evaluate ")


# --- accessibility ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", ["report", "leaderboard", *TABLES, *EXPERIMENTS])
def test_axe_finds_no_serious_fault(visit: Any, name: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visit(name, width, scheme)
    unfold(page)
    violations = axe.Axe().run(page).response["violations"]
    serious = [one for one in violations if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in serious] == []
