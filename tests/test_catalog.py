"""The catalog: what is in its files, that others can load them, and that a failure leaves nothing half-done."""

import dataclasses
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from conftest import GARDEN
from indievalue.choices import FORMS, FormName
from indievalue.errors import IndievalueError
from indievalue.people import catalog
from indievalue.people.card import dataset_card
from indievalue.people.catalog import TextOptions, text_size, texts, write_catalog
from indievalue.people.decode import decode
from indievalue.people.people import People
from indievalue.survey.survey import Survey
from indievalue.synthetic.generate import synthetic_people

FILES = ["README.md", "answers_polar.parquet", "answers_refined.parquet", "people.parquet", "statements.parquet"]
CONFIGS = ["people", "answers_polar", "answers_refined", "statements"]


@pytest.fixture(scope="module")
def written(gardeners: People, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalog") / "garden"
    write_catalog(gardeners, folder, text=TextOptions("both"))
    return folder


@pytest.fixture
def one(garden: Survey) -> People:
    """One person: two answers, one missing for each reason there is."""
    table = pl.DataFrame(
        {
            "ID": ["a"],
            "REGION": [3],
            "HOME": [250],
            "P1": [2],
            "P2": [-1],
            "P3": [None],
            "P4": [8],
            "A1": [9],
            "N1": [7],
        }
    )
    return decode(table, garden, "garden.csv", "0123abcd")


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _front_matter(folder: Path) -> dict[str, object]:
    front = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    assert isinstance(front, dict)
    return front


# Files


def test_text_is_written_on_demand(gardeners: People, written: Path, tmp_path: Path) -> None:
    write_catalog(gardeners, tmp_path / "garden")
    assert _names(tmp_path / "garden") == FILES
    assert _names(written) == sorted([*FILES, "statements.jsonl"])


def test_people_have_weight_and_groups_the_country_first(gardeners: People, written: Path) -> None:
    people = pl.read_parquet(written / "people.parquet")
    assert people.schema == {
        "person": pl.String,
        "weight": pl.Float64,
        "region": pl.String,
        "faith": pl.String,
        "age": pl.String,
        "birth_country": pl.String,
    }
    assert people["person"].to_list() == gardeners.ids.tolist()
    assert people["region"].to_list() == gardeners.demographics["region"].to_list()


@pytest.mark.parametrize("form", FORMS)
def test_answers_are_the_options_of_everybody(form: str, gardeners: People, written: Path) -> None:
    answers = pl.read_parquet(written / f"answers_{form}.parquet")
    questions = [question.id for question in gardeners.survey.questions]
    assert answers.schema == {"person": pl.String, **dict.fromkeys(questions, pl.Int8)}
    assert np.array_equal(answers.select(questions).to_numpy(), gardeners.options(form))


def test_what_is_missing_is_minus_one_in_every_form(one: People, tmp_path: Path) -> None:
    write_catalog(one, tmp_path / "one")
    answered = {"P1", "A1"}
    for form in FORMS:
        row = pl.read_parquet(tmp_path / "one" / f"answers_{form}.parquet").row(0, named=True)
        assert {question for question, option in row.items() if option != -1} == {"person", *answered}


def test_statements_are_one_row_an_option(garden: Survey, written: Path) -> None:
    statements = pl.read_parquet(written / "statements.parquet")
    assert statements.schema == {
        "question": pl.String,
        "form": pl.String,
        "option": pl.Int8,
        "codes": pl.List(pl.Int16),
        "statement": pl.String,
        "category": pl.String,
        "asks": pl.String,
    }
    assert len(statements) == sum(len(question.options(form)) for question in garden.questions for form in FORMS)
    asks = "How welcome are hedgehogs in your garden?"
    assert statements.filter(question="A1", form="polar").rows() == [
        ("A1", "polar", 0, [1, 2, 3, 4, 5], "I would rather keep hedgehogs out of my garden.", "Animals", asks),
        ("A1", "polar", 1, [6, 7, 8, 9, 10], "I welcome hedgehogs in my garden.", "Animals", asks),
    ]


def test_a_statement_is_found_by_question_form_and_option(one: People, tmp_path: Path) -> None:
    write_catalog(one, tmp_path / "one")
    answers = pl.read_parquet(tmp_path / "one" / "answers_refined.parquet").unpivot(
        index="person", variable_name="question", value_name="option"
    )
    said = answers.join(
        pl.read_parquet(tmp_path / "one" / "statements.parquet").filter(form="refined"), on=["question", "option"]
    )
    assert said["statement"].to_list() == ["I like roses somewhat.", "I love to have hedgehogs in my garden."]


def test_text_holds_all_a_person_says_and_why_the_rest_is_missing(one: People, tmp_path: Path) -> None:
    write_catalog(one, tmp_path / "one", text=TextOptions("both"))
    lines = (tmp_path / "one" / "statements.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "person": "a",
            "demographics": ["My garden is on the Island.", "I was born in France."],
            "polar": [
                {"question": "P1", "statement": "I like roses."},
                {"question": "A1", "statement": "I welcome hedgehogs in my garden."},
            ],
            "refined": [
                {"question": "P1", "statement": "I like roses somewhat."},
                {"question": "A1", "statement": "I love to have hedgehogs in my garden."},
            ],
            "missing": [
                {"question": "P2", "reason": "don't know"},
                {"question": "P3", "reason": "missing"},
                {"question": "P4", "reason": "unknown code 8"},
                {"question": "A2", "reason": "not asked"},
                {"question": "A3", "reason": "not asked"},
                {"question": "N1", "reason": "another answer"},
                {"question": "N2", "reason": "not asked"},
                {"question": "N3", "reason": "not asked"},
            ],
        }
    ]


