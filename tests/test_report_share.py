"""Shared results hold nothing of a person; and several of one benchmark are ranked, and unlike ones refused."""

import json
import re
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import indievalue as iv
from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.report.leaderboard import Entrant, entrant, leaderboard_html, ranked, unpaired
from indievalue.report.numbers import signed
from indievalue.report.share import FILE, LEAST, described, read_shared, share, without_people
from indievalue.runs.comparing import compare_runs
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run
from rundirs import make_run, some_people

SECRETS = Path("secret-folder") / "of-somebody"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of 60 gardeners whose ids, file names and folders can be told from everything else."""
    folder = tmp_path_factory.mktemp("place")
    (folder / SECRETS).mkdir(parents=True)
    data = folder / SECRETS / "private-answers.csv"
    table = garden_answers(120).with_columns(ID=pl.format("gardener-{}", pl.int_range(pl.len())))
    pl.concat([table, table[:2]]).write_csv(data)  # two ids that occur twice, which the findings name
    ids = folder / SECRETS / "ids.txt"
    ids.write_text("\n".join(table["ID"][:60]))
    arguments = ["evaluate", str(data), "--survey", str(GARDEN), "--people-file", str(ids), "--demonstrations", "3"]
    arguments += ["--predictor", "majority", "--predictor", "resemble:k=3", "--context", "both", "--seed", "3"]
    result = CliRunner().invoke(app, [*arguments, "--example", "gardener-7", "--out", str(folder / "run")])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["report", str(folder / "run"), "--share", str(folder / "shared")])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Run:
    return load_run(place / "run")


def content(folder: Path) -> dict[str, str]:
    """Return all that can be read in the files of a folder, by name; what a PDF has compressed, too."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            raw = file.read_bytes()
            parts = [raw]
            for stream in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.S):
                try:
                    parts.append(zlib.decompressobj().decompress(stream))
                except zlib.error:
                    continue
            found[str(file.relative_to(folder))] = b"\n".join(parts).decode("utf-8", "replace")
    return found


def test_a_shared_folder_has_scores_tables_figures_settings_versions_and_the_fingerprint(place: Path, run: Run) -> None:
    files = content(place / "shared")
    tops = {name.split("/")[0] for name in files}
    assert tops == {FILE, "summary.json", "report.html", "figures", "tables"}
    about = json.loads(files[FILE])
    assert about["data"] == run.record.data.fingerprint
    assert about["benchmark"] == run.record.benchmark
    assert about["settings"]["context"] == "both"
    assert about["versions"]["indievalue"] == iv.__version__
    assert json.loads(files["summary.json"]) == json.loads((place / "run" / "summary.json").read_text())
    assert {name for name in files if name.endswith((".png", ".pdf"))}
    assert f"{run.scores['majority'].accuracy:.1f}" in files["tables/accuracy-polar.md"]


def test_no_id_statement_answer_or_path_is_anywhere_in_it(place: Path, run: Run) -> None:
    files = content(place / "shared")
    statements = {
        option.statement
        for question in run.survey.questions
        for form in ("polar", "refined")
        for option in question.options(form)
    } | {group.statement for demographic in run.survey.demographics for group in demographic.groups}
    assert len(statements) > 40
    secrets = {"gardener-", "secret-folder", "of-somebody", "private-answers", "ids.txt", str(place), str(GARDEN)}
    for name, text in files.items():
        plain = text.replace("&#39;", "'").replace("&amp;", "&").replace("&#34;", '"')
        assert [secret for secret in secrets if secret in text or secret in name] == [], name
        assert [said for said in statements if said in plain] == [], name
    assert not list((place / "shared").rglob("*.parquet"))
    kept = content(place / "run")  # the same search finds them where they are
    assert any("gardener-7" in text for text in kept.values())
    assert any(said in text for said in statements for text in kept.values())


def test_its_page_says_how_to_do_it_again_without_files(place: Path) -> None:
    page = (place / "shared" / "report.html").read_text()
    (command,) = re.findall(r"<code>(indievalue evaluate.*?)</code>", page, re.S)
    assert command.startswith("indievalue evaluate DATA ")
    assert "--context both" in command
    assert "people-file" not in command
    assert "60 people in" in page
    assert "read from" not in page


def test_a_model_in_a_folder_has_its_name_alone(tmp_path: Path) -> None:
    names = ["local:/home/somebody/models/tiny:score=label", "local:/data/models/tiny:score=label", "majority"]
    run = load_run(make_run(tmp_path / "run", "wvs7", people=some_people(40), predictors=names))
    public = without_people(run)
    assert list(public.scores) == ["local:tiny:score=label", "local:tiny:score=label (2)", "majority"]
    assert public.predictions["predictor"].unique().sort().to_list() == sorted(public.scores)
    assert "somebody" not in json.dumps(described(public).__dict__, default=str)


