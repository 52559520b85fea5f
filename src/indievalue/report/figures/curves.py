"""The demonstrations curve: accuracy by number of statements shown, all else being equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from indievalue.benchmark.model import show_kind
from indievalue.report.figures.drawing import CONFIG, NARROW, WIDE, chart_of, legend_of, predictor_looks, spanning
from indievalue.report.figures.styles import PredictorStyle
from indievalue.report.tips import accuracy_tip
from indievalue.runs.run import Run


@dataclass(frozen=True)
class DemonstrationsCurve:
    """Comparable runs, sorted by the mean number of demonstrations."""

    title: str
    points: tuple[tuple[float, Run], ...]

    @property
    def predictors(self) -> list[str]:
        return list(dict.fromkeys(name for _, run in self.points for name in run.scores))

    def rows(self) -> list[dict[str, object]]:
        """Return a row per predictor and number of demonstrations."""
        return [
            {
                "predictor": name,
                "demonstrations": shown,
                "accuracy": run.scores[name].accuracy,
                "accuracy_low": run.scores[name].accuracy_low,
                "accuracy_high": run.scores[name].accuracy_high,
                "people": run.scores[name].people,
                "probes": run.scores[name].probes,
            }
            for name in self.predictors
            for shown, run in self.points
            if name in run.scores
        ]


def curves(runs: Sequence[Run]) -> list[DemonstrationsCurve]:
    """Return a curve for each set of runs that differ only in the number of demonstrations."""
    alike: dict[tuple[object, ...], list[tuple[float, Run]]] = {}
    for run in runs:
        record = run.record
        people = tuple(sorted(run.people["person"]))
        kind = (record.form, record.protocol, record.context, record.demonstrations_as, record.demonstrations_from)
        chosen = (show_kind(record.show), record.show_order)
        shown = run.predictions["demonstrations"].mean()
        assert isinstance(shown, (int, float))
        alike.setdefault((*kind, *chosen, record.data.fingerprint, record.seed, people), []).append((float(shown), run))
    return [
        DemonstrationsCurve(f"{str(kind[0]).capitalize()} form", tuple(sorted(points, key=lambda point: point[0])))
        for kind, points in alike.items()
        if len({shown for shown, _ in points}) == len(points) > 1
    ]


def curve_figure(curve: DemonstrationsCurve, styles: Mapping[str, PredictorStyle], width: int = WIDE) -> alt.LayerChart:
    """Draw the accuracy of each predictor, with 95% intervals, by number of demonstrations."""
    items = [
        row | {"tip": accuracy_tip(f"{row['predictor']}, {row['demonstrations']:.0f} demonstrations", row)}
        for row in curve.rows()
    ]
    predictors = curve.predictors
    looks = predictor_looks(styles, predictors, legend_of(predictors, width - 50))
    shown = [point for point, _ in curve.points]
    named = shown if width >= NARROW or len(shown) <= 4 else [shown[0], shown[-1]]
    axis = alt.Axis(title="Statements of the person that were shown", values=named, format=".0f", grid=False)
    x = alt.X("demonstrations:Q", axis=axis, scale=alt.Scale(domain=[min(shown), max(shown)], nice=False, padding=14))
    ends = [float(str(item[end])) for item in items for end in ("accuracy_low", "accuracy_high")]
    y = alt.Y("accuracy:Q", scale=spanning(ends), axis=alt.Axis(title="Accuracy, %", grid=True, tickCount=6))
    chart = chart_of(items)
    line = chart.mark_line(strokeWidth=2, strokeOpacity=0.8).encode(x=x, y=y, color=looks["color"])
    interval = chart.mark_rule(strokeWidth=2, strokeOpacity=0.55).encode(
        x=x, y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", color=looks["color"]
    )
    dot = chart.mark_point(opacity=1, filled=True, size=62, aria=True).encode(x=x, y=y, description="tip:N", **looks)
    layered = alt.layer(interval, line, dot)
    assert isinstance(layered, alt.LayerChart)  # which of two kinds it gives depends on its arguments
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return layered.properties(width=width, height=min(360, round(width * 0.6)), autosize=fit, config=CONFIG)
