"""Completed files: only gaps change, in every format, and nothing is left behind by a command that fails."""

import gzip
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pyreadstat
import pytest
from typer.testing import CliRunner

import indievalue.impute.file
from conftest import GARDEN, garden_answers
from indievalue.cli import app
from indievalue.errors import IndievalueError
from indievalue.impute.copies import Copies
from indievalue.impute.file import ImputeOptions, impute_file
from indievalue.impute.missing import ToFill
from indievalue.impute.stata_files import complete_stata
from indievalue.people.read import read_people

QUESTIONS = ["P1", "P2", "P3", "P4", "A1", "A2", "A3", "N1", "N2", "N3"]
MISSING = {-1: "don't know", -4: "not asked", -5: "missing"}


def with_gaps(people: int = 80) -> pl.DataFrame:
    """Gardeners of whose answers every fifth or so is missing, for one of three reasons, with columns that are no
    questions.
    """
    table, random = garden_answers(people), np.random.default_rng(3)
    for name in QUESTIONS:
        reasons = random.choice([-1, -4, -5], people)
        table = table.with_columns(pl.Series(name, np.where(random.random(people) < 0.2, reasons, table[name])))
    remark = [f'said "{at}", then left; ß' for at in range(people)]
    return table.with_columns(pl.Series("REMARK", remark), (pl.col("WEIGHT") * 1e-7).alias("TINY"))


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture(autouse=True)
def few_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written does not depend on how good the draws are; tests of these are in test_impute_draws.py."""
    monkeypatch.setattr("indievalue.impute.draws.BURN_IN", 3)
    monkeypatch.setattr("indievalue.impute.draws.BETWEEN", 2)


def impute(file: Path, out: Path, **options: Any) -> Any:
    given = ImputeOptions(options.pop("draws", 1), ToFill(**options.pop("fill", {})), options.pop("seed", 0))
    return impute_file(file, out, given, str(GARDEN), **options)


def check_only_gaps_changed(before: pl.DataFrame, after: pl.DataFrame, codes: tuple[int, ...] = (-1, -5)) -> None:
    """Check that cells with these codes hold an answer now, and that all others are as before."""
    assert after.columns == before.columns
    assert after.schema == before.schema
    for name in before.columns:
        old, new = before[name], after[name]
        gap = old.cast(pl.Float64).is_in([float(code) for code in codes]) if name in QUESTIONS else old.is_null()
        assert new.filter(~gap).equals(old.filter(~gap)), name
        if name in QUESTIONS:
            assert gap.any()
            answers = old.filter(old.cast(pl.Float64) >= 0)
            assert new.filter(gap).is_in(answers.implode()).all(), name


@pytest.fixture
def table() -> pl.DataFrame:
    return with_gaps()


# What is written, format by format


def test_parquet(tmp_path: Path, table: pl.DataFrame) -> None:
    table = table.with_columns(pl.col("P1").cast(pl.Int8), pl.lit("2024-05-01").str.to_date().alias("DAY"))
    table.write_parquet(tmp_path / "a.parquet", metadata={"note": "kept"})
    impute(tmp_path / "a.parquet", tmp_path / "b.parquet")
    check_only_gaps_changed(table, pl.read_parquet(tmp_path / "b.parquet"))
    assert pl.read_parquet_metadata(tmp_path / "b.parquet")["note"] == "kept"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_keeps_every_other_byte(tmp_path: Path, table: pl.DataFrame, separator: str, end: str) -> None:
    text = table.write_csv(separator=separator, line_terminator=end, quote_style="non_numeric")
    content = b"\xef\xbb\xbf" + text.encode()
    (tmp_path / "a.csv").write_bytes(content)
    filled = impute(tmp_path / "a.csv", tmp_path / "b.csv").filled
    after = (tmp_path / "b.csv").read_bytes()
    check_only_gaps_changed(
        pl.read_csv(tmp_path / "a.csv", separator=separator), pl.read_csv(tmp_path / "b.csv", separator=separator)
    )
    lines, changed = content.split(end.encode()), after.split(end.encode())
    assert len(lines) == len(changed)
    rows = set(filled["row"].to_list())
    assert [at for at, (old, new) in enumerate(zip(lines, changed, strict=True)) if old != new] == sorted(rows)
    assert [line.count(b'"') for line in lines] == [line.count(b'"') for line in changed]


def test_csv_of_cells_in_quotes_and_empty_ones(tmp_path: Path, table: pl.DataFrame) -> None:
    gone = table.with_columns(
        pl.when(pl.col(name) == -5).then(None).otherwise(pl.col(name)).alias(name) for name in QUESTIONS
    )
    gone.write_csv(tmp_path / "a.csv", quote_style="always")
    impute(tmp_path / "a.csv", tmp_path / "b.csv")
    before, after = ((tmp_path / name).read_text() for name in ("a.csv", "b.csv"))
    assert after.count('"') == before.count('"')
    assert '"-1"' in before
    assert '"-1"' not in after
    completed = pl.read_csv(tmp_path / "b.csv")
    assert completed.select(QUESTIONS).null_count().sum_horizontal().item() == 0
    assert not (completed.select(QUESTIONS) == -1).to_series().any()


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_text_in_another_encoding(tmp_path: Path, table: pl.DataFrame, encoding: str) -> None:
    content = table.write_csv(separator="\t").encode(encoding)
    (tmp_path / "a.txt").write_bytes(content)
    impute(tmp_path / "a.txt", tmp_path / "b.txt")
    after = (tmp_path / "b.txt").read_bytes()
    assert after[:2] == content[:2]
    check_only_gaps_changed(
        table, pl.read_csv(after.decode(encoding).encode(), separator="\t", schema_overrides=table.schema)
    )


def test_compressed_text(tmp_path: Path, table: pl.DataFrame) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table.write_csv().encode()))
    written = impute(tmp_path / "a.csv.gz", tmp_path / "b.csv.gz", draws=2)
    assert [file.name for file in written.files] == ["b.csv.gz", "b.2.csv.gz"]
    content = gzip.decompress((tmp_path / "b.2.csv.gz").read_bytes())
    check_only_gaps_changed(table, pl.read_csv(content, schema_overrides=table.schema))


def test_lines_without_cells_stay(tmp_path: Path, table: pl.DataFrame) -> None:
    lines = table.write_csv().splitlines()
    lines.insert(5, "")
    (tmp_path / "a.csv").write_text("\n".join(lines))  # nor does its last line end
    impute(tmp_path / "a.csv", tmp_path / "b.csv")
    after = (tmp_path / "b.csv").read_text().split("\n")
    assert after[5] == ""
    del after[5]
    check_only_gaps_changed(table, pl.read_csv("\n".join(after).encode(), schema_overrides=table.schema))


def spss(table: pl.DataFrame, file: Path, *, compress: bool) -> None:
    pyreadstat.write_sav(
        table,
        str(file),
        column_labels={"P1": "How much do you like roses?"},
        variable_value_labels={
            name: {1.0: "very much", **{float(k): v for k, v in MISSING.items()}} for name in QUESTIONS
        },
        missing_ranges={name: [{"lo": -5.0, "hi": -1.0}] for name in QUESTIONS},
        variable_measure={"P1": "ordinal", "REGION": "nominal"},
        file_label="Gardeners",
        row_compress=compress,
        variable_display_width={"P2": 12},
        note="about gardens",
    )


@pytest.mark.parametrize("compress", [True, False])
def test_spss_keeps_labels_and_declarations(tmp_path: Path, table: pl.DataFrame, compress: bool) -> None:
    long = table.with_columns(pl.Series("REMARK", ["x" * (at * 11 % 900) for at in range(len(table))]))
    spss(long, tmp_path / "a.sav", compress=compress)
    impute(tmp_path / "a.sav", tmp_path / "b.sav")
    before, about = pyreadstat.read_sav(tmp_path / "a.sav", user_missing=True, output_format="polars")
    after, kept = pyreadstat.read_sav(tmp_path / "b.sav", user_missing=True, output_format="polars")
    check_only_gaps_changed(before, after)
    assert after["REMARK"].to_list() == long["REMARK"].to_list()
    assert after["TINY"].to_list() == long["TINY"].to_list()
    assert about.missing_ranges["P1"] == [{"lo": -5.0, "hi": -1.0}]
    assert vars(kept) == vars(about)


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("version", [114, 117, 118, 119])
def test_cells_of_every_type_of_stata_are_copied_in_their_own_column(
    tmp_path: Path, version: Literal[114, 117, 118, 119], byteorder: str
) -> None:
    frame = pd.DataFrame(
        {
            "single": np.array([0.5, 1.5, -2.5], np.float32),
            "tiny": np.array([1, 2, 3], np.int8),
            "exact": np.array([0.1, 0.2, 0.3]),
            "small": np.array([300, -300, 7], np.int16),
            "words": ["a", "bcd", "ef"],
            "whole": np.array([70_000, -70_000, 5], np.int32),
        }
    )
    strings = ["remark"] if version > 114 else None
    frame = frame.assign(remark=["x" * 3000, "y", "z"]) if strings else frame
    source, target = tmp_path / "a.dta", tmp_path / "b.dta"
    frame.to_stata(source, write_index=False, version=version, byteorder=byteorder, convert_strl=strings)
    number = len(frame.columns)
    complete_stata(source, target, Copies(np.full(number, 1), np.arange(number), np.full(number, 2)), 3)
    wanted = frame.copy()
    wanted.iloc[1] = frame.iloc[2]
    pd.testing.assert_frame_equal(pd.read_stata(target), wanted, check_dtype=False)


@pytest.mark.parametrize("version", [10, 12, 13, 14, 15])
def test_stata_keeps_labels(tmp_path: Path, table: pl.DataFrame, version: int) -> None:
    labels = {name: {1: "very much", **MISSING} for name in QUESTIONS}
    table = table.with_columns(pl.col("REMARK").str.replace("ß", "ss"), pl.col("P1").cast(pl.Int8))
    pyreadstat.write_dta(
        table, str(tmp_path / "a.dta"), variable_value_labels=labels, file_label="Gardeners", version=version
    )
    impute(tmp_path / "a.dta", tmp_path / "b.dta")
    before, about = pyreadstat.read_dta(tmp_path / "a.dta", user_missing=True, output_format="polars")
    after, kept = pyreadstat.read_dta(tmp_path / "b.dta", user_missing=True, output_format="polars")
    check_only_gaps_changed(before, after)
    assert vars(kept) == vars(about)
    assert (tmp_path / "a.dta").stat().st_size == (tmp_path / "b.dta").stat().st_size


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_any_file_as_parquet_or_csv(tmp_path: Path, table: pl.DataFrame, ending: str) -> None:
    spss(table, tmp_path / "a.sav", compress=True)
    written = impute(tmp_path / "a.sav", tmp_path / f"b{ending}")
    after = pl.read_parquet(written.files[0]) if ending == ".parquet" else pl.read_csv(written.files[0])
    check_only_gaps_changed(table, after.cast(dict(table.schema)))  # whole numbers are whole again


# Which cells are filled, and with what


def test_questions_never_asked_are_filled_only_if_wanted(tmp_path: Path, table: pl.DataFrame) -> None:
    table.write_parquet(tmp_path / "a.parquet")
    impute(tmp_path / "a.parquet", tmp_path / "b.parquet", fill={"not_asked": True})
    check_only_gaps_changed(table, pl.read_parquet(tmp_path / "b.parquet"), (-1, -4, -5))


def test_do_not_know_can_be_an_answer(tmp_path: Path, table: pl.DataFrame) -> None:
    table = table.with_columns(P1=pl.Series([-1, -5, 1, 2] * 20), P2=pl.Series([-1, -5, 1, 2] * 20))
    table.write_parquet(tmp_path / "a.parquet")
    written = impute(tmp_path / "a.parquet", tmp_path / "b.parquet", fill={"keep_do_not_know": True})
    after = pl.read_parquet(tmp_path / "b.parquet")
    assert (after["P1"].filter(table["P1"] == -1) == -1).all()
    drawn = after["P1"].filter(table["P1"] == -5).to_list()
    assert set(drawn) == {-1, 1, 2}
    assert set(written.filled.filter(pl.col("question") == "P1")["old"]) == {"-5"}


def test_the_list_of_filled_cells_says_what_changed(tmp_path: Path, table: pl.DataFrame) -> None:
    table.write_parquet(tmp_path / "a.parquet")
    written = impute(tmp_path / "a.parquet", tmp_path / "b.parquet", draws=3)
    assert written.filled_file.name == "b.filled.parquet"
    filled = pl.read_parquet(written.filled_file)
    assert filled.equals(written.filled)
    assert filled.columns == [
        *("row", "person", "question", "column", "old", "new", "probability", "entropy"),
        *("new_2", "probability_2", "new_3", "probability_3"),
    ]
    gaps = sum(table[name].is_in([-1, -5]).sum() for name in QUESTIONS)
    assert len(filled) == gaps
    for number, name in enumerate(["new", "new_2", "new_3"]):
        completed = pl.read_parquet(written.files[number])
        for cell in filled.iter_rows(named=True):
            assert str(completed[cell["row"] - 1, cell["column"]]) == cell[name]
            assert str(table[cell["row"] - 1, cell["column"]]) == cell["old"]
            assert table[cell["row"] - 1, "ID"] == cell["person"]
    assert filled["probability"].is_between(0, 1).all()
    assert filled["entropy"].is_between(0, np.log2(10)).all()
    assert (filled["new"] != filled["new_2"]).any()


def test_a_question_that_nobody_answered_is_left(tmp_path: Path, table: pl.DataFrame) -> None:
    table = table.with_columns(P4=pl.lit(-1))
    table.write_parquet(tmp_path / "a.parquet")
    written = impute(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert written.left == {"P4": len(table)}
    assert pl.read_parquet(tmp_path / "b.parquet")["P4"].to_list() == [-1] * len(table)


def test_a_question_with_one_answer_is_filled_with_it(tmp_path: Path, table: pl.DataFrame) -> None:
    table = table.with_columns(N3=pl.when(pl.col("N3") < 0).then(-5).otherwise(1))
    table.write_parquet(tmp_path / "a.parquet")
    written = impute(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert pl.read_parquet(tmp_path / "b.parquet")["N3"].to_list() == [1] * len(table)
    assert written.filled.filter(pl.col("question") == "N3")["probability"].min() == 1


def test_a_file_in_which_nobody_differs_is_filled(tmp_path: Path, table: pl.DataFrame) -> None:
    table = table.with_columns(pl.when(pl.col(name) < 0).then(-1).otherwise(1).alias(name) for name in QUESTIONS)
    table.write_parquet(tmp_path / "a.parquet")
    written = impute(tmp_path / "a.parquet", tmp_path / "b.parquet", draws=2)
    assert (pl.read_parquet(written.files[1]).select(QUESTIONS) == 1).min_horizontal().all()
    assert written.filled["entropy"].max() < 0.001


def test_a_file_without_gaps_is_written_as_it_is(tmp_path: Path) -> None:
    garden_answers(40).write_csv(tmp_path / "a.csv")
    written = impute(tmp_path / "a.csv", tmp_path / "b.csv", draws=2)
    assert len(written.filled) == 0
    for name in ("b.csv", "b.2.csv"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_a_row_that_is_repeated_is_filled_alike(tmp_path: Path, table: pl.DataFrame) -> None:
    twice = pl.concat([table, table[:30]])
    twice.write_parquet(tmp_path / "a.parquet")
    impute(tmp_path / "a.parquet", tmp_path / "b.parquet")
    after = pl.read_parquet(tmp_path / "b.parquet")
    check_only_gaps_changed(twice, after)
    assert after[80:].equals(after[:30])


def test_rows_that_were_not_picked_stay(tmp_path: Path, table: pl.DataFrame) -> None:
    from indievalue.people.options import ReadOptions

    table.write_parquet(tmp_path / "a.parquet")
    impute(tmp_path / "a.parquet", tmp_path / "b.parquet", read=ReadOptions(rows=(("REGION", "1,2"),)))
    after = pl.read_parquet(tmp_path / "b.parquet")
    others = table["REGION"] == 3
    assert after.filter(others).equals(table.filter(others))
    check_only_gaps_changed(table.filter(~others), after.filter(~others))


# Reproducible


def test_the_seed_decides(tmp_path: Path, table: pl.DataFrame) -> None:
    table.write_parquet(tmp_path / "a.parquet")
    same, again, other = (
        impute(tmp_path / "a.parquet", tmp_path / f"{at}.parquet", seed=seed).filled
        for at, seed in enumerate((1, 1, 2))
    )
    assert same.equals(again)
    assert not same.equals(other)


def test_neither_threads_nor_the_order_of_rows_matter(
    tmp_path: Path, table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indievalue.impute.sampler.BLOCK", 9)  # several blocks to share out
    table.write_parquet(tmp_path / "a.parquet")
    table.reverse().write_parquet(tmp_path / "r.parquet")
    found = {}
    for threads in (1, 3):
        monkeypatch.setattr("indievalue.threads.cores", lambda threads=threads: threads)
        found[threads] = impute(tmp_path / "a.parquet", tmp_path / f"{threads}.parquet").filled
    assert found[1].equals(found[3])
    turned = impute(tmp_path / "r.parquet", tmp_path / "4.parquet").filled
    by = ["person", "question"]
    assert turned.drop("row").sort(by).equals(found[1].drop("row").sort(by))


def test_a_first_draw_does_not_depend_on_how_many_follow(tmp_path: Path, table: pl.DataFrame) -> None:
    table.write_parquet(tmp_path / "a.parquet")
    one, two = (impute(tmp_path / "a.parquet", tmp_path / f"{n}.parquet", draws=n) for n in (1, 2))
    assert one.filled["new"].equals(two.filled["new"])


# What is refused, and what is left behind


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("b.sav", r"ends in \.csv or \.parquet"),
        ("b", r"ends in \.csv or \.parquet"),
        (".csv", r"ends in \.csv or \.parquet"),
        ("a.csv", "the data file itself"),
        ("folder.csv", "is a folder"),
        ("there.csv", "exists already"),
    ],
)
def test_a_name_that_is_refused(tmp_path: Path, table: pl.DataFrame, out: str, said: str) -> None:
    table.write_csv(tmp_path / "a.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "there.csv").write_text("mine")
    before = names_in(tmp_path)
    with pytest.raises(IndievalueError, match=said):
        impute(tmp_path / "a.csv", tmp_path / out)
    assert names_in(tmp_path) == before


@pytest.mark.parametrize(("data", "draws"), [("b.2.csv", 2), ("b.filled.csv", 1)])
def test_no_further_file_replaces_the_data(tmp_path: Path, table: pl.DataFrame, data: str, draws: int) -> None:
    table.write_csv(tmp_path / data)
    with pytest.raises(IndievalueError, match="the data file itself"):
        impute(tmp_path / data, tmp_path / "b.csv", draws=draws, force=True)


def test_force_replaces_and_the_umask_decides_who_may_read(tmp_path: Path, table: pl.DataFrame) -> None:
    table.write_csv(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("old")
    before = os.umask(0o027)
    try:
        impute(tmp_path / "a.csv", tmp_path / "b.csv", force=True)
    finally:
        os.umask(before)
    check_only_gaps_changed(table, pl.read_csv(tmp_path / "b.csv", schema_overrides=table.schema))
    for name in ("b.csv", "b.filled.csv"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["draw_missing", "complete_text", "_write_filled"])
def test_ctrl_c_leaves_nothing(
    tmp_path: Path, table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    table.write_csv(tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_bytes()
    monkeypatch.setattr(indievalue.impute.file, where, stopped)
    with pytest.raises(KeyboardInterrupt):
        impute(tmp_path / "a.csv", tmp_path / "b.csv", draws=2)
    assert names_in(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == content


@pytest.mark.parametrize("room", [0, 2000, 7000])
def test_a_full_disk_leaves_nothing(tmp_path: Path, table: pl.DataFrame, room: int) -> None:
    table.write_csv(tmp_path / "a.csv")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(IndievalueError, match=r"cannot write .*b"):
            impute(tmp_path / "a.csv", tmp_path / "b.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names_in(tmp_path) == ["a.csv"]


def test_the_data_is_never_changed(tmp_path: Path, table: pl.DataFrame) -> None:
    makers: dict[str, Callable[[Path], object]] = {
        "a.csv": table.write_csv,
        "a.parquet": table.write_parquet,
        "a.sav": lambda file: spss(table, file, compress=False),
    }
    for name, write in makers.items():
        write(tmp_path / name)
        before = (tmp_path / name).read_bytes()
        impute(tmp_path / name, tmp_path / f"{name[2:]}_{name}")
        assert (tmp_path / name).read_bytes() == before


# The command


def test_the_command(tmp_path: Path, table: pl.DataFrame) -> None:
    table.write_csv(tmp_path / "a.csv")
    arguments = ["impute", str(tmp_path / "a.csv"), "--survey", str(GARDEN), "--out", str(tmp_path / "b.csv")]
    said = CliRunner().invoke(app, [*arguments, "--draws", "2", "--not-asked", "--seed", "4"])
    assert said.exit_code == 0, said.output
    gaps = sum(table[name].is_in([-1, -4, -5]).sum() for name in QUESTIONS)
    assert f"Filled {gaps:,} missing answers" in said.output
    assert names_in(tmp_path) == ["a.csv", "b.2.csv", "b.csv", "b.filled.csv"]
    people = read_people(tmp_path / "b.2.csv", str(GARDEN))
    assert (people.options("refined") >= 0).all()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 1
    assert "--force" in str(again.exception)