def test_too_few_people_are_not_shared(tmp_path: Path) -> None:
    few = load_run(make_run(tmp_path / "few", "wvs7", people=some_people(LEAST - 1)))
    with pytest.raises(IndievalueError, match="tested 29 people, and results of fewer than 30 are not shared"):
        share(few, tmp_path / "shared")
    assert not (tmp_path / "shared").exists()


def test_questions_that_too_few_were_asked_are_left_out(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", "wvs7", people=some_people(40, country=["Brazil"]), predictors=["majority"])
    table = pl.read_parquet(folder / "predictions.parquet")
    asked = (pl.col("question") != "Q2") | pl.col("person").is_in([f"p{number}" for number in range(LEAST - 1)])
    run = load_run(folder)
    run = replace(run, predictions=table.filter(asked))
    assert set(run.by_question["question"]) == {"Q1", "Q2", "Q3"}
    share(run, tmp_path / "shared")
    assert "Q2" not in (tmp_path / "shared" / "tables" / "accuracy-by-question-polar.csv").read_text()
    assert "Q1" in (tmp_path / "shared" / "tables" / "accuracy-by-question-polar.csv").read_text()
    assert ">Q2<" not in (tmp_path / "shared" / "report.html").read_text()


# --- a leaderboard ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def boards(garden_people: People, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of one benchmark with different predictors, and of others; each shared, too."""
    folder = tmp_path_factory.mktemp("boards")
    tested = list(garden_people.ids[:40])
    same = iv.build_benchmark(garden_people, people_tested=tested, demonstrations=3)
    made = {
        "simple": (same, ["majority", "random"]),
        "similar": (same, ["resemble:k=5", "majority"]),
        "form": (
            iv.build_benchmark(garden_people, people_tested=tested, demonstrations=3, form="refined"),
            ["majority"],
        ),
        "seed": (iv.build_benchmark(garden_people, people_tested=tested, demonstrations=3, seed=9), ["majority"]),
        "people": (iv.build_benchmark(garden_people, people_tested=tested[:35], demonstrations=3), ["majority"]),
    }
    for name, (benchmark, predictors) in made.items():
        iv.evaluate(garden_people, benchmark, predictors, folder / name)
        share(load_run(folder / name), folder / f"{name}-shared")
    return {path.name: path for path in folder.iterdir()}


def board(*folders: Path, out: Path, extra: tuple[str, ...] = ()) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", *map(str, folders), "--out", str(out), *extra])
    return result.exit_code, f"{result.output}{result.exception or ''}"


def test_shared_folders_and_runs_are_ranked_on_one_page(boards: dict[str, Path], tmp_path: Path) -> None:
    code, said = board(boards["simple-shared"], boards["similar"], out=tmp_path / "board.html")
    assert code == 0, said
    page = (tmp_path / "board.html").read_text()
    scores = {**load_run(boards["simple"]).scores, **load_run(boards["similar"]).scores}
    ordered = sorted(scores, key=lambda name: -scores[name].accuracy)
    ranking = page.partition('id="differences"')[0]
    rows = [row for row in re.findall(r"<tr>.*?</tr>", ranking, re.S) if 'scope="row"' in row]
    assert [re.findall(r"<span>([^<]*)</span></span></th>", row)[0] for row in rows] == ordered
    for row, name in zip(rows, ordered, strict=True):
        score = scores[name]
        assert f"<strong>{score.accuracy:.1f}</strong>" in row
        assert f"{score.accuracy_low:.1f}–{score.accuracy_high:.1f}" in row
    (majority,) = (row for row in rows if "<span>majority</span>" in row)
    assert "simple-shared, similar" in majority  # the same scores from two folders have one place
    assert f"{ordered[0]} leads with {scores[ordered[0]].accuracy:.1f}% of answers" in page


def test_folders_of_one_name_have_as_much_of_their_path_as_tells_them_apart(
    boards: dict[str, Path], tmp_path: Path
) -> None:
    folders = (tmp_path / "ann" / "shared", tmp_path / "bob" / "shared")
    for folder, name in zip(folders, ("simple-shared", "similar-shared"), strict=True):
        shutil.copytree(boards[name], folder)
    code, said = board(*folders, out=tmp_path / "board.html")
    assert code == 0, said
    page = (tmp_path / "board.html").read_text()
    assert "ann/shared, bob/shared" in page  # where majority has the same scores
    assert str(tmp_path) not in page
    run = load_run(boards["simple"])
    compared = compare_runs([(tmp_path / "ann" / "run", run), (tmp_path / "bob" / "run", run)], ["majority"])
    assert (compared[0].a, compared[0].b) == ("majority in ann/run", "majority in bob/run")


def test_a_leaderboard_of_shared_folders_has_nothing_of_a_person(
    boards: dict[str, Path], garden_people: People, tmp_path: Path
) -> None:
    code, said = board(boards["simple-shared"], boards["similar-shared"], out=tmp_path / "board.html")
    assert code == 0, said
    page = (tmp_path / "board.html").read_text()
    assert [id_ for id_ in garden_people.ids if id_ in page] == []
    references = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page)
    assert references == []


