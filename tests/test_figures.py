"""Figures and tables for a paper: what they hold, that labels stay text, and runs that lack what most have."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import GARDEN
from indievalue.experiments.spec import load_experiment
from indievalue.report.differences import differences
from indievalue.report.figures.curves import curve_figure, curves
from indievalue.report.figures.drawing import NARROW, PHONE, WIDE, figure_svg, titled_svg
from indievalue.report.figures.evenness import experiment_inequity_figure, groups_figure
from indievalue.report.figures.files import write_figures
from indievalue.report.figures.forest import forest_svg, forests
from indievalue.report.figures.heat_maps import heat_map
from indievalue.report.figures.inequity import inequity_figure
from indievalue.report.figures.inline import Draw, run_svg
from indievalue.report.figures.lettering import lines_within, shortened, text_width
from indievalue.report.figures.of_experiments import box_plot, curve, dots
from indievalue.report.figures.of_runs import accuracy_figure, category_figure, people_figure, reliability_figure
from indievalue.report.figures.styles import predictor_styles
from indievalue.report.figures.world import country_codes, country_demographic, read_outline, scale_of, world_maps
from indievalue.report.page import write_report
from indievalue.report.paper import paper_figures
from indievalue.report.tables.of_experiments import inequity_table
from indievalue.report.tables.of_runs import write_run_tables
from indievalue.report.tables.table import PrintedTable, latex_text, markdown_text
from indievalue.runs.names import run_names
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from indievalue.survey.load import load_survey
from rundirs import HOSTILE, PREDICTORS, QUESTIONS, SURVEY, make_run, some_people

COUNTRIES = ["Brazil", "Singapore", "Canada"]
SKILL = {"majority": 0.3, "resemble:k=35": 0.6}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """125 people, five of them in a country of too few, and half of them of a class with a hostile name."""
    labels = {"country": COUNTRIES * 40 + ["Andorra"] * 5, "sex": ["female", "male"], "class": [HOSTILE, "=1+1"]}
    people = some_people(125, **labels)
    return load_run(make_run(tmp_path_factory.mktemp("run") / "run", "wvs7", people=people, skill=SKILL))


# --- groups ----------------------------------------------------------------------------------------------


def test_a_forest_holds_the_groups_accuracies_and_what_chance_allows(run: Run) -> None:
    plots = {forest.demographic: forest for forest in forests(run)}
    assert set(plots) == {"country", "sex", "class"}
    panel = next(panel for panel in plots["sex"].panels if panel.predictor == "majority")
    of = run.predictions.filter(predictor="majority").join(run.people, on="person")
    right = of.select("person", "sex", hit=(pl.col("choice") == pl.col("answer")).cast(pl.Float64))
    for row in panel.rows:
        own = right.filter(sex=row.group)
        assert row.accuracy == pytest.approx(100 * own["hit"].mean())
        assert row.people == own["person"].n_unique()
    assert panel.mean == pytest.approx(100 * right["hit"].mean())
    # The band is the standard deviation over reshuffled people, 1.96 times.
    accuracy = right.group_by("person", maintain_order=True).agg(pl.col("hit").mean() * 100)["hit"].to_numpy()
    random = np.random.default_rng(0)
    size = panel.rows[0].people
    drawn = [random.permutation(accuracy)[:size].mean() for _ in range(20_000)]
    assert panel.rows[0].band == pytest.approx(1.96 * np.std(drawn), rel=0.03)


def test_groups_of_too_few_people_have_no_figure_of_their_own(run: Run, tmp_path: Path) -> None:
    country = next(forest for forest in forests(run) if forest.demographic == "country")
    assert {row.group for panel in country.panels for row in panel.rows} == set(COUNTRIES)
    assert "Andorra" not in str(run.index and run.index.groups.to_dicts())
    write_figures([run], tmp_path / "figures")
    write_run_tables([run], tmp_path / "tables")
    for path in tmp_path.rglob("*.csv"):
        if path.name.startswith("world-"):
            (andorra,) = (row for row in csv.DictReader(path.open()) if row["name"] == "Andorra")
            assert andorra["accuracy"] == ""
        else:
            assert "Andorra" not in path.read_text()


def test_every_place_of_a_forest_is_on_the_panel(run: Run) -> None:
    for forest in forests(run):
        for panel in forest.panels:
            assert forest.at(panel, panel.mean) == 50
            for row in panel.rows:
                places = [forest.at(panel, value) for value in (row.low, row.accuracy, row.high)]
                assert 0 <= places[0] <= places[1] <= places[2] <= 100


def test_a_forest_is_drawn_with_the_numbers_that_it_holds(run: Run) -> None:
    country = next(forest for forest in forests(run) if forest.demographic == "country")
    svg = forest_svg(country, predictor_styles(run.scores))
    drawn = [float(at) for at in re.findall(r'<circle cx="([-\d.]+)"', svg)]
    order = [row.group for row in country.panels[-1].rows]
    rows = [(panel, {row.group: row for row in panel.rows}[group]) for panel in country.panels for group in order]
    assert drawn == pytest.approx([2 * country.at(panel, row.accuracy) for panel, row in rows], abs=0.06)
    for panel in country.panels:
        assert f">{panel.predictor}</text>" in svg
        assert f">{panel.mean:.1f}%</text>" in svg


# --- long names ------------------------------------------------------------------------------------------

LONG = "local:HuggingFaceTB/SmolLM2-1.7B-Instruct:score="
LONG_NAMES = ("majority", f"{LONG}label", f"{LONG}likelihood", "random")
SENTENCE = "Dots: without noise, with 95% intervals; hollow: as computed in the paper; ticks: what chance alone gives. "


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    labels = {"country": ["Bolivia (Plurinational State of)", "Canada"], "class": ["upper " * 20, "lower " * 20]}
    people = some_people(120, **labels)
    return load_run(make_run(tmp_path_factory.mktemp("long") / "run", "wvs7", people=people, predictors=LONG_NAMES))


def texts_beyond_the_edge(svg: str) -> list[str]:
    """The texts of an SVG that begin to the left of it or end to the right of it."""
    root = ElementTree.fromstring(svg)
    width, beyond = float(root.attrib["width"]), []

    def walk(element: ElementTree.Element, shift: float) -> None:
        moved = re.match(r"translate\(([-\d.e]+)", element.get("transform", ""))
        turned = "rotate" in element.get("transform", "")
        shift += float(moved[1]) if moved else 0
        lines = [text for text in element.itertext() if text.strip()] if element.tag.endswith("}text") else []
        for text in [] if turned else lines:
            size = float(element.get("font-size", "13").removesuffix("px"))
            across = text_width(text, size, bold=element.get("font-weight") in ("bold", "600"))
            start = shift + float(element.get("x", 0))
            start -= {"middle": across / 2, "end": across}.get(element.get("text-anchor", ""), 0)
            if start < -0.05 * across or start + 0.95 * across > width:
                beyond.append(text)
        for child in element:
            walk(child, shift)

    walk(root, 0)
    return beyond


@pytest.mark.parametrize("width", [326, 720])
@pytest.mark.parametrize("draw", [accuracy_figure, category_figure, people_figure, reliability_figure, inequity_figure])
def test_no_figure_of_a_run_cuts_long_names_off(long_run: Run, draw: Draw, width: int) -> None:
    svg = run_svg(draw, long_run, predictor_styles(long_run.scores), width)
    assert texts_beyond_the_edge(svg) == []
    opening = ElementTree.fromstring(svg)
    assert float(opening.attrib["width"]) <= width + 5
    assert len(re.findall(r"score=label<", svg)) == len(re.findall(r"score=likelihood<", svg)) >= 1


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_no_figure_of_an_experiment_cuts_long_names_off(long_run: Run, width: int) -> None:
    assert long_run.index is not None
    sigma = experiment_inequity_figure(inequity_table(long_run.index), [], width)
    cells = [
        {"form": form, "predictor": name, "context": context, "demonstrations": shown, "person": f"p{shown}"}
        | {"accuracy": 60.0 + shown, "accuracy_low": 58.0, "accuracy_high": 72.0, "category": "Trust"}
        for form in ("polar", "refined")
        for name in LONG_NAMES
        for context in ("none", "statements")
        for shown in (0, 10)
    ]
    table = pl.DataFrame(cells)
    without = table.filter(context="statements")
    figures = [
        sigma,
        groups_figure(long_run.index.groups, width),
        curve(without, [], x="demonstrations", panels="form", width=width),
        curve(without.filter(form="polar"), [], x="demonstrations", width=width),
        dots(without.filter(demonstrations=10), [], rows="form", colour="predictor", width=width),
        dots(without.filter(demonstrations=10), [], rows="predictor", colour="form", panels="form", width=width),
        box_plot(table, [], x="demonstrations", colour="predictor", width=width),
        heat_map(without.filter(demonstrations=10), rows="predictor", columns="form", width=width),
        heat_map(without.filter(demonstrations=10), rows="form", columns="predictor", width=width),
    ]
    drawn = list(map(figure_svg, figures))
    assert width == WIDE or max(float(ElementTree.fromstring(svg).attrib["width"]) for svg in drawn) <= width + 5
    svgs = [
        *drawn,
        *(forest_svg(forest, predictor_styles(long_run.scores)) for forest in forests(long_run)),
    ]
    for bare in svgs:
        svg = titled_svg(bare, SENTENCE * 2, SENTENCE * 3)
        assert texts_beyond_the_edge(svg) == []
        assert SENTENCE.split()[-1] in svg


TOPICS = ("Trust", "Social Capital, Trust & Organizational Membership", "Migration")


def transfer_figure(categories: int, shown_ones: int | None = None) -> str:
    """The figure of gains by what is shown (the first ones) and what is predicted; ten categories are many."""
    names = [*TOPICS, *(f"Topic {place}" for place in range(categories - len(TOPICS)))]
    cells = [
        {"form": "polar", "predictor": "majority", "demonstrations_about": shown, "category": asked}
        | {"accuracy": 60.0, "gain": float(place)}
        for place, shown in enumerate(("nothing", *names[:shown_ones]))
        for asked in names
    ]
    above = {"demonstrations_about": "nothing"}
    return figure_svg(heat_map(pl.DataFrame(cells), rows="demonstrations_about", columns="category", above=above))


@pytest.mark.parametrize("categories", [3, 10])
def test_a_figure_of_topics_says_which_are_shown_and_which_predicted_beside_their_names(categories: int) -> None:
    svg = transfer_figure(categories)
    assert ">Predicted: questions about</text>" in svg
    title = re.search(r"translate\((-[\d.]+),[-\d.]+\) rotate\(-90\)[^>]*>Shown: statements about</text>", svg)
    assert title is not None
    names = re.findall(r'text-anchor="end"[^>]*>([^<]+)</text>', svg)
    assert any("Organizational Membership" in name for name in names)
    widths = [text_width(name.replace("&amp;", "&")) / 1.04 for name in names]  # without the room that is left
    assert -float(title[1]) > max(widths), "the title is to the left of the longest name"
    assert texts_beyond_the_edge(svg) == []


def test_many_long_columns_have_numbers_only_if_rows_tell_what_they_mean() -> None:
    told, untold = transfer_figure(10), transfer_figure(10, 1)
    assert ">10</text>" in told
    assert ">10  Topic 6</text>" in told.replace("\xa0", " ")
    assert ">10</text>" not in untold
    slanted = re.findall(r"rotate\(320\)[^>]*>([^<]+)</text>", untold)
    assert slanted == [name.replace("&", "&amp;") for name in (*TOPICS, *(f"Topic {place}" for place in range(7)))]


def test_headings_of_panels_are_at_one_height() -> None:
    """The scale of one ends at 75, which has no label, and that of the other at 55, which has one."""
    cells = [
        {
            "form": form,
            "predictor": "majority",
            "context": "statements",
            "demonstrations": shown,
            "person": f"p{person}",
        }
        | {"accuracy": mean + person, "accuracy_low": mean - 1.0, "accuracy_high": mean + 2.0}
        for form, mean in (("polar", 69.5), ("refined", 52.0))
        for shown in (0, 10)
        for person in (0, 1)
    ]
    table = pl.DataFrame(cells)
    for figure in (
        curve(table.filter(person="p0"), [], x="demonstrations", panels="form"),
        box_plot(table, [], x="demonstrations", colour="context", panels="form"),
    ):
        svg = figure_svg(figure)
        assert ">55</text>" in svg
        assert ">75</text>" not in svg
        heights = re.findall(r'role-title"><g transform="translate\(0,(-[\d.]+)\)', svg)
        assert len(heights) == 2
        assert heights[0] == heights[1]


def test_the_legend_of_printed_results_keeps_to_the_panels() -> None:
    experiment = load_experiment("demographics-or-statements")
    printed = paper_figures(experiment.paper, experiment.name)
    cells = [
        {"form": form, "predictor": "majority", "context": context, "demonstrations": shown}
        | {"person": f"p{person}", "accuracy": 60.0 + person}
        for form in ("polar", "refined")
        for context in ("statements", "both")
        for shown in (0, 50, 100, 150, 200)
        for person in (0, 1)
    ]
    table = pl.DataFrame(cells)
    rings = box_plot(table, printed, x="demonstrations", colour="context", panels="form")
    bare = box_plot(table, [], x="demonstrations", colour="context", panels="form")
    across = [float(ElementTree.fromstring(figure_svg(figure)).attrib["width"]) for figure in (rings, bare)]
    assert across[0] == pytest.approx(across[1], abs=12)  # labels of the axis may be a digit wider
    narrow = box_plot(table, printed, x="demonstrations", colour="context", panels="form", width=PHONE)
    assert float(ElementTree.fromstring(figure_svg(narrow)).attrib["width"]) <= PHONE
    for name in ("GPT-4o", "reasoner trained on demographics", "reasoner trained on both"):
        for figure in (rings, narrow):
            assert f">{name}</text>" in figure_svg(figure)


def test_figures_of_groups_say_so_if_there_are_none(tmp_path: Path) -> None:
    few = load_run(make_run(tmp_path / "few", "wvs7", people=some_people(4, sex=["female", "male"])))
    assert few.index is not None
    assert not len(few.index.groups)
    for figure in (experiment_inequity_figure(inequity_table(few.index), []), groups_figure(few.index.groups)):
        svg = figure_svg(figure, "How uneven is accuracy?")
        assert ">No demographic has two groups with enough people to compare.</text>" in svg
        assert texts_beyond_the_edge(svg) == []


def test_a_heading_that_is_wider_than_its_figure_goes_on_in_further_lines() -> None:
    bare = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100" viewBox="0 0 300 100"></svg>'
    short = ElementTree.fromstring(titled_svg(bare, "Accuracy", "Polar form"))
    assert short.attrib["viewBox"] == "0 0 300 156"
    root = ElementTree.fromstring(titled_svg(bare, "Accuracy", SENTENCE * 2))
    title, *lines = [element for element in root.iter() if element.tag.endswith("}text")]
    assert title.text == "Accuracy"
    assert " ".join(str(line.text) for line in lines) == (SENTENCE * 2).strip()
    assert 300 < float(root.attrib["width"]) <= NARROW
    assert float(root.attrib["height"]) == 156 + 19 * (len(lines) - 1)
    assert texts_beyond_the_edge(titled_svg(bare, "Accuracy", SENTENCE * 2)) == []


def test_names_that_differ_in_their_ends_alone_still_differ_when_they_are_shortened() -> None:
    label, likelihood = (shortened(f"{LONG}{end}", 250) for end in ("label", "likelihood"))
    assert label.endswith("score=label")
    assert likelihood.endswith("likelihood")
    assert max(text_width(label), text_width(likelihood)) <= 250
    assert shortened("majority", 250) == "majority"
    assert "".join(lines_within(f"{LONG}label", 200)) == f"{LONG}label"
    assert lines_within("two words", 60) == ["two", "words"]


# --- the map ---------------------------------------------------------------------------------------------


def test_every_country_of_the_survey_is_on_the_outline() -> None:
    survey = load_survey("wvs7")
    demographic = country_demographic(survey)
    assert demographic is not None
    codes = country_codes(demographic)
    absent = [name for name, code in codes.items() if code not in read_outline().countries]
    assert absent == ["Northern Ireland"]
    assert (codes["Brazil"], codes["France"]) == (76, 250)
    assert codes["Uganda"] == 800  # which the survey leaves to the gazetteer


def test_a_survey_whose_country_is_no_country_has_no_map(tmp_path: Path) -> None:
    assert country_demographic(load_survey(str(GARDEN))) is None
    people = some_people(90, region=["Valley", "Hills", "Island"])
    garden = load_run(make_run(tmp_path / "garden", str(GARDEN), people=people, predictors=("random", "majority")))
    assert world_maps(garden) == []
    assert [forest.demographic for forest in forests(garden)] == ["region"]
    write_report([garden], tmp_path / "report.html")
    assert 'id="world"' not in (tmp_path / "report.html").read_text()


def test_a_map_shows_the_accuracies_of_the_groups(run: Run) -> None:
    maps = {world.predictor: world for world in world_maps(run)}
    assert set(maps) == set(PREDICTORS)
    country = next(forest for forest in forests(run) if forest.demographic == "country")
    panel = next(panel for panel in country.panels if panel.predictor == "majority")
    known = {item.name: item.accuracy for item in maps["majority"].countries}
    assert known == {row.group: row.accuracy for row in panel.rows} | {"Andorra": None}
    assert maps["majority"].few


def test_colours_of_the_map_part_at_equal_steps() -> None:
    scale = scale_of(70, [63, 72, 78.4])
    assert scale.step == 3
    colours = [scale.colour(value) for value in (60, 64, 67, 70, 71.4, 73, 76, 90)]
    assert len(set(colours)) == 7
    assert colours[3] == colours[4]
    assert [text for _, text in scale.legend()][:3] == ["under 62.5", "62.5–65.5", "65.5–68.5"]
    assert scale_of(70, []).colour(70) == scale.colour(70)


# --- the curve -------------------------------------------------------------------------------------------


def test_a_curve_is_of_runs_that_differ_in_nothing_but_demonstrations(tmp_path: Path) -> None:
    runs = [
        load_run(make_run(tmp_path / f"run{shown}", "wvs7", demonstrations=shown, shown=shown, skill=SKILL))
        for shown in (100, 0, 200)
    ]
    (curve,) = curves(runs)
    assert [shown for shown, _ in curve.points] == [0, 100, 200]
    assert len(curve.rows()) == 3 * len(PREDICTORS)
    for width in (326, 720):
        curve_figure(curve, predictor_styles(curve.predictors), width).to_dict()
    other = load_run(make_run(tmp_path / "other", "wvs7", demonstrations=50, shown=50, people=some_people(9)))
    assert curves([runs[0], other]) == []
    assert curves([runs[0], runs[0]]) == []
    names = {path.stem for path in write_figures(runs, tmp_path / "figures")}
    assert "demonstrations-polar-form" in names


# --- comparisons -----------------------------------------------------------------------------------------


def test_differences_are_with_the_best_and_between_runs(tmp_path: Path, run: Run) -> None:
    (within,) = differences([run], run_names([run]))
    assert within.against == "resemble:k=35"
    assert {predictor for predictor, _, _ in within.rows} == set(PREDICTORS) - {"resemble:k=35"}
    for predictor, _, comparison in within.rows:
        cell = within.cells(comparison)[0]
        assert cell is not None
        expected = run.scores[predictor].accuracy - run.scores["resemble:k=35"].accuracy
        assert cell["difference"] == pytest.approx(expected)
    other = load_run(make_run(tmp_path / "other", "wvs7", people=some_people(9)))
    *_, between = differences([run, other], run_names([run, other]))
    assert between.rows == ()
    assert len(between.refused) == len(PREDICTORS)
    write_report([run, other], tmp_path / "report.html")
    assert "cannot be compared" in (tmp_path / "report.html").read_text()


# --- tables ----------------------------------------------------------------------------------------------


def test_tables_say_the_same_in_every_format(run: Run, tmp_path: Path) -> None:
    written = write_run_tables([run], tmp_path)
    names = {path.stem.removesuffix("-polar") for path in written}
    assert names == {
        "accuracy",
        "accuracy-by-category",
        "accuracy-by-question",
        "inequity",
        "inequity-by-demographic",
        "accuracy-by-group",
    }
    rows = list(csv.reader((tmp_path / "accuracy-polar.csv").open()))
    assert rows[1][:2] == ["resemble:k=35", f"{run.scores['resemble:k=35'].accuracy:.1f}"]
    markdown = (tmp_path / "accuracy-polar.md").read_text().splitlines()
    assert [line.count(" | ") for line in markdown if line.startswith("|")] == [len(rows[0]) - 1] * (len(rows) + 1)
    latex = (tmp_path / "accuracy-polar.tex").read_text()
    assert latex.count(r"\\") == len(rows)
    for command in (r"\toprule", r"\midrule", r"\bottomrule", r"\caption", r"\label{tab:accuracy-polar}"):
        assert latex.count(command) == 1


def test_labels_stay_text_in_every_file(run: Run, tmp_path: Path) -> None:
    written = [*write_figures([run], tmp_path / "figures"), *write_run_tables([run], tmp_path / "tables")]
    held = 0
    for path in written:
        if path.suffix == ".svg":
            root = ElementTree.parse(path).getroot()
            assert not [element for element in root.iter() if element.tag.endswith("script")]
            held += any(HOSTILE in (element.text or "") for element in root.iter())
        elif path.suffix == ".csv":
            cells = [cell for row in csv.reader(io.StringIO(path.read_text())) for cell in row]
            held += HOSTILE in cells
            assert not any("<script" in cell and HOSTILE not in cell for cell in cells)
        elif path.suffix in (".md", ".tex"):
            assert "<script" not in path.read_text()
    assert held >= 4


def test_signs_of_latex_and_markdown_are_escaped() -> None:
    assert latex_text(r"50% & #1_a {b} ~ ^ \ <i> $") == (
        r"50\% \& \#1\_a \{b\} \textasciitilde{} \textasciicircum{} \textbackslash{} \textless{}i\textgreater{} \$"
    )
    # The commands are those of LaTeX itself: \\textquotedbl would need another font encoding.
    assert latex_text('say "so"') == "say {''}so{''}"
    assert markdown_text("a|b *c* <i>`d`") == r"a\|b \*c\* &lt;i&gt;\`d\`"
    table = PrintedTable("long", "Long", ("A", "B"), tuple(("x", "1") for _ in range(60)))
    assert r"\begin{longtable}{lr}" in table.latex()
    assert table.latex().count("x & 1") == 60


# --- runs that lack something ----------------------------------------------------------------------------


@pytest.fixture
def small_survey(tmp_path: Path) -> str:
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "survey.yaml").write_text(SURVEY)
    (folder / "questions.yaml").write_text(QUESTIONS)
    return str(folder)


LACKING: dict[str, tuple[dict[str, Any], str | None]] = {
    "no demographics": ({"people": some_people(40)}, "The data has no demographics"),
    "one group": ({"people": some_people(40, sex=["female"])}, "No demographic has two groups"),
    "one person": ({"people": some_people(1, sex=["female"])}, "No demographic has two groups"),
    "all invalid": ({"people": some_people(80, sex=["female", "male"]), "valid": False}, None),
    "no probabilities": ({"people": some_people(80, sex=["female", "male"]), "silent": PREDICTORS}, None),
    "one predictor": ({"people": some_people(80, sex=["female", "male"]), "predictors": ("random",)}, None),
    "labels missing": ({"people": some_people(120, sex=["female", "male", None], country=[None])}, None),
}


@pytest.mark.parametrize("what", LACKING)
@pytest.mark.filterwarnings("error")
def test_a_run_that_lacks_something_is_reported_all_the_same(tmp_path: Path, what: str) -> None:
    changes, said = LACKING[what]
    run = load_run(make_run(tmp_path / "run", "wvs7", **changes))
    write_report([run], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("Group by group" in page) == (said is None)
    assert said is None or said in page
    figures = {path.stem for path in write_figures([run], tmp_path / "figures")}
    assert ("inequity-polar" in figures) == (said is None)
    assert ("reliability-polar" in figures) == (what not in ("all invalid", "no probabilities"))
    tables = write_run_tables([run], tmp_path / "tables")
    assert all(path.stat().st_size for path in tables)
    assert not re.search(r"\b(nan|None|inf)\b", "".join(path.read_text() for path in tables))
    assert not re.search(r">\s*(nan|None)\b|\b(nan|inf)%", page)


def test_runs_of_different_data_stand_on_one_page(tmp_path: Path, small_survey: str) -> None:
    one = load_run(make_run(tmp_path / "one", "wvs7", people=some_people(80, sex=["female", "male"])))
    two = load_run(make_run(tmp_path / "two", small_survey))
    write_report([one, two], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("Group by group") == 1
    assert "Trust &lt;b&gt;" in page


def test_a_run_that_has_changed_on_disk_is_read_as_it_is_now(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", "wvs7")
    first = load_run(folder)
    moved = folder.rename(tmp_path / "moved")
    assert load_run(moved).predictions.equals(first.predictions)
    predictions = pl.read_parquet(moved / "predictions.parquet").head(40)
    predictions.write_parquet(moved / "predictions.parquet")
    assert len(load_run(moved).predictions) == 40


def test_the_figure_of_inequity_is_valid_and_needs_groups(run: Run, tmp_path: Path) -> None:
    for width in (326, 720):
        inequity_figure(run, predictor_styles(run.scores), width).to_dict()
    alone = load_run(make_run(tmp_path / "alone", "wvs7", people=some_people(40)))
    with pytest.raises(ValueError, match="no demographic of two groups"):
        inequity_figure(alone, predictor_styles(alone.scores))
