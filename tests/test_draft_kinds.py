"""Drafts of made-up files of the kinds that surveys come in: countries, rounds, splits, languages, programs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyreadstat
import pytest

from indievalue.benchmark.build import build_benchmark
from indievalue.people.codebook import read_codebook
from indievalue.people.labels import read_metadata
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.survey.draft.build import build_draft
from indievalue.survey.draft.labels import shown
from indievalue.survey.draft.metadata import Column
from indievalue.survey.draft.sampling import with_sampling
from indievalue.survey.draft.scales import scale_of
from indievalue.survey.draft.shorthand import is_shorthand, spelled_out
from indievalue.survey.draft.statements import word
from indievalue.survey.draft.topics import Topic, claim_of, topics_of
from indievalue.survey.draft.words import times_a_year
from indievalue.survey.draft.write import write_draft
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

PEOPLE = 120

AGREE = {1: "Agree strongly", 2: "Agree", 3: "Neither agree nor disagree", 4: "Disagree", 5: "Disagree strongly"}
TRUST = {0: "No trust at all", 10: "Complete trust", 77: "Refusal", 88: "Don't know"}

Columns = dict[str, tuple[str, dict[Any, str], list[Any]]]
"""Name → (label, value labels, cells)."""


def _drawn(codes: list[int], seed: int = 0, people: int = PEOPLE) -> list[Any]:
    return np.random.default_rng(seed).choice(codes, people).tolist()


def _claims(number: int = 4, **cells: list[Any]) -> Columns:
    made: Columns = {}
    for at, claim in enumerate(["Kites should be red", "Wind is free", "Strings break", "Tails help"][:number]):
        made[f"c{at}"] = (f"{claim}", AGREE, cells.get(f"c{at}", _drawn(list(AGREE), at)))
    return made


def _written(folder: Path, columns: Columns, suffix: str = ".sav") -> Path:
    path = folder / f"kites{suffix}"
    write = pyreadstat.write_sav if suffix == ".sav" else pyreadstat.write_dta
    write(
        pl.DataFrame({name: cells for name, (_, _, cells) in columns.items()}),
        path,
        column_labels={name: label for name, (label, _, _) in columns.items()},
        variable_value_labels={name: labels for name, (_, labels, _) in columns.items() if labels},
    )
    return path


def _drafted(file: Path, folder: Path, codebook: Path | None = None) -> Survey:
    found = read_metadata(file, codebook)
    folder.mkdir()
    write_draft(with_sampling(build_draft(found, "mine"), found.codes), folder)
    load_survey.cache_clear()
    return load_survey(str(folder))


def _read(folder: Path, columns: Columns, suffix: str = ".sav") -> People:
    file = _written(folder, columns, suffix)
    return read_people(file, _drafted(file, folder / "mine"))


def _refined(survey: Survey, question: str) -> list[str]:
    return [option.statement for option in survey.question(question).refined]


def _polar(survey: Survey, question: str) -> list[str]:
    return [option.statement for option in survey.question(question).polar]


# Who people are


def _countries(codes: list[str], labels: dict[Any, str]) -> Columns:
    each = PEOPLE // len(codes)
    numbers = [float(number) for _ in codes for number in range(each)]
    return {
        "cntry": ("Country", labels, [code for code in codes for _ in range(each)]),
        "idno": ("Respondent's identification number", {}, numbers),
        **_claims(),
    }


def test_countries_are_texts_and_tell_people_of_the_same_number_apart(tmp_path: Path) -> None:
    people = _read(tmp_path, _countries(["EE", "LV", "XK"], {"EE": "Estonia", "LV": "Latvia", "XK": "Kosovo"}))
    assert people.survey.person == ("cntry", "idno")
    assert people.survey.country == "country"
    assert people.ids.tolist()[:2] == ["EE/0", "EE/1"]
    assert people.demographics["country"].unique().sort().to_list() == ["Estonia", "Kosovo", "Latvia"]


def test_the_file_of_one_country_is_described_for_those_of_others(tmp_path: Path) -> None:
    people = _read(tmp_path, _countries(["EE"], {"EE": "Estonia", "NA": "Namibia"}))
    assert people.survey.person == ("cntry", "idno")
    (tmp_path / "other").mkdir()
    other = _written(tmp_path / "other", _countries(["NA", "SVN"], {}))
    assert set(read_people(other, people.survey).demographics["country"]) == {"Namibia", "Slovenia"}


def test_na_is_namibia_where_a_codebook_says_so(tmp_path: Path) -> None:
    columns = {name: cells for name, (_, _, cells) in _countries(["NA", "ZM"], {}).items()}
    pl.DataFrame(columns).write_csv(tmp_path / "kites.csv")
    rows = [
        {"name": f"c{at}", "label": f"Claim {at}", "answers": {str(c): t for c, t in AGREE.items()}} for at in range(4)
    ]
    rows.append({"name": "cntry", "label": "Country", "answers": {"NA": "Namibia", "ZM": "Zambia"}})
    (tmp_path / "book.jsonl").write_text("\n".join(map(json.dumps, rows)))
    survey = _drafted(tmp_path / "kites.csv", tmp_path / "mine", tmp_path / "book.jsonl")
    people = read_people(tmp_path / "kites.csv", survey)
    assert people.demographics["country"].value_counts().sort("country").rows() == [("Namibia", 60), ("Zambia", 60)]


def test_regions_and_sexes_may_be_texts(tmp_path: Path) -> None:
    columns = _claims() | {
        "region": ("Region", {"EE01": "North", "EE02": "South", "999": "No answer"}, ["EE01", "EE02", "999"] * 40),
        "sex": ("Sex", {}, ["Male", "Female", "Female"] * 40),
    }
    people = _read(tmp_path, columns)
    assert people.demographics["region"][:3].to_list() == ["North", "South", None]
    assert people.demographics["sex"][:2].to_list() == ["Male", "Female"]


def test_a_person_may_need_a_household_and_a_wave(tmp_path: Path) -> None:
    columns = _claims() | {
        "wave": ("Wave", {}, [float(row // 60) for row in range(PEOPLE)]),
        "hhid": ("Household number", {}, [float(row % 60 // 2) for row in range(PEOPLE)]),
        "id": ("Person id", {}, [float(row % 2) for row in range(PEOPLE)]),
    }
    assert _read(tmp_path, columns).survey.person == ("wave", "hhid", "id")


def test_the_weight_is_the_product_with_that_of_the_population(tmp_path: Path) -> None:
    columns = _claims() | {
        "dweight": ("Design weight", {}, [0.5, 1.5] * 60),
        "pspwght": ("Post-stratification weight including design weight", {}, [0.25, 2.0] * 60),
        "pweight": ("Population size weight (must be combined with dweight or pspwght)", {}, [0.5] * PEOPLE),
        "anweight": ("Analysis weight", {}, [0.125, 1.0] * 60),
    }
    people = _read(tmp_path, columns)
    assert people.survey.weight == ("pspwght", "pweight")
    assert people.weights[:2].tolist() == [0.125, 1.0]


# Who was asked what

HALF = [1, None] * (PEOPLE // 2)


def _halves(codes: list[int]) -> tuple[list[Any], list[Any]]:
    drawn = _drawn(codes)
    return (
        [code if first else None for code, first in zip(drawn, HALF, strict=True)],
        [None if first else code for code, first in zip(drawn, HALF, strict=True)],
    )


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_halves_of_a_split_ballot_are_one_question(tmp_path: Path, suffix: str) -> None:
    first, second = _halves(list(AGREE))
    columns = _claims() | {
        "s_a": ("Kites should be allowed in the park. SPLIT BALLOT", AGREE, first),
        "s_b": ("Kites should be allowed in the park. SPLIT BALLOT", AGREE, second),
    }
    people = _read(tmp_path, columns, suffix)
    assert people.survey.question("s_a").columns == ("s_a", "s_b")
    assert "s_b" not in people.survey.positions
    assert (people.options("refined")[:, people.survey.positions["s_a"]] >= 0).all()


def test_halves_in_two_wordings_are_one_question_that_is_to_be_checked(tmp_path: Path) -> None:
    stem = "When it comes to losing kites today, how much of a problem would you say each of the following is?"
    problem = {1: "Major problem", 2: "Minor problem", 3: "Not a problem", 99: "Refused"}
    columns = _claims()
    for name, what in (("A", "Trees that catch kites"), ("B", "Strings of bad quality")):
        first, second = _halves([1, 2, 3])
        columns[f"LOSE1{name}"] = (f"LOSE1{name}. {stem} {what}", problem, first)
        columns[f"LOSE2{name}"] = (
            f"LOSE2{name}. {stem.replace('kites today', 'kites at the sea today')} {what}",
            problem,
            second,
        )
    order = ["LOSE1A", "LOSE1B", "LOSE2A", "LOSE2B"]
    columns = {name: columns[name] for name in [*(name for name in columns if name not in order), *order]}
    file = _written(tmp_path, columns)
    survey = _drafted(file, tmp_path / "mine")
    assert survey.question("LOSE1A").columns == ("LOSE1A", "LOSE2A")
    assert survey.question("LOSE1B").columns == ("LOSE1B", "LOSE2B")
    assert "# check: half were asked LOSE2A" in (tmp_path / "mine" / "questions.yaml").read_text()


def test_questions_that_follow_different_answers_stay_two(tmp_path: Path) -> None:
    first, second = _halves(list(AGREE))
    columns = _claims() | {
        "f1": ("How strongly do you feel that flying kites in the park is a duty of all", AGREE, first),
        "f2": ("How strongly do you feel that flying kites in the park is a choice of all", AGREE, second),
    }
    assert {"f1", "f2"} <= set(_read(tmp_path, columns).survey.positions)


def test_an_empty_cell_is_not_asked_where_half_were_not_and_else_no_answer(tmp_path: Path) -> None:
    first, _ = _halves([1, 2])
    yes = {1: "Yes", 2: "No"}
    columns = _claims(c0=[None if row == 7 else 1 + row % 5 for row in range(PEOPLE)]) | {
        "p1": ("Flew a kite at the sea", yes, first),
        "p2": ("Flew a kite in a field", yes, first),
    }
    survey = _read(tmp_path, columns).survey
    assert survey.question("p1").blank == survey.not_asked
    assert survey.question("c0").blank is None
    assert survey.missing[survey.blank] == "no answer, an empty cell"


def test_with_ballots_people_are_tested_on_the_probes_that_they_answered(tmp_path: Path) -> None:
    columns: Columns = {}
    for at in range(18):  # two batteries, each in two halves of its own
        half = [(row if at < 9 else row // 2) % 2 == at % 2 for row in range(PEOPLE)]
        scale = AGREE if at < 9 else {1: "Very important", 2: "Important", 3: "Not important"}
        cells = [code if asked else None for code, asked in zip(_drawn(list(scale), at), half, strict=True)]
        columns[f"b{at}"] = (f"Claim {at} on kites", scale, cells)
    people = _read(tmp_path, columns)
    assert people.survey.sampling.probes == "answered"
    assert people.survey.sampling.answered_probes == 3, "of six in each setup, as half of the people have two or more"
    assert build_benchmark(people, people_tested="all").eligibility.eligible >= PEOPLE // 2


# Scales


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Feeling thermometer: the kite club", "I feel very warm"),
        ("Termómetro de sentimientos: el club", "siento mucha simpatía"),
        ("Thermomètre : le club", "j'éprouve beaucoup de sympathie"),
    ],
)
def test_a_thermometer_is_grouped_into_feelings(label: str, said: str) -> None:
    counts = dict.fromkeys([0, 15, 30, 40, 50, 60, 70, 85, 100, 998], 3)
    scale = scale_of(Column("t", label, {998: "Don't know"}, counts=counts, holds="codes"))
    assert scale is not None
    language = {"F": "en", "e": "es", "h": "fr"}[label[0] if label[0] == "F" else label[1]]
    wording = word(scale, "the kite club", language)  # type: ignore[arg-type] - one of the three
    assert [(codes[0], codes[-1]) for codes, _ in wording.polar] == [(0, 49), (50, 50), (51, 100)]
    assert wording.refined is not None
    assert said in wording.refined[-1][1]
    assert scale.left_out == {998: "don't know"}
    assert scale.missing == {998}


def test_a_scale_from_0_to_100_with_labelled_ends_leans_to_one(tmp_path: Path) -> None:
    columns = _claims() | {
        "r": ("Rate the wind from 0 to 100", {0: "Calm", 100: "A storm"}, _drawn(list(range(0, 101, 5))))
    }
    survey = _read(tmp_path, columns).survey
    assert _polar(survey, "r")[0] == 'On "Rate the wind from 0 to 100", I lean toward "Calm" rather than "A storm".'


def test_the_ends_may_be_told_in_the_wording(tmp_path: Path) -> None:
    label = "From 0 to 10, where 0 means calm and 10 means very windy: how windy is it here"
    survey = _read(tmp_path, _claims() | {"w": (label, {88: "Don't know"}, _drawn(list(range(11))))}).survey
    assert _refined(survey, "w")[-1].endswith('my answer is close to "very windy".')


def test_a_scale_from_disagree_to_agree_whose_steps_have_no_labels_is_one_of_agreement() -> None:
    answers = {0: "missed", 1: "Disagree", 3: "Neutral", 5: "Agree"}
    column = Column(
        "E1", "I fly kites", answers, missing={0: "missed"}, counts=dict.fromkeys(range(6), 4), holds="codes"
    )
    scale = scale_of(column)
    assert scale is not None
    refined = word(scale, "I fly kites", "en").refined
    assert refined is not None
    assert [(codes, text.replace("{topic}", "I fly kites")) for codes, text in refined][:2] == [
        ((1,), 'I disagree with the statement "I fly kites".'),
        ((2,), 'I somewhat disagree with the statement "I fly kites".'),
    ]
    assert scale.missing == {0}


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        ({1: "Better", 2: "Worse", 3: "About the same"}, [1, 3, 2]),
        ({1: "Mejor", 2: "Peor", 3: "Igual"}, [1, 3, 2]),
        ({1: "Increased", 2: "Decreased", 3: "Kept the same"}, [1, 3, 2]),
        ({1: "Favor", 2: "Oppose", 3: "Neither favor nor oppose"}, [1, 3, 2]),
        (
            {
                1: "Agree very strongly with 1",
                2: "Agree with 1",
                3: "Agree with 2",
                4: "Agree very strongly with 2",
                5: "Agree with neither",
            },
            [1, 2, 5, 3, 4],
        ),
        (
            {1: "Très favorable", 2: "Plutôt favorable", 3: "Plutôt opposé", 4: "Très opposé", 5: "Neutre"},
            [1, 2, 5, 3, 4],
        ),
    ],
)
def test_steps_out_of_order_are_ordered_by_their_labels(labels: dict[int, str], order: list[int]) -> None:
    scale = scale_of(Column("x", "X", labels, counts=dict.fromkeys(labels, 5), holds="codes"))
    assert scale is not None
    assert [answer.codes[0] for answer in scale.answers] == order
    assert not scale.ordered
    assert not scale.doubts


def test_a_middle_that_does_not_say_neither_is_said_as_it_is() -> None:
    answers = {0: "Disagree", 1: "Hard to say", 2: "Agree"}
    scale = scale_of(Column("x", "X", answers, counts=dict.fromkeys(answers, 5), holds="codes"))
    assert scale is not None
    assert [text for _, text in word(scale, "X", "en").polar] == [
        'I disagree with the statement "{topic}".',
        'On the statement "{topic}", I say "Hard to say".',
        'I agree with the statement "{topic}".',
    ]


def test_numbers_for_labels_and_tests_of_knowledge_are_no_attitudes(tmp_path: Path) -> None:
    columns = _claims() | {
        "index": ("Component 3 of an index of kites", {-1: "-1", 0: "0", 1: "1"}, _drawn([-1, 0, 1])),
        "test": ("What a kite is", {1: "Correct answer", 0: "Incorrect answer"}, _drawn([0, 1])),
        "ends": ("Kites here", {1: "1 There are none", 10: "10 There are many"}, _drawn(list(range(1, 11)))),
        "sign": ("Kites there", {1: "1 - none", 7: "7 - many"}, _drawn(list(range(1, 8)))),
    }
    survey = _read(tmp_path, columns).survey
    assert set(survey.positions) == {"c0", "c1", "c2", "c3", "ends", "sign"}
    assert 'toward "none" rather than "many"' in _polar(survey, "sign")[0]
    assert 'toward "There are none" rather than "There are many"' in _polar(survey, "ends")[0]


def test_a_column_most_of_whose_numbers_have_no_label_is_no_scale() -> None:
    counts = {0: 2, 1990: 9, 1991: 9, 9999: 1}
    assert scale_of(Column("y", "Year", {0: "Never", 9999: "Still"}, counts=counts, holds="codes")) is None


@pytest.mark.parametrize(
    ("label", "times"),
    [
        ("2-3 times a month", 30.0),
        ("several times a week", 208.0),
        ("less than once a year", 0.6),
        ("todos los días", 365.0),
        ("une fois par mois", 12.0),
        ("never", 0.0),
        ("only on holidays", None),
    ],
)
def test_how_often_a_label_says(label: str, times: float | None) -> None:
    assert times_a_year(label) == pytest.approx(times)


# Statements


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("How often does R fly kites", "How often do you fly kites?"),
        ("Did the club contact R about kites", "Did the club contact you about kites?"),
        ("Self-evaluation of R kite", "Self-evaluation of my kite"),
        ("When provoked, how likely for R to fly a kite", "When provoked, how likely for me to fly a kite"),
        ("R's chances for a kite good", "My chances for a kite good"),
        ("r is satisfied with their kite", "I am satisfied with my kite"),
        ("Should fed govt make it easier to buy a kite", "Should federal government make it easier to buy a kite?"),
        ("TRUST IN THE KITE CLUB OF THE EU", "Trust in the kite club of the EU"),
        ("Most important kite (1st)", "Most important kite"),
        ("Open skies vs. w/o kites", "Open skies versus without kites"),
        ("how likely x s kite is lost", "how likely X's kite is lost"),
        ("Kites in the park. SPLIT BALLOT", "Kites in the park"),
    ],
)
def test_shorthand_is_spelled_out(label: str, said: str) -> None:
    assert spelled_out(label, "en") == said
    assert not is_shorthand(said)


def test_shorthand_of_other_languages_is_spelled_out() -> None:
    assert spelled_out("Confianza en el gob. de EE.UU.", "es") == "Confianza en el gobierno de Estados Unidos"
    assert spelled_out("Confiance dans le gvt", "fr") == "Confiance dans le gouvernement"


def test_a_statement_tells_what_its_battery_asks() -> None:
    asked = "How much of a problem would you say each of the following is for people who fly kites?"
    topics = topics_of([("L1", f"{asked} Trees"), ("L2", f"{asked} Wires over the field")])
    assert topics[1] == Topic("Wires over the field", stem=asked.rstrip("?"))
    answers = {1: "A major problem", 2: "A minor problem", 3: "Not a problem"}
    scale = scale_of(Column("L1", "", answers, counts=dict.fromkeys(answers, 5), holds="codes"))
    assert scale is not None
    refined = word(scale, topics[1].text, "en", stem=topics[1].stem).refined
    assert refined is not None
    assert refined[0][1] == f'Asked "{asked.rstrip("?")}: {{topic}}?", I answer "A major problem".'


def test_what_is_agreed_with_is_the_claim_and_not_the_question() -> None:
    assert claim_of(Topic("Do you agree or disagree that kites should be red?")).text == "Kites should be red"
    assert claim_of(Topic("Convinced that kites are red")).text == "I am convinced that kites are red"


@pytest.mark.parametrize(
    ("labels", "language", "polar"),
    [
        (["None of them", "Few", "Some", "All of them"], "en", ['"Few" at most', 'at least "Some"']),
        (["Much worse", "Worse", "Same", "Better", "Much better"], "en", ['on the side of "worse"', None]),
        (["Nada", "Poco", "Bastante", "Mucho"], "es", ["«Poco» como mucho", "«Bastante» como mínimo"]),
        (
            ["Très confiance", "Plutôt confiance", "Plutôt pas confiance", "Pas du tout confiance"],
            "fr",
            ["j'ai confiance", "j'ai peu ou pas confiance"],
        ),
    ],
)
def test_a_polar_sentence_lists_no_labels(labels: list[str], language: Any, polar: list[str | None]) -> None:
    answers = dict(enumerate(labels))
    scale = scale_of(Column("x", "X", answers, counts=dict.fromkeys(answers, 5), holds="codes"))
    assert scale is not None
    for (_, said), wanted in zip(word(scale, "X", language).polar, polar, strict=False):
        assert wanted is None or wanted in said


def test_labels_in_capitals_and_with_numbers_are_made_plain() -> None:
    assert shown("VERY SATISFIED") == "Very satisfied"
    assert shown("STATEMENT 2: Sometimes kites are better") == "Sometimes kites are better"


# Languages and programs


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["Très mauvaises", "Plutôt mauvaises", "Ni bonnes ni mauvaises", "Plutôt bonnes", "Très bonnes"], "goodness"),
        (["Beaucoup plus mauvaise", "Plus mauvaise", "Inchangée", "Meilleure", "Beaucoup meilleure"], "change"),
        (["Jamais", "Juste une ou deux fois", "Quelques fois", "Plusieurs fois", "Toujours"], "frequency"),
        (["Plusieurs fois par jour", "Une fois par semaine", "Quelques fois par mois", "Jamais"], "frequency"),
        (["Pas du tout", "Juste un peu", "Partiellement", "Beaucoup"], "amount"),
        (["Mucha", "Algo", "Poca", "Ninguna"], "amount"),
        (["Mucho mejor", "Un poco mejor", "Igual", "Un poco peor", "Mucho peor"], "change"),
        (["Muy a favor", "A favor", "En contra", "Muy en contra"], "favor"),
        (["Todos los días", "Una vez a la semana", "Una o dos veces al año", "Nunca o casi nunca"], "frequency"),
    ],
)
def test_scales_of_spanish_and_french_are_recognised(labels: list[str], kind: str) -> None:
    answers = dict(enumerate(labels))
    scale = scale_of(Column("x", "X", answers, counts=dict.fromkeys(answers, 5), holds="codes"))
    assert scale is not None
    assert scale.kind == kind
    assert scale.ordered
    assert {answer.side for answer in scale.answers} >= {-1, 1}


def test_files_in_spanish_and_french_name_their_language(tmp_path: Path) -> None:
    scales = {
        "es": {1: "Muy de acuerdo", 2: "De acuerdo", 3: "En desacuerdo", 4: "Muy en desacuerdo", 8: "No sabe"},
        "fr": {1: "Tout à fait d'accord", 2: "Plutôt d'accord", 3: "Plutôt pas d'accord", 4: "Pas du tout d'accord"},
    }
    claims = {"es": "Las cometas son de todos en el parque", "fr": "Les cerfs-volants sont pour tous dans le parc"}
    for language, scale in scales.items():
        (tmp_path / language).mkdir()
        columns: Columns = {
            f"p{at}": (f"P{at}. {claims[language]} {at}", scale, _drawn([1, 2, 3, 4], at)) for at in range(4)
        }
        columns["pais" if language == "es" else "pays"] = (
            "País" if language == "es" else "Pays",
            {"CL": "Chile", "PE": "Perú"},
            ["CL", "PE"] * 60,
        )
        people = _read(tmp_path / language, columns)
        assert people.survey.language == language
        assert people.survey.validate() == []
        assert set(people.demographics["country"]) == {"Chile", "Perú"}


def test_tab_separated_tests_with_0_for_missed_items_are_drafted(tmp_path: Path) -> None:
    """Like the raw data of personality tests on the web: tabs in a .csv, times and positions among the answers."""
    rng = np.random.default_rng(5)
    table = {f"Q{at}A": rng.integers(0, 6, PEOPLE) for at in range(1, 6)}
    table |= {f"Q{at}E": rng.integers(900, 40_000, PEOPLE) for at in range(1, 6)}
    pl.DataFrame(table | {"country": ["US", "GB", "NA"] * 40, "age": rng.integers(14, 70, PEOPLE)}).write_csv(
        tmp_path / "data.csv", separator="\t"
    )
    answers = "1=Disagree; 2=Slightly disagree; 3=Neutral; 4=Slightly agree; 5=Agree"
    book = [
        {"name": f"Q{at}A", "label": f"I often fly kite number {at}.", "answers": answers, "missing": "0=missed"}
        for at in range(1, 6)
    ]
    pl.DataFrame(book).write_csv(tmp_path / "book.csv")
    survey = _drafted(tmp_path / "data.csv", tmp_path / "mine", tmp_path / "book.csv")
    assert set(survey.positions) == {f"Q{at}A" for at in range(1, 6)}
    assert survey.missing[0] == "missed"
    assert _refined(survey, "Q2A")[1] == 'I somewhat disagree with the statement "I often fly kite number 2".'
    people = read_people(tmp_path / "data.csv", survey)
    assert people.survey.country == "country"
    assert people.findings.unknown == ()


def test_a_codebook_has_texts_in_place_of_codes(tmp_path: Path) -> None:
    book = tmp_path / "book.csv"
    book.write_text('name,label,answers\ncntry,Country,"EE = Estonia; LV = Latvia"\nq1,Flies kites,"1 = Yes; 2 = No"\n')
    entries = read_codebook(book)
    assert entries["cntry"].texts == {"EE": "Estonia", "LV": "Latvia"}
    assert entries["q1"].answers == {1: "Yes", 2: "No"}
    assert entries["q1"].texts == {}