def differences_on(page: str) -> dict[str, tuple[list[str], str]]:
    """The numbers of each predictor in the table of differences, and how it was compared."""
    part = page[page.index('id="differences"') :].split("</section>")[0]
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', part, re.S)
    return {
        re.findall(r"<span>([^<]*)</span></span></th>", row)[0]: (
            re.findall(r"[+−]?\d+\.\d", row[row.index("data-value") :].partition(">")[2]),
            re.findall(r"<td>([^<]*)</td>", row)[0],
        )
        for row in rows
    }


def printed(difference: float, low: float, high: float) -> list[str]:
    return [signed(value) for value in (difference, low, high)]


def test_differences_are_person_by_person_where_the_answers_are_or_one_folder_has_them(
    boards: dict[str, Path], tmp_path: Path
) -> None:
    runs = [load_run(boards[name]) for name in ("simple", "similar")]
    rows = {name: run.predictions.filter(predictor=name) for run in runs for name in run.scores}
    first, *others = sorted(
        rows, key=lambda name: -max(run.scores[name].accuracy for run in runs if name in run.scores)
    )
    paired = {name: iv.compare(rows[name], rows[first]).table.row(0, named=True) for name in others}
    kinds = {
        ("simple", "similar"): {"person by person"},
        ("simple-shared", "similar-shared"): {"person by person", "by their intervals"},
    }
    for folders, said in kinds.items():
        out = tmp_path / f"{folders[0]}.html"
        code, output = board(*(boards[name] for name in folders), out=out, extra=("--leaderboard",))
        assert code == 0, output
        found = differences_on(out.read_text())
        assert set(found) == set(others)
        assert {kind for _, kind in found.values()} == said
        for name, (numbers, kind) in found.items():
            row = paired[name]
            if kind == "person by person":
                assert numbers == printed(row["difference"], row["low"], row["high"]), name
            else:
                scores = [next(run.scores[one] for run in runs if one in run.scores) for one in (name, first)]
                assert numbers == printed(*unpaired(*scores)), name
    text = (tmp_path / "simple-shared.html").read_text()
    assert "shared folders hold nobody’s answers" in text
    assert "shared folders hold nobody’s answers" not in (tmp_path / "simple.html").read_text()


def test_an_unpaired_interval_is_that_of_independent_samples_and_wider_than_a_paired_one(
    boards: dict[str, Path],
) -> None:
    run = load_run(boards["simple"])
    score = run.scores["majority"]
    a = replace(score, accuracy=70.0, accuracy_low=67.0, accuracy_high=74.0)
    b = replace(score, accuracy=60.0, accuracy_low=57.0, accuracy_high=64.0)
    assert unpaired(a, b) == (10.0, 10 - 5.0, 10 + 5.0)  # 3² + 4² = 5²
    assert unpaired(b, a) == (-10.0, -15.0, -5.0)
    random = np.random.default_rng(0)
    normal = random.normal(10, np.hypot(1.5, 2.0), 200_000)  # differences of independent means, with errors 1.5 and 2
    alike = [
        replace(score, accuracy=at, accuracy_low=at - 1.96 * e, accuracy_high=at + 1.96 * e)
        for at, e in ((70, 1.5), (60, 2))
    ]
    assert unpaired(*alike)[1:] == pytest.approx(np.quantile(normal, [0.025, 0.975]), abs=0.05)
    skill = random.beta(8, 4, 300)  # the same people are easy for both
    right = [random.binomial(50, np.clip(skill + up, 0, 1)) for up in (0.05, 0.0)]
    ends = [np.quantile(random.choice(one, (4000, 300)).mean(1), [0.025, 0.975]) * 2 for one in right]
    scores = [
        replace(score, accuracy=2 * one.mean(), accuracy_low=low, accuracy_high=high)
        for one, (low, high) in zip(right, ends, strict=True)
    ]
    low, high = np.quantile(2 * random.choice(right[0] - right[1], (4000, 300)).mean(1), [0.025, 0.975])
    assert unpaired(*scores)[1] < low < high < unpaired(*scores)[2]


