"""``indievalue twin``: fit a model of aggregates on a survey file, to draw synthetic people from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import (
    Encoding,
    Force,
    HeaderRow,
    PersonColumns,
    Sheet,
    SurveyName,
    escaped,
    listed,
    notes,
    out,
)

if TYPE_CHECKING:
    import polars as pl

    from indievalue.survey.survey import Survey
    from indievalue.synthetic.check import Nearness
    from indievalue.synthetic.model import Twin


def twin(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A survey file of your own, of any format that is read.")],
    target: Annotated[
        Path,
        typer.Option(
            "--out", help="A folder for the survey and its twin, or a file that ends in .npz for the twin alone."
        ),
    ],
    survey: SurveyName = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Fit on half of the people too, and compare with the other half.")
    ] = True,
    sheet: Sheet = None,
    header_row: HeaderRow = None,
    encoding: Encoding = None,
    person_columns: PersonColumns = None,
    force: Force = False,
) -> None:
    """Fit a twin: aggregates of a survey's answers, from which synthetic people are drawn; no person is in it."""
    from indievalue.errors import IndievalueError
    from indievalue.files import check_directory
    from indievalue.people.options import ReadOptions
    from indievalue.people.read import read_table
    from indievalue.synthetic.twin import described, fit_twin, write_folder

    alone = target.suffix == ".npz"
    if alone and target.exists() and not force:
        raise IndievalueError(f"{target} exists already: give another --out, or --force to replace it")
    if not alone:
        check_directory(target, force=force)
    options = ReadOptions(sheet, header_row, encoding, listed(person_columns))
    table, spec = read_table(Path(data), survey, options)
    made = described(fit_twin(table, spec, options.person_columns), spec)
    found = _checked(table, spec, options.person_columns) if check else None
    if alone:
        made.save(target)
    else:
        write_folder(made, spec, target, _licence(spec), force=force)
    _print_content(made, spec)
    if found is not None:
        _print_check(found)
    _say(_licence(spec))
    own = f" --survey {spec.folder}" if alone and spec.folder else ""
    notes.print(escaped(f"Next: indievalue people {target}:500{own} --out people.csv"), soft_wrap=True)
    if found is not None and not found.privacy.passed:
        raise IndievalueError(
            "synthetic people lie nearer to real ones than chance explains: keep the twin to yourself"
        )


def _checked(table: "pl.DataFrame", survey: "Survey", person_columns: tuple[str, ...]) -> "Nearness | None":
    """The check, or None, with a note, where there are too few people for two halves."""
    from indievalue.errors import IndievalueError
    from indievalue.synthetic.check import check_twin

    try:
        return check_twin(table, survey, person_columns)
    except IndievalueError as error:
        notes.print(escaped(f"Not checked: {error}"), soft_wrap=True)
        return None


def _print_content(made: "Twin", survey: "Survey") -> None:
    """Print what the twin holds, and what may be done with it."""
    from indievalue.synthetic.model import FEWEST

    questions = sum(name in survey.positions for name in made.items.tolist())
    of_country = f", by country ({len(made.countries)})" if survey.country else ""
    _say(
        f"Fitted on {int(made.people.sum()):,} people of {survey.title}: {questions:,} questions, "
        f"{len(made.items) - questions} demographics"
    )
    _say(
        f"In it{of_country}: how often each answer is given, how often and as what it is missing, and "
        f"{made.loadings.shape[2]} common factors of all items"
        + (f"; {len(made.ballots)} ballots of {made.ballots.shape[1]} blocks" if made.ballots.size else "")
    )
    _say(
        f"Not in it: any row or person, or anything that fewer than {FEWEST} people share: rarer answers and groups "
        "are merged with others or left out"
    )
    _say("Use its people to try things out, to teach and to test programs; never report findings on them")


def _print_check(found: "Nearness") -> None:
    """Print how near synthetic people come to held-out ones, and how near they lie to those fitted on."""
    privacy = found.privacy
    _say("Fitted on half of the people and compared with the other half (in brackets: the first half, real people):")
    _say(
        f"  marginals are {100 * found.marginals:.1f} points apart on average ({100 * found.real_marginals:.1f}), "
        f"of {found.questions:,} questions"
    )
    _say(
        f"  correlations are {found.correlations:.3f} apart on average ({found.real_correlations:.3f}), "
        f"of {found.pairs:,} pairs"
    )
    _say(
        f"  the closest real person fitted on differs in {privacy.synthetic:.1%} of items from a synthetic person, and "
        f"in {privacy.held_out:.1%} from a held-out one (medians)"
    )
    _say(
        f"  nearer than the nearest 5% of held-out people: {privacy.near_synthetic:.1%} of synthetic people, "
        f"{privacy.near_held_out:.1%} of held-out ones; copies: {privacy.copies_synthetic:.1%} and "
        f"{privacy.copies_held_out:.1%}"
    )
    _say(
        f"  closest to one fitted on rather than to one held out: {privacy.drawn_to_fitted:.0%} of synthetic people "
        "(copies: 100%)"
    )
    verdict = "no nearer to real people than other real people do" if privacy.passed else "NEARER to real people"
    _say(f"  synthetic people lie {verdict}")


def _licence(survey: "Survey") -> str:
    """One line: under which terms the twin and its people are."""
    terms = " ".join(survey.licence.split())
    if not terms:
        return (
            f"Licence: the specification of {survey.name} states none (`licence` in survey.yaml): look up the terms of "
            "the data before you pass on the twin or its people"
        )
    return f"Licence: aggregates of {survey.title}, under the terms of its data: {terms}"


def _say(line: str) -> None:
    out.print(escaped(line), highlight=False, soft_wrap=True)