@pytest.mark.parametrize("form", ["polar", "refined"])
def test_text_is_in_one_form_unless_both_are_asked_for(gardeners: People, tmp_path: Path, form: FormName) -> None:
    write_catalog(gardeners, tmp_path / "one", text=TextOptions(form, gzip=True))
    with gzip.open(tmp_path / "one" / "statements.jsonl.gz", "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert lines == list(texts(gardeners, [form]))
    assert set(lines[0]) == {"person", "demographics", form, "missing"}
    assert not (tmp_path / "one" / "statements.jsonl").exists()
    assert "statements.jsonl.gz" in (tmp_path / "one" / "README.md").read_text()


@pytest.mark.parametrize("options", [TextOptions(), TextOptions("both"), TextOptions("polar", gzip=True)])
def test_the_size_of_the_text_is_known_before_it_is_written(tmp_path: Path, options: TextOptions) -> None:
    people = synthetic_people(600, 0)
    write_catalog(people, tmp_path / "one", text=options)
    size = (tmp_path / "one" / options.file).stat().st_size
    assert text_size(people, options) == pytest.approx(size, rel=0.1)


def test_in_text_every_question_is_either_said_or_missing(gardeners: People, written: Path) -> None:
    lines = [json.loads(line) for line in (written / "statements.jsonl").read_text().splitlines()]
    assert [line["person"] for line in lines] == gardeners.ids.tolist()
    for line in lines:
        for form in FORMS:
            assert len(line[form]) + len(line["missing"]) == 10
    assert lines == list(texts(gardeners))


# The card


def test_the_card_tells_what_was_read_and_lost(one: People, tmp_path: Path) -> None:
    write_catalog(one, tmp_path / "one")
    card = (tmp_path / "one" / "README.md").read_text()
    for line in [*one.findings.lines(), "SHA-256 of the source: `0123abcd`"]:
        assert f"- {line}\n" in card


def test_the_card_of_a_survey_with_a_licence_says_so_first(wvs7: Survey, tmp_path: Path) -> None:
    people = decode(pl.DataFrame({"D_INTERVIEW": [1], "B_COUNTRY": [554], "Q1": [1]}), wvs7, "wvs.csv", "")
    write_catalog(people, tmp_path / "wvs")
    card = (tmp_path / "wvs" / "README.md").read_text()
    assert "**Licence.** Derived from World Values Survey data" in card
    assert _front_matter(tmp_path / "wvs")["license_name"] == "wvs7-derived-do-not-redistribute"


def test_the_front_matter_names_every_table(written: Path) -> None:
    configs = _front_matter(written)["configs"]
    assert isinstance(configs, list)
    assert [config["config_name"] for config in configs] == CONFIGS
    assert sorted(config["data_files"][0]["path"] for config in configs) == FILES[1:]
    assert [config["config_name"] for config in configs if config.get("default")] == ["people"]


def test_datasets_loads_every_config_and_the_text(written: Path, tmp_path: Path) -> None:
    code = (
        "import sys, json\n"
        "from datasets import load_dataset\n"
        "sizes = {name: load_dataset(sys.argv[1], name, split='train').num_rows for name in sys.argv[2:]}\n"
        "sizes['text'] = load_dataset('json', data_files=sys.argv[1] + '/statements.jsonl', split='train').num_rows\n"
        "sizes['default'] = load_dataset(sys.argv[1], split='train').column_names\n"
        "print(json.dumps(sizes))"
    )
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "HF_DATASETS_CACHE": str(tmp_path / "cache"),
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    said = subprocess.run(
        [sys.executable, "-c", code, str(written), *CONFIGS],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert said.returncode == 0, said.stderr[-2000:]
    assert json.loads(said.stdout) == {
        "people": 60,
        "answers_polar": 60,
        "answers_refined": 60,
        "statements": 56,
        "text": 60,
        "default": ["person", "weight", "region", "faith", "age", "birth_country"],
    }


# Writing


def test_a_directory_that_holds_something_is_refused(one: People, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("dear")
    with pytest.raises(IndievalueError, match="exists already"):
        write_catalog(one, tmp_path)
    assert _names(tmp_path) == ["mine"]


def test_with_force_nothing_of_the_earlier_content_stays(one: People, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "earlier").write_text("dear")
    write_catalog(one, tmp_path / "one", force=True)
    assert _names(tmp_path / "one") == FILES


def test_a_failure_half_way_leaves_the_earlier_content(
    one: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "earlier").write_text("dear")

    def fail(people: People, *, text: str | None) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(catalog, "dataset_card", fail)  # the last file that is written
    with pytest.raises(IndievalueError, match=r"cannot write .*/one: No space left on device"):
        write_catalog(one, tmp_path / "one", force=True)
    assert _names(tmp_path) == ["one"]
    assert _names(tmp_path / "one") == ["earlier"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes")
@pytest.mark.parametrize("limit", [100, 2_000, 9_000, 30_000])
def test_a_full_disk_is_one_clear_line_and_leaves_nothing(limit: int, tmp_path: Path) -> None:
    """Simulated by a limit on the size of files: polars meets it in the first two cases, and Python in the others."""
    code = (
        "import resource, signal, sys\n"
        "from conftest import garden_answers\n"
        "from indievalue.errors import IndievalueError\n"
        "from indievalue.people.catalog import write_catalog\n"
        "from indievalue.people.decode import decode\n"
        "from indievalue.survey.load import load_survey\n"
        "people = decode(garden_answers(60), load_survey(sys.argv[1]), 'garden.csv', '')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "try: write_catalog(people, sys.argv[2], text=True)\n"
        "except IndievalueError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(GARDEN), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert said.stdout == f"cannot write {tmp_path / 'out'}: File too large\n", said.stderr[-2000:]
    assert said.stderr == ""
    assert _names(tmp_path) == []


def test_a_card_holds_no_html_of_a_survey_s_text(garden_people: People) -> None:
    title = "A <script>alert(1)</script>\n# survey"
    survey = dataclasses.replace(garden_people.survey, title=title, licence="<b>Tell</b>\n\nnobody")
    card = dataset_card(dataclasses.replace(garden_people, survey=survey), text=False)
    body = card.split("---\n", 2)[2]
    assert "<script>" not in body
    assert "\n# survey" not in body
    assert "**Licence.** &lt;b&gt;Tell&lt;/b&gt; nobody\n" in body