def test_a_folder_shared_by_an_earlier_version_is_compared_by_intervals(
    boards: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(boards["simple-shared"], tmp_path / "old")
    about = json.loads((tmp_path / "old" / FILE).read_text())
    assert [(one["a"], one["b"]) for one in about.pop("paired")]
    (tmp_path / "old" / FILE).write_text(json.dumps(about))
    assert board(tmp_path / "old", out=tmp_path / "board.html")[0] == 0
    assert {kind for _, kind in differences_on((tmp_path / "board.html").read_text()).values()} == {
        "by their intervals"
    }


def test_ranks_are_those_that_the_intervals_allow(boards: dict[str, Path]) -> None:
    about, scores = read_shared(boards["simple-shared"])
    score = scores["majority"]
    ends = {"a": (80.0, 84.0), "b": (78.0, 81.0), "c": (60.0, 64.0), "d": (59.0, 61.0), "e": (10.0, 20.0)}
    made = {
        name: replace(score, accuracy=(low + high) / 2, accuracy_low=low, accuracy_high=high)
        for name, (low, high) in ends.items()
    }
    places = ranked([Entrant("x", about, made)])
    assert {place.predictor: place.rank for place in places} == {
        "a": "1–2",
        "b": "1–2",
        "c": "3–4",
        "d": "3–4",
        "e": "5",
    }
    page = leaderboard_html([Entrant("x", about, made)])
    assert "the interval of b reaches as far" in page
    alone = {name: made[name] for name in ("a", "c")}
    assert "every other interval is below it" in leaderboard_html([Entrant("x", about, alone)])


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("form", "form (polar and refined)"),
        ("seed", "seed (0 and 9)"),
        ("people", "the number of people tested (40 and 35)"),
    ],
)
@pytest.mark.parametrize("kind", ["", "-shared"])
def test_results_of_unlike_benchmarks_are_refused_with_what_differs(
    boards: dict[str, Path], tmp_path: Path, other: str, says: str, kind: str
) -> None:
    code, said = board(boards["simple-shared"], boards[other + kind], out=tmp_path / "board.html")
    assert code == 1
    assert "are not results of one benchmark, and cannot be ranked together" in said
    assert says in said
    assert not (tmp_path / "board.html").exists()


def test_other_data_another_survey_other_questions_and_other_weights_are_refused(boards: dict[str, Path]) -> None:
    about, scores = read_shared(boards["simple-shared"])
    for changed, says in (
        ({"data": "f" * 64}, f"data (SHA-256 {about.data[:8]}… and ffffffff…)"),
        ({"survey": "other"}, f"survey ({about.survey} and other)"),
        ({"survey_hash": "0" * 32}, f"the questions of survey {about.survey}"),
        ({"weights": "equal"}, "weights (none and equal)"),
        ({"benchmark": "0" * 32}, "the people, probes or statements drawn"),
    ):
        with pytest.raises(IndievalueError, match=re.escape(says)):
            ranked([Entrant("a", about, scores), Entrant("b", replace(about, **changed), scores)])
    with pytest.raises(IndievalueError, match="b has no hash of its benchmark: evaluate it again"):
        ranked([Entrant("a", about, scores), Entrant("b", replace(about, benchmark=None), scores)])


def test_a_run_and_what_was_shared_of_it_are_alike(boards: dict[str, Path]) -> None:
    about, scores = read_shared(boards["simple-shared"])
    mine = entrant("mine", load_run(boards["simple"]))
    assert [place.sources for place in ranked([mine, Entrant("shared", about, scores)])] == [("mine", "shared")] * 2


def test_runs_alone_are_ranked_if_asked(boards: dict[str, Path], tmp_path: Path) -> None:
    runs = (boards["simple"], boards["similar"])
    assert board(*runs, out=tmp_path / "report.html")[0] == 0
    assert 'id="ranking"' not in (tmp_path / "report.html").read_text()
    assert board(*runs, out=tmp_path / "board.html", extra=("--leaderboard",))[0] == 0
    assert 'id="ranking"' in (tmp_path / "board.html").read_text()


def test_options_that_do_not_go_together_are_refused(boards: dict[str, Path], tmp_path: Path) -> None:
    run, shared = str(boards["simple"]), str(boards["simple-shared"])
    out, to = str(tmp_path / "x.html"), str(tmp_path / "x")
    for arguments in (
        [run],
        [run, "--share", to, "--out", out],
        [run, run, "--share", to],
        [run, "--share", to, "--example", "g0001"],
        [shared, "--out", out, "--figures", to],
        [run, "--out", out, "--leaderboard", "--example", "g0001"],
    ):
        assert CliRunner().invoke(app, ["report", *arguments]).exit_code == 2, arguments
    assert CliRunner().invoke(app, ["report", shared, "--share", to]).exit_code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["{", '{"format": 99}', '{"format": 1}', "[]"])
def test_a_damaged_shared_folder_is_named(boards: dict[str, Path], tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "summary.json").write_text((boards["simple-shared"] / "summary.json").read_text())
    (folder / FILE).write_text(damage)
    with pytest.raises(IndievalueError, match=re.escape(str(folder / FILE))):
        read_shared(folder)
