"""The public names: what ``import indievalue as iv`` offers, how fast, and how well typed."""

import ast
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import indievalue as iv
from conftest import ROOT
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.testing import made_up_people, small_survey

STUB = Path(iv.__file__).with_suffix(".pyi")


def test_every_public_name_is_there_and_nothing_else_is_shown() -> None:
    stub = ast.parse(STUB.read_text())
    named = sorted(alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names)
    assert sorted(iv.__all__) == named
    assert sorted(name for name in dir(iv) if not name.startswith("_")) == named
    for name in named:
        assert getattr(iv, name).__name__ == name


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, indievalue; print(sorted({'numpy', 'polars', 'pydantic', 'scipy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_what_evaluates_imports_nothing_that_few_need() -> None:
    few = {"scipy.optimize", "scipy.stats", "sklearn", "torch", "transformers"}
    modules = ("cli", "evaluation", "experiments.run", "impute.draws", "impute.rubin", "estimation.powered")
    code = f"import sys, {', '.join(f'indievalue.{name}' for name in modules)}; print(sorted({few} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_editors_and_mypy_see_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "script.py").write_text(
        "import indievalue as iv\n"
        "people = iv.synthetic_people(300)\n"
        "reveal_type(people)\n"
        "reveal_type(iv.build_benchmark(people, form='polar', people_tested=20, seed=1))\n"
        "iv.build_benchmark(people, form='coarse')\n"
        "iv.nothing\n"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", str(tmp_path / "script.py")],  # in the clone, whose cache and settings it uses
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    assert 'Revealed type is "indievalue.people.people.People"' in checked
    assert 'Revealed type is "indievalue.benchmark.model.Benchmark"' in checked
    assert 'script.py:5: error: Argument "form"' in checked
    assert 'script.py:6: error: Module has no attribute "nothing"' in checked


@pytest.fixture(scope="module")
def people() -> People:
    return made_up_people(small_survey(), 60)


def test_settings_are_given_by_name(people: People) -> None:
    by_name = iv.build_benchmark(people, form="refined", people_tested=9, setups=[1], demonstrations=3, seed=2)
    as_object = iv.build_benchmark(
        people, iv.Settings(form="refined", setups=(1,), demonstrations=3, seed=2), people_tested=9
    )
    assert by_name.settings == as_object.settings
    assert by_name.people.ids.tolist() == as_object.people.ids.tolist()
    assert hash(by_name.settings) == hash(as_object.settings)


def test_objects_show_themselves_in_a_few_lines(people: People) -> None:
    benchmark = iv.build_benchmark(people, people_tested=9, setups=[0], demonstrations=3)
    _, task = next(benchmark.tasks())
    answers = int((people.options("refined") >= 0).sum())
    assert repr(people) == f"People: 60 of small, from made up\n  12 questions, {answers} answers; 2 demographics"
    assert repr(people.survey).startswith("Survey small: A made-up survey\n  12 questions in 3 categories")
    assert repr(benchmark).startswith(
        "Benchmark: 9 people of small, 6 probes each, 3 demonstrations\n  polar form, strict"
    )
    assert repr(task) == "Task: 9 people × 6 probes of small, setup 0, 3 demonstrations"
    run = iv.evaluate(people, benchmark, ["majority", "random"])
    for shown in (run, run.inequity(["region"], minimum=2), run.compare("majority", "random", ["region"], minimum=2)):
        assert shown._repr_html_().startswith("<table>")
    assert repr(iv.Resemble(k=5)) == "Resemble(k=5)"
    assert repr(iv.Gaussian()) == "Gaussian()"


def test_people_show_themselves_as_a_summary_and_not_row_by_row(people: People) -> None:
    complete = (people.options("refined") >= 0).all(axis=1).argmax()
    codes = people.codes[[complete] * 60]
    codes[:15, :4] = -1  # 60 of 720 answers
    names = list(people.demographics.columns)
    gaps = people.demographics.with_columns(pl.all().fill_null("unknown")).with_columns(
        pl.when(pl.int_range(pl.len()) < 6).then(None).otherwise(pl.col(names[0])).alias(names[0])
    )
    html = dataclasses.replace(people, codes=codes, demographics=gaps)._repr_html_()
    assert "60 people of A made-up survey: 12 questions, 8.3% of answers missing" in html
    cells = [re.findall(r"<t[dh][^>]*>([^<]*)<", row) for row in re.findall(r"<tr>.*?</tr>", html)]
    groups = [str(gaps[name].drop_nulls().n_unique()) for name in names]
    assert cells == [
        ["demographic", "groups", "missing"],
        [names[0], groups[0], "10.0%"],
        [names[1], groups[1], "0.0%"],
    ]
    assert not any(person in html for person in people.ids.tolist())
    nobody = people.take([False] * len(people))
    assert "0 people" in nobody._repr_html_()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"form": "coarse"}, "form is one of polar, refined, and not 'coarse'"),
        ({"protocol": "loose"}, "protocol is one of strict, paper, and not 'loose'"),
        ({"context": "all"}, "context is one of none, demographics, statements, both, and not 'all'"),
        ({"demonstrations": -1}, "demonstrations is a number from 0 on, and not -1"),
        ({"people_tested": "some"}, "people_tested is a number, 'all', or a list of ids, and not 'some'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(people: People, wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(IndievalueError, match=complaint):
        iv.build_benchmark(people, **wrong)  # type: ignore[arg-type]
