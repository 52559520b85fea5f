"""The page of a run's groups: how unevenly people are predicted, and who is predicted worst."""

from collections.abc import Mapping

import polars as pl
from starlette.datastructures import QueryParams

from indievalue.app.explore.questions_page import guesses_about
from indievalue.app.explore.source import SMALLEST_GROUP, Source
from indievalue.app.explore.view import RunView
from indievalue.report.figures.world import country_demographic, map_svg, read_outline, shapes, world_map
from indievalue.scoring.groups import GroupOptions
from indievalue.scoring.inequity import Inequity, inequity

_EXAMPLES = 5
"""People, and predictions, given as examples of the group that is predicted worst."""


def groups_page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
    """Return what the page of groups shows."""
    assert view is not None
    names = source.labels.columns
    usual = next((name for name in (source.country, *view.run.index_demographics, *names) if name in names), "")
    demographic = query.get("demographic", "") if query.get("demographic") in names else usual
    by = query.get("by", "") if query.get("by") in view.predictors else view.predictors[0]
    shown: dict[str, object] = {"demographics": names, "demographic": demographic, "by": by}
    if not demographic:
        return shown
    known = _measured(view, by, tuple(view.run.index_demographics))
    found = known if demographic in known.demographics else _measured(view, by, (demographic,))
    groups = found.groups.filter(pl.col("demographic") == demographic).sort("value")
    summary = found.table.row(by_predicate=pl.col("demographic") == demographic, named=True)
    return {
        **shown,
        "overview": known.table.sort("corrected", descending=True, nulls_last=True).to_dicts(),
        "summary": summary,
        "groups": groups.to_dicts(),
        "mean": view.run.scores[by].accuracy,
        **_world(view, by, demographic, groups),
        **_worst(source, view, by, demographic, groups),
    }


def _measured(view: RunView, by: str, demographics: tuple[str, ...]) -> Inequity:
    """Return inequity of one predictor, as a report does: groups of fewer than 30 people are pooled or left out."""
    run = view.run
    options = GroupOptions(minimum=SMALLEST_GROUP, seed=run.record.seed, weights=run.weights)
    return view.source.once(
        ("inequity", by, demographics),
        lambda: inequity(run.predictions.filter(pl.col("predictor") == by), run.people, demographics, options),
    )


def _world(view: RunView, by: str, demographic: str, groups: pl.DataFrame) -> dict[str, object]:
    """Return the map of groups that are countries."""
    countries = country_demographic(view.run.survey)
    if countries is None or countries.name != demographic:
        return {"world": None}
    world = world_map(by, countries, groups, view.run.people)
    label = f"Accuracy of {by} by country. The same numbers are in the table below."
    return {
        "world": world,
        "shapes": shapes(),
        "map": map_svg(list(world.countries), world.scale, label) if world else None,
        "attribution": read_outline().attribution,
    }


def _worst(source: Source, view: RunView, by: str, demographic: str, groups: pl.DataFrame) -> dict[str, object]:
    """Return the group that is predicted worst, with the people and the predictions that are furthest off."""
    worst = next((name for name in groups["group"] if name in source.groups[demographic]), None)
    if worst is None or len(groups) == 1:
        return {"worst": None}
    members = source.group_rows(demographic, worst).nonzero()[0]
    accuracy = view.accuracy[by]
    hardest = sorted((row for row in members.tolist() if accuracy[row] == accuracy[row]), key=lambda row: accuracy[row])
    rows = view.rows.filter(
        (pl.col("predictor") == by) & ~pl.col("right") & pl.col("at").is_in(members) & pl.col("likely").is_not_null()
    )
    return {
        "worst": worst,
        "hardest": [(source.ids[row], float(accuracy[row])) for row in hardest[:_EXAMPLES]],
        "examples": guesses_about(source, view, rows.sort("likely", descending=True).head(_EXAMPLES)),
    }
