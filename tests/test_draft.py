"""A specification is drafted from what a file says of its columns: it is valid, runs, and marks what is not sure."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pyreadstat
import pytest

from commands import run_here
from indievalue.benchmark.build import build_benchmark
from indievalue.errors import IndievalueError
from indievalue.people.catalog import why_missing
from indievalue.people.codebook import read_codebook
from indievalue.people.labels import read_metadata
from indievalue.people.read import read_people
from indievalue.survey.draft.build import build_draft
from indievalue.survey.draft.labels import shown
from indievalue.survey.draft.metadata import Column
from indievalue.survey.draft.sampling import with_sampling
from indievalue.survey.draft.scales import scale_of
from indievalue.survey.draft.statements import word
from indievalue.survey.draft.topics import Topic, topics_of
from indievalue.survey.draft.write import marks_in, write_draft
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

PEOPLE = 240

ENGLISH = {
    "agree": {1: "Agree strongly", 2: "Agree", 3: "Neither agree nor disagree", 4: "Disagree", 5: "Disagree strongly"},
    "trust": {0: "No trust at all", 10: "Complete trust", 77: "Refusal", 88: "Don't know"},
    "yes": {1: "Yes", 2: "No", 9: "Refused"},
    "sex": {1: "Male", 2: "Female"},
    "better": {1: "Better", 2: "Worse", 3: "About the same", 9: "Refused"},
}
SPANISH = {
    "agree": {1: "Muy de acuerdo", 2: "De acuerdo", 3: "En desacuerdo", 4: "Muy en desacuerdo", 9: "No sabe"},
    "often": {1: "Siempre", 2: "A menudo", 3: "A veces", 4: "Nunca", 9: "No contesta"},
    "cited": {0: "No mencionado", 1: "Mencionado"},
    "sex": {1: "Hombre", 2: "Mujer"},
}
FRENCH = {
    "agree": {1: "Tout à fait d'accord", 2: "Plutôt d'accord", 3: "Plutôt pas d'accord", 4: "Pas du tout d'accord"},
    "satisfied": {1: "Très satisfait", 2: "Plutôt satisfait", 3: "Plutôt insatisfait", 4: "Très insatisfait", 8: "NSP"},
    "important": {1: "Très important", 2: "Assez important", 3: "Peu important", 4: "Pas du tout important"},
    "sex": {1: "Homme", 2: "Femme"},
}


def _file(folder: Path, columns: dict[str, tuple[str, dict[int, str]]], suffix: str = ".sav") -> Path:
    """A file with these columns: name → (label, value labels). Answers are drawn from the labelled codes."""
    rng = np.random.default_rng(1)
    table: dict[str, object] = {"idno": np.arange(1, PEOPLE + 1)}
    for name, (_, labels) in columns.items():
        codes = list(range(11)) if labels is ENGLISH["trust"] else list(labels)
        table[name] = rng.choice(codes, PEOPLE)
    table["agea"] = rng.integers(18, 90, PEOPLE)
    table["wtfinal"] = rng.uniform(0.5, 2.0, PEOPLE).round(3)
    path = folder / f"survey{suffix}"
    write = pyreadstat.write_sav if suffix == ".sav" else pyreadstat.write_dta
    write(
        pl.DataFrame(table),
        path,
        column_labels={name: label for name, (label, _) in columns.items()} | {"idno": "Respondent number"},
        variable_value_labels={name: labels for name, (_, labels) in columns.items()},
    )
    return path


def _english(folder: Path, suffix: str = ".sav") -> Path:
    claims = ["Gardens should be open to all", "Fences make good neighbours", "Bees are useful", "Lawns waste water"]
    columns = {f"a{number}": (f"A{number}. {claim}", ENGLISH["agree"]) for number, claim in enumerate(claims, 1)}
    columns |= {f"t{place}": (f"Trust in the {body}", ENGLISH["trust"]) for place, body in enumerate(["mayor", "club"])}
    columns |= {
        "y1": ("Q7a. Planted a tree last year", ENGLISH["yes"]),
        "b1": ("The weather compared to last year", ENGLISH["better"]),
        "gndr": ("Gender", ENGLISH["sex"]),
        "intv": ("Interviewer's gender", ENGLISH["sex"]),
    }
    return _file(folder, columns, suffix)


def _drafted(file: Path, folder: Path, codebook: Path | None = None) -> Survey:
    found = read_metadata(file, codebook)
    folder.mkdir()
    write_draft(with_sampling(build_draft(found, "mine"), found.codes), folder)
    return load_survey(str(folder))


def _said(survey: Survey, question: str, form: str = "refined") -> list[str]:
    options = survey.question(question).refined if form == "refined" else survey.question(question).polar
    return [option.statement for option in options]


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_a_draft_of_a_labelled_file_is_a_valid_survey(tmp_path: Path, suffix: str) -> None:
    survey = _drafted(_english(tmp_path, suffix), tmp_path / "mine")
    assert set(survey.positions) == {"a1", "a2", "a3", "a4", "t0", "t1", "y1", "b1"}
    assert [one.name for one in survey.demographics] == ["sex", "age"]
    assert survey.person == ("idno",)
    assert survey.weight == "wtfinal"
    assert survey.validate() == []


def test_statements_say_what_was_answered_and_to_which_question(tmp_path: Path) -> None:
    survey = _drafted(_english(tmp_path), tmp_path / "mine")
    assert _said(survey, "a3") == [
        'I strongly agree with the statement "Bees are useful".',
        'I agree with the statement "Bees are useful".',
        'I neither agree nor disagree with the statement "Bees are useful".',
        'I disagree with the statement "Bees are useful".',
        'I strongly disagree with the statement "Bees are useful".',
    ]
    assert [option.codes for option in survey.question("a3").polar] == [(1, 2), (3,), (4, 5)]
    assert _said(survey, "y1") == [
        'On "Planted a tree last year", I would say "Yes".',
        'On "Planted a tree last year", I would say "No".',
    ]


def test_a_scale_with_labelled_ends_is_cut_around_its_middle(tmp_path: Path) -> None:
    survey = _drafted(_english(tmp_path), tmp_path / "mine")
    trust = survey.question("t0")
    assert [option.codes for option in trust.polar] == [(0, 1, 2, 3, 4), (5,), (6, 7, 8, 9, 10)]
    assert [option.codes for option in trust.refined] == [(0, 1, 2), (3, 4), (5,), (6, 7), (8, 9, 10)]
    assert trust.refined[-1].statement == 'On "Trust in the mayor", my answer is close to "Complete trust".'


def test_codes_out_of_the_order_of_the_scale_are_put_in_order_by_their_labels(tmp_path: Path) -> None:
    survey = _drafted(_english(tmp_path), tmp_path / "mine")
    weather = survey.question("b1")
    assert [option.codes for option in weather.refined] == [(1,), (3,), (2,)]
    assert weather.ordered
    assert not weather.codes_in_order
    written = (tmp_path / "mine" / "questions.yaml").read_text(encoding="utf-8")
    assert "ordered: as written\n" in written


def test_missing_codes_that_are_answers_elsewhere_are_missing_in_their_question_only(tmp_path: Path) -> None:
    file = _english(tmp_path)
    survey = _drafted(file, tmp_path / "mine")
    assert 9 not in survey.missing, "9 is an answer on the scale from 0 to 10"
    assert survey.question("y1").missing == {9: "refused"}
    assert survey.question("t0").missing == {77: "refusal", 88: "don't know"}, "which are ages elsewhere"
    people = read_people(file, survey)
    assert not people.findings.unknown
    assert not people.findings.left_out
    first = people.options("refined")[:, survey.positions["y1"]].tolist().index(-1)
    assert why_missing(people, first, survey.positions["y1"]) == "refused"


def test_a_draft_in_spanish_speaks_spanish(tmp_path: Path) -> None:
    claims = [
        "Los jardines deben estar abiertos",
        "Las abejas son útiles",
        "El césped gasta agua",
        "La valla es bonita",
    ]
    columns = {f"p{at}": (f"P{at}. {claim}", SPANISH["agree"]) for at, claim in enumerate(claims, 1)}
    columns |= {
        "f1": ("Con qué frecuencia riega el jardín", SPANISH["often"]),
        "m1": ("Problemas del barrio: ruido", SPANISH["cited"]),
        "sexo": ("Sexo de la persona", SPANISH["sex"]),
    }
    survey = _drafted(_file(tmp_path, columns), tmp_path / "mine")
    assert _said(survey, "p2", "polar") == [
        "Si me presentan la frase «Las abejas son útiles», estoy de acuerdo.",
        "Si me presentan la frase «Las abejas son útiles», estoy en desacuerdo.",
    ]
    assert _said(survey, "p2")[0] == "Si me presentan la frase «Las abejas son útiles», estoy totalmente de acuerdo."
    assert [option.codes for option in survey.question("f1").polar] == [(1, 2, 3), (4,)]
    assert _said(survey, "m1") == [
        "Si me preguntan, no menciono «Problemas del barrio: ruido».",
        "Si me preguntan, menciono «Problemas del barrio: ruido».",
    ]
    sex, age = survey.demographics
    assert [group.statement for group in sex.groups] == [
        "Si me preguntan «sexo», respondo «Hombre».",
        "Si me preguntan «sexo», respondo «Mujer».",
    ]
    assert age.groups[0].label == "menos de 30 años"


def test_a_draft_in_french_speaks_french(tmp_path: Path) -> None:
    claims = ["Les jardins doivent être ouverts", "Les abeilles sont utiles", "La pelouse gaspille de l'eau"]
    columns = {f"q{at}": (f"Q{at}. {claim}", FRENCH["agree"]) for at, claim in enumerate(claims, 1)}
    columns |= {
        "s1": ("Satisfaction à l'égard de la vie dans le quartier", FRENCH["satisfied"]),
        "i1": ("Importance des arbres dans la ville", FRENCH["important"]),
        "sexe": ("Sexe", FRENCH["sex"]),
    }
    survey = _drafted(_file(tmp_path, columns), tmp_path / "mine")
    assert _said(survey, "q2") == [
        "Si l'on me présente la phrase « Les abeilles sont utiles », je suis tout à fait d'accord.",
        "Si l'on me présente la phrase « Les abeilles sont utiles », je suis plutôt d'accord.",
        "Si l'on me présente la phrase « Les abeilles sont utiles », je suis plutôt en désaccord.",
        "Si l'on me présente la phrase « Les abeilles sont utiles », je suis tout à fait en désaccord.",
    ]
    for question in ("q1", "s1", "i1"):
        assert [option.codes for option in survey.question(question).polar] == [(1, 2), (3, 4)]
    assert 8 in survey.missing


def _codebook_rows() -> list[dict[str, str]]:
    scale = "1 = Very important; 2 = Fairly important; 3 = Not very important; 4 = Not at all important"
    rows = [
        {"name": f"i{at}", "label": f"How important are {what}?", "answers": scale, "missing": "8 = don't know"}
        for at, what in enumerate(["roses", "nettles", "trees"], 1)
    ]
    return [*rows, {"name": "gender", "label": "Gender", "answers": "1 = Male; 2 = Female", "missing": ""}]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_codebook_names_the_answers_of_a_csv_file(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(2)
    codes = {f"i{at}": rng.choice([1, 2, 3, 4, 8], PEOPLE) for at in (1, 2, 3)} | {"gender": rng.integers(1, 3, PEOPLE)}
    file, codebook = tmp_path / "answers.csv", tmp_path / f"codebook{suffix}"
    pl.DataFrame(codes).write_csv(file)
    rows = _codebook_rows()
    if suffix == ".csv":
        pl.DataFrame(rows).write_csv(codebook)
    else:
        codebook.write_text("\n".join(json.dumps(row) for row in rows))
    survey = _drafted(file, tmp_path / "mine", codebook)
    assert list(survey.positions) == ["i1", "i2", "i3"]
    assert _said(survey, "i2")[1] == 'Asked "How important are nettles?", I answer "Fairly important".'
    assert survey.missing[8] == "don't know"
    assert survey.person == ()


def test_a_codebook_may_have_a_row_for_each_code(tmp_path: Path) -> None:
    codebook = tmp_path / "codebook.csv"
    codebook.write_text("variable;label;value;value label\nQ1;Likes roses;1;Yes\nQ1;Likes roses;2;No\n")
    assert read_codebook(codebook)["q1"].answers == {1: "Yes", 2: "No"}


def test_a_file_without_labels_says_how_to_give_them(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 2, 1], "b": [2, 1, 1]}).write_csv(tmp_path / "bare.csv")
    with pytest.raises(IndievalueError, match="--codebook"):
        build_draft(read_metadata(tmp_path / "bare.csv"), "mine")


@pytest.mark.parametrize(
    ("labels", "kind", "sides"),
    [
        (["Strongly approve", "Approve", "Disapprove", "Strongly disapprove"], "approval", [1, 1, -1, -1]),
        (["Very likely", "Somewhat likely", "Not very likely", "Not at all likely"], "likelihood", [1, 1, -1, -1]),
        (["A great deal", "Only some", "Hardly any"], "amount", [1, 1, -1]),
        (["Never", "Rarely", "Sometimes", "Often", "Always"], "frequency", [-1, -1, 1, 1, 1]),
        (["A top priority", "Important, but not a top priority", "A lower priority"], "importance", [1, 1, -1]),
        (
            ["Muy satisfecho", "Bastante satisfecho", "Poco satisfecho", "Nada satisfecho"],
            "satisfaction",
            [1, 1, -1, -1],
        ),
        (["Très bonne", "Bonne", "Mauvaise", "Très mauvaise"], "goodness", [1, 1, -1, -1]),
        (
            ["Tout à fait confiance", "Plutôt confiance", "Plutôt pas confiance", "Pas du tout confiance"],
            "trust",
            [1, 1, -1, -1],
        ),
        (["Always wrong", "Wrong only sometimes", "Not wrong at all"], "justification", [-1, -1, 1]),
        (["Apples", "Pears", "Plums"], "other", [0, 0, 0]),
    ],
)
def test_a_scale_is_recognised_by_its_labels(labels: list[str], kind: str, sides: list[int]) -> None:
    answers = dict(enumerate(labels, 1))
    scale = scale_of(Column("x", "X", answers, counts=dict.fromkeys(answers, 5), holds="codes"))
    assert scale is not None
    assert scale.kind == kind
    assert [answer.side for answer in scale.answers] == sides


def test_labels_that_differ_in_degree_are_one_statement_of_what_they_share() -> None:
    answers = dict(enumerate(["Not at all confident", "Not confident", "Somewhat confident", "Very confident"]))
    scale = scale_of(Column("x", "X", answers, counts=dict.fromkeys(answers, 5), holds="codes"))
    assert scale is not None
    polar = [statement for _, statement in word(scale, "the mayor", "en").polar]
    assert polar[0] == 'On "{topic}", my answer is on the side of "not confident".'
    assert polar[1] == 'On "{topic}", my answer is on the side of "confident".'


@pytest.mark.parametrize(
    ("label", "as_said"),
    [
        ("1. Agree", "Agree"),
        ("2) Agree", "Agree"),
        ("3 - Rich", "Rich"),
        ("18-29", "18-29"),
        ("10 or more", "10 or more"),
    ],
)
def test_the_number_before_a_label_is_taken_off_where_it_is_the_code(label: str, as_said: str) -> None:
    assert shown(label) == as_said


def test_a_code_beyond_the_ends_of_a_scale_is_no_step_of_it() -> None:
    answers = {0: "Does not apply at all", 10: "Applies completely", 55: "I have no education yet", 88: "Don't know"}
    scale = scale_of(Column("x", "X", answers, counts=dict.fromkeys([*range(11), 55, 88], 5), holds="codes"))
    assert scale is not None
    assert [code for answer in scale.answers for code in answer.codes] == list(range(11))
    assert scale.left_out == {55: "i have no education yet", 88: "don't know"}


def test_the_stem_of_a_battery_is_taken_off() -> None:
    stem = "Q5. How worried are you about each of the following, if at all?"
    asked = "How worried are you about each of the following"
    assert topics_of([("Q5A", f"{stem} The climate"), ("Q5B", f"{stem} The schools of the U.S.")]) == [
        Topic("The climate", cut=True, stem=asked),
        Topic("The schools of the US", stem=asked),
    ]


def test_draft_check_and_evaluate_run_one_after_the_other(tmp_path: Path) -> None:
    file, folder = _english(tmp_path), tmp_path / "mine"
    drafted = run_here("survey", "draft", file, "--out", folder)
    assert drafted.returncode == 0, drafted.stderr
    assert "8 attitude items" in drafted.stdout
    assert "id: idno; weight: wtfinal; country: none" in drafted.stdout
    assert "about the interview (1)" in drafted.stdout
    assert f"indievalue evaluate {file} --survey {folder}" in drafted.stderr
    checked = run_here("survey", "check", folder)
    assert checked.returncode == 0
    assert f"{marks_in(folder)} guesses are marked" in checked.stdout
    run = run_here(
        "evaluate", file, "--survey", folder, "--predictor", "majority", "--people", "20", "--out", tmp_path / "run"
    )
    assert run.returncode == 0, run.stderr
    again = run_here("survey", "draft", file, "--out", folder)
    assert again.returncode == 1
    assert "--force" in again.stderr


def test_surveys_that_ship_are_listed() -> None:
    assert "wvs7  World Values Survey" in run_here("survey", "list").stdout


def test_probes_are_questions_that_people_of_all_ballots_answered(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    first = np.arange(PEOPLE) < PEOPLE // 2
    table: dict[str, object] = {}
    for at in range(12):
        codes: list[int | None] = rng.integers(1, 6, PEOPLE).tolist()
        half = first if at % 3 == 0 else ~first if at % 3 == 1 else np.ones(PEOPLE, bool)
        table[f"a{at}"] = [code if asked else None for code, asked in zip(codes, half, strict=True)]
    file = tmp_path / "ballots.sav"
    labels = {name: f"Claim {name} on gardens" for name in table}
    pyreadstat.write_sav(
        pl.DataFrame(table, schema=dict.fromkeys(table, pl.Int64)),
        file,
        column_labels=labels,
        variable_value_labels=dict.fromkeys(table, ENGLISH["agree"]),
    )
    survey = _drafted(file, tmp_path / "mine")
    assert {question.id for question in survey.questions[:4]} == {"a2", "a5", "a8", "a11"}
    assert build_benchmark(read_people(file, survey)).eligibility.eligible >= PEOPLE // 3


HOSTILE = [
    'A {brace} and a "quote"',
    "Two sentences. With {0} a slot!",
    "line\nbreak\tand tab # check: nothing",
    "- yes: [no, {a: b}] & *alias !tag",
    "x" * 250,
    "Nobody never does not do nothing",
    "Ünïcode «guillemets» “quotes” … ",
]


def test_labels_of_any_text_make_a_valid_survey(tmp_path: Path) -> None:
    columns = {f"v{at}": (text, {-1: "No", 2: text, 5: "Yes"}) for at, text in enumerate(HOSTILE)}
    columns |= {f"w{at}": (text, ENGLISH["agree"]) for at, text in enumerate(HOSTILE)}
    columns |= {
        "region": ("Region", dict(enumerate(HOSTILE, 1))),
        "country": ("Country", {276: "Germany", 250: "France"}),
    }
    survey = _drafted(_file(tmp_path, columns), tmp_path / "mine")
    assert {"w0", "w1", "w2"} <= set(survey.positions)
    assert survey.country == "country"
    assert [group.label for group in survey.demographic("country").groups] == ["France", "Germany"]


def test_codes_that_a_file_declares_missing_are_no_answers(tmp_path: Path) -> None:
    labels = {1: "Very important", 2: "Not important", 6: "Other", 7: "Something else"}
    table = pl.DataFrame({f"i{at}": [1, 2, 6, 7, 1, 2] * 10 for at in range(3)})
    file = tmp_path / "missing.sav"
    pyreadstat.write_sav(
        table,
        file,
        variable_value_labels=dict.fromkeys(table.columns, labels),
        missing_ranges={name: [{"lo": 6, "hi": 7}] for name in table.columns},
    )
    survey = _drafted(file, tmp_path / "mine")
    assert [option.codes for option in survey.question("i0").refined] == [(1,), (2,)]
    assert {code: survey.missing[code] for code in (6, 7)} == {6: "Other", 7: "Something else"}
