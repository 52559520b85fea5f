"""Measure how well filled answers stand in for those that were hidden, beside other ways to fill gaps.

    python benchmarks/imputation.py coverage wvs7_14countries.csv.gz [--people 1000] [--samples 8] [--draws 20]
    python benchmarks/imputation.py shares wvs7_14countries.csv.gz [--people 25955]
    python benchmarks/imputation.py calibration wvs7_14countries.csv.gz [--people 25955]
    python benchmarks/imputation.py short-form wvs7_14countries.csv.gz [--people 2000] [--draws 20]

`coverage` takes samples of people who answered all of 40 questions, hides answers, and asks how often 95% intervals
hold what everybody answered: means, and coefficients of regressions. Answers are hidden completely at random (MCAR), by
age, sex and education (MAR), or by the answer itself (MNAR). `shares` hides answers to all questions; `calibration`
asks whether probabilities hold. `short-form` asks half of the people only a few questions. Prints Markdown. MICE needs
scikit-learn (the extra `baselines`).
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indievalue.impute.draws import draw_missing
from indievalue.impute.rubin import pooled
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.ranking import best_list

Floats = NDArray[np.float64]
Codes = NDArray[np.int16]
Filler = Callable[[People, NDArray[np.bool_], int], list[Codes]]

QUESTIONS = 40
SHARE = 0.15
"""Share of answers that are hidden."""

LISTS = (20, 40, 80)
"""Numbers of questions of a short form."""

MECHANISMS = ("MCAR", "MAR", "MNAR")


def hidden(people: People, mechanism: str, random: np.random.Generator, share: float = SHARE) -> NDArray[np.bool_]:
    """Return which answers are hidden (people × questions)."""
    answered = people.options("refined") >= 0
    tendency = np.zeros(answered.shape)
    if mechanism == "MAR":
        age, sex, education = (scaled(index(people, name)) for name in ("age", "sex", "education"))
        tendency += (age + 0.5 * sex - education)[:, None]
    elif mechanism == "MNAR":
        tendency += np.stack([scaled(np.where(known, codes, np.nan)) for codes, known in by_question(people)], axis=1)
    odds = np.exp(tendency) * share / (1 - share)
    return np.asarray(answered & (random.random(answered.shape) < odds / (1 + odds)))


def by_question(people: People) -> "list[tuple[Floats, NDArray[np.bool_]]]":
    known = people.options("refined") >= 0
    return [(people.codes[:, at].astype(float), known[:, at]) for at in range(known.shape[1])]


def index(people: People, name: str) -> Floats:
    """Return the number of each person's group of a demographic, in the order of the survey, NaN where missing."""
    demographic = next(one for one in people.survey.demographics if one.name == name)
    order = {group.label: float(at) for at, group in enumerate(demographic.groups)}
    return np.array([order.get(label, np.nan) for label in people.demographics[name].to_list()])


def scaled(values: Floats) -> Floats:
    """Return values with mean 0 and variance 1, 0 where they are missing."""
    if np.isnan(values).all():
        return np.zeros(len(values))
    return np.nan_to_num((values - np.nanmean(values)) / max(float(np.nanstd(values)), 1e-9))


def without(people: People, gaps: NDArray[np.bool_]) -> People:
    return replace(people, codes=np.where(gaps, np.int16(people.survey.blank), people.codes))


def by_indievalue(people: People, gaps: NDArray[np.bool_], draws: int) -> list[Codes]:
    drawn = draw_missing(without(people, gaps), draws, cells=gaps)
    completed = []
    for codes in drawn.codes:
        filled = people.codes.copy()
        filled[drawn.people, drawn.questions] = codes
        completed.append(filled)
    return completed


def by_mice(people: People, gaps: NDArray[np.bool_], draws: int) -> list[Codes]:
    """Chained equations: Bayesian ridge regressions, with draws from their posterior, rounded to the nearest code."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    used = np.flatnonzero(gaps.any(axis=0))
    table = np.where(gaps | (people.options("refined") < 0), np.nan, people.codes)[:, used]
    known = [scaled(index(people, name)) for name in ("age", "sex", "education")]
    country = people.demographics["country"]
    known += [(country == label).to_numpy().astype(float) for label in sorted(country.unique().drop_nulls())[1:]]
    lowest, highest = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    completed = []
    for seed in range(draws):
        model = IterativeImputer(sample_posterior=True, max_iter=5, random_state=seed, tol=0)
        filled = model.fit_transform(np.column_stack([table, *known]))[:, : len(used)]
        codes = people.codes.copy()
        nearest = np.clip(np.rint(filled), lowest, highest).astype(np.int16)
        codes[:, used] = np.where(gaps[:, used], nearest, codes[:, used])
        completed.append(codes)
    return completed


def by_hot_deck(people: People, gaps: NDArray[np.bool_], draws: int) -> list[Codes]:
    """The answer of somebody from the same country, at random."""
    random = np.random.default_rng(0)
    country = people.demographics["country"].to_numpy()
    known = (people.options("refined") >= 0) & ~gaps
    completed = []
    for _ in range(draws):
        filled = people.codes.copy()
        for at in np.flatnonzero(gaps.any(axis=0)):
            everybody = people.codes[known[:, at], at]
            for label in np.unique(country[gaps[:, at]]):
                here = gaps[:, at] & (country == label)
                donors = people.codes[known[:, at] & (country == label), at]
                filled[here, at] = random.choice(donors if len(donors) else everybody, here.sum())
        completed.append(filled)
    return completed


def by_mode(people: People, gaps: NDArray[np.bool_], draws: int) -> list[Codes]:
    """The most frequent answer of everybody."""
    filled = people.codes.copy()
    known = (people.options("refined") >= 0) & ~gaps
    for at in np.flatnonzero(gaps.any(axis=0)):
        codes, times = np.unique(people.codes[known[:, at], at], return_counts=True)
        filled[gaps[:, at], at] = codes[times.argmax()]
    return [filled] * draws


METHODS: dict[str, Filler] = {
    "`impute`": by_indievalue,
    "MICE": by_mice,
    "hot deck by country": by_hot_deck,
    "mode": by_mode,
}


@dataclass(frozen=True)
class Analysis:
    """Means of questions, and coefficients of regressions of each on age, sex, education and the question before."""

    people: People
    questions: NDArray[np.int64]

    def estimates(self, codes: Codes) -> tuple[Floats, Floats]:
        """Return estimates and their variances: means, then coefficients."""
        answers = codes[:, self.questions].astype(float)
        number = len(answers)
        means, spread = answers.mean(axis=0), answers.var(axis=0, ddof=1) / number
        known = np.column_stack([index(self.people, name) for name in ("age", "sex", "education")])
        found, variances = [means], [spread]
        for at in range(answers.shape[1]):
            design = np.column_stack([np.ones(number), known, answers[:, at - 1]])
            inverse = np.linalg.inv(design.T @ design)
            slopes = inverse @ design.T @ answers[:, at]
            noise = ((answers[:, at] - design @ slopes) ** 2).sum() / (number - design.shape[1])
            found.append(slopes[1:])
            variances.append(noise * np.diag(inverse)[1:])
        return np.concatenate(found), np.concatenate(variances)


def correlations(codes: Codes, known: NDArray[np.bool_]) -> Floats:
    """Return correlations of all pairs of questions, over people who have an answer to both."""
    values = np.column_stack([scaled(np.where(known[:, at], codes[:, at], np.nan)) for at in range(codes.shape[1])])
    both = np.maximum(known.T.astype(float) @ known, 1)
    return np.asarray((values.T @ values / both)[np.triu_indices(values.shape[1], 1)])


def apart(true: Codes, filled: Codes, gaps: NDArray[np.bool_]) -> Floats:
    """Return the total variation between shares of hidden and of filled answers (questions with 100 gaps,)."""
    found = []
    for at in np.flatnonzero(gaps.sum(axis=0) >= 100):
        one, other = true[gaps[:, at], at], filled[gaps[:, at], at]
        found.append(sum(abs(np.mean(one == code) - np.mean(other == code)) for code in np.union1d(one, other)) / 2)
    return np.array(found)


def eligible(people: People) -> tuple[People, NDArray[np.int64]]:
    """Return people who answered all of 40 questions drawn from those that hardly anybody left out, and these."""
    answered = people.options("refined") >= 0
    often = np.flatnonzero(answered.mean(axis=0) > 0.96)
    chosen = np.sort(np.random.default_rng(0).choice(often, QUESTIONS, replace=False))
    told = np.column_stack([~np.isnan(index(people, name)) for name in ("age", "sex", "education")])
    return people.take(answered[:, chosen].all(axis=1) & told.all(axis=1)), chosen


def sample(everybody: People, questions: NDArray[np.int64], people: int, seed: int) -> People:
    """Return people drawn with replacement, with answers to the ``questions`` only."""
    rows = np.random.default_rng(seed).choice(len(everybody), people)
    drawn = everybody.take(rows)
    asked = np.isin(np.arange(drawn.codes.shape[1]), questions)
    codes = np.where(asked, drawn.codes, np.int16(drawn.survey.not_asked))
    return replace(drawn, ids=np.array([f"{at:06}" for at in range(people)]), codes=codes)


def coverage(people: People, size: int, samples: int, draws: int, methods: list[str], mechanisms: list[str]) -> None:
    everybody, questions = eligible(people)
    truth = Analysis(everybody, questions).estimates(everybody.codes)[0]
    print(f"{len(everybody):,} people answered all {QUESTIONS} questions; {samples} samples of {size:,}; M = {draws}\n")
    print(
        "| hidden | filled by | means, coverage | coefficients, coverage | bias of means (SE) | of coefficients (SE) "
        "| width of intervals | total variation | correlations apart: mean, largest | CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for mechanism in mechanisms:
        for method in methods:
            rows = []
            for number in range(samples):
                chosen = sample(everybody, questions, size, number)
                gaps = hidden(chosen, mechanism, np.random.default_rng(number))
                analysis = Analysis(chosen, questions)
                whole, spread = analysis.estimates(chosen.codes)
                start = time.process_time()
                completed = METHODS[method](chosen, gaps, draws)
                seconds = time.process_time() - start
                each = [analysis.estimates(codes) for codes in completed]
                result = pooled([one for one, _ in each], [one for _, one in each], size - 5)
                known = np.ones((size, QUESTIONS), bool)
                between = correlations(completed[0][:, questions], known) - correlations(
                    chosen.codes[:, questions], known
                )
                rows.append(
                    {
                        "held": (result.low <= truth) & (truth <= result.high),
                        "bias": (result.estimate - whole) / np.sqrt(spread),
                        "width": np.sqrt(result.variance / spread),
                        "apart": apart(chosen.codes, completed[0], gaps),
                        "between": np.abs(between),
                        "seconds": np.array([seconds]),
                    }
                )
            print(
                _row(mechanism, method, {name: np.stack([row[name] for row in rows]) for name in rows[0]}), flush=True
            )


def _row(mechanism: str, method: str, found: dict[str, NDArray]) -> str:
    held, bias, width = found["held"], np.abs(found["bias"].mean(axis=0)), found["width"]
    return (
        f"| {mechanism} | {method} | {_percent(held[:, :QUESTIONS])} | {_percent(held[:, QUESTIONS:])} "
        f"| {bias[:QUESTIONS].mean():.2f} | {bias[QUESTIONS:].mean():.2f} | {width.mean():.2f} "
        f"| {found['apart'].mean():.3f} | {found['between'].mean():.3f}, {found['between'].max():.3f} "
        f"| {found['seconds'].mean():.1f} |"
    )


def _percent(held: NDArray[np.bool_]) -> str:
    """Return the share that is true, with a 95% interval that takes samples, not estimates, to be independent."""
    share, each = held.mean(), held.mean(axis=1)
    error = 1.96 * each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
    return f"{100 * share:.1f} (±{100 * error:.1f})"


def shares(people: People, methods: list[str], mechanisms: list[str]) -> None:
    known = people.options("refined") >= 0
    print(f"{len(people):,} people, {int(people.asked.sum())} questions, {SHARE:.0%} of answers hidden\n")
    print(
        "| hidden | filled by | total variation: mean, largest | right | correlations of pairs apart: mean, largest | "
        "within 0.05 | CPU s |"
    )
    print("|---|---|---|---|---|---|---|")
    before = correlations(people.codes, known)
    for mechanism in mechanisms:
        gaps = hidden(people, mechanism, np.random.default_rng(0))
        for method in methods:
            start = time.process_time()
            filled = METHODS[method](people, gaps, 1)[0]
            seconds = time.process_time() - start
            tv, between = apart(people.codes, filled, gaps), np.abs(correlations(filled, known) - before)
            print(
                f"| {mechanism} | {method} | {tv.mean():.3f}, {tv.max():.3f} "
                f"| {(filled == people.codes)[gaps].mean():.1%} | {between.mean():.4f}, {between.max():.3f} "
                f"| {(between < 0.05).mean():.1%} | {seconds:.0f} |",
                flush=True,
            )


def calibration(people: People, size: int) -> None:
    """Print how often draws are right, and how often their probabilities say so, where 10% of answers are hidden."""
    people = people.take(np.sort(np.random.default_rng(0).permutation(len(people))[:size]))
    gaps = hidden(people, "MCAR", np.random.default_rng(0), 0.1)
    drawn = draw_missing(without(people, gaps), cells=gaps)
    right = drawn.codes[0] == people.codes[drawn.people, drawn.questions]
    promised = drawn.probabilities[0]
    print(
        "| people | draws | right, % | promised, % | the same by what is promised: up to 40 | to 60 | to 80 | above |"
    )
    print("|---|---|---|---|---|---|---|---|")
    cells = [f"{100 * right.mean():.1f}", f"{100 * promised.mean():.1f}"]
    bands = np.digitize(promised, (0.4, 0.6, 0.8)) == np.arange(4)[:, None]
    cells += [f"{100 * right[band].mean():.1f} of {100 * promised[band].mean():.1f}" for band in bands]
    print(f"| {size:,} | {len(right):,} | {' | '.join(cells)} |")


def short_form(people: People, size: int, draws: int, lists: list[int]) -> None:
    """Print what it costs to ask half of the people only the questions of a list; of questions that are on none."""
    people = people.take(np.sort(np.random.default_rng(0).choice(len(people), size, replace=False)))
    answered = people.options("refined") >= 0
    half = np.arange(size) % 2 == 1
    gaussian = Gaussian().fit(people.take(~half), "polar", "refined")
    listed = best_list(gaussian, np.ones(answered.shape[1]), people.asked, max(LISTS))
    at = np.setdiff1d(np.flatnonzero(people.asked), listed)
    women = index(people, "sex") == 1
    whole, spread = _estimates(people.codes[:, at], answered[:, at], women)
    print(f"{size:,} people, half of them asked a short form; {len(at)} questions that no list has; M = {draws}\n")
    print(
        "| asked | of | interval | worth, in people | off by (SE) | held by 95% intervals "
        "| correlations of pairs apart: mean, within 0.05 |"
    )
    print("|---|---|---|---|---|---|---|")
    kinds = ("means", slice(0, len(at))), ("women less men", slice(len(at), None))
    alone = _estimates(people.codes[~half][:, at], answered[~half][:, at], women[~half])
    pairs = correlations(people.codes[:, at], answered[:, at])
    without = np.abs(correlations(people.codes[~half][:, at], answered[~half][:, at]) - pairs)
    for kind, of in kinds:
        _print_costs("nothing", kind, (alone[0][of], alone[1][of]), (whole[of], spread[of]), without, size)
    for number in lists:
        gaps = answered & half[:, None] & ~np.isin(np.arange(answered.shape[1]), listed[:number])
        completed = by_indievalue(people, gaps, draws)
        each = [_estimates(codes[:, at], answered[:, at], women) for codes in completed]
        result = pooled([one for one, _ in each], [one for _, one in each], size - 1)
        apart_by = np.abs(np.mean([correlations(codes[:, at], answered[:, at]) for codes in completed], axis=0) - pairs)
        for kind, of in kinds:
            found = result.estimate[of], result.variance[of]
            _print_costs(str(number), kind, found, (whole[of], spread[of]), apart_by, size)


Estimates = tuple[Floats, Floats]
"""Estimates, and their variances."""


def _print_costs(asked: str, kind: str, some: Estimates, whole: Estimates, pairs: Floats, size: int) -> None:
    (found, variance), (complete, spread) = some, whole
    off, width = np.abs(found - complete) / np.sqrt(spread), np.sqrt(variance / spread)
    print(
        f"| {asked} | {kind} | {width.mean():.2f} | {size * (spread / variance).mean():,.0f} | {off.mean():.2f} "
        f"| {(off < 1.96 * width).mean():.1%} | {pairs.mean():.3f}, {(pairs < 0.05).mean():.1%} |",
        flush=True,
    )


def _estimates(codes: Codes, known: NDArray[np.bool_], women: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return means, and differences between women and men, with their variances."""
    values = np.where(known, codes.astype(float), np.nan)
    found = [_mean(values), _mean(values[women]), _mean(values[~women])]
    means, variances = found[0][0], found[0][1]
    return np.concatenate([means, found[1][0] - found[2][0]]), np.concatenate([variances, found[1][1] + found[2][1]])


def _mean(values: Floats) -> tuple[Floats, Floats]:
    return np.nanmean(values, axis=0), np.nanvar(values, axis=0, ddof=1) / (~np.isnan(values)).sum(axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "experiment", choices=["coverage", "shares", "calibration", "short-form"], help="what to measure"
    )
    parser.add_argument("data", help="a survey file of the World Values Survey")
    parser.add_argument("--people", type=int, help="people in a sample")
    parser.add_argument("--samples", type=int, default=8, help="samples for `coverage`")
    parser.add_argument("--draws", type=int, help="completed files")
    parser.add_argument("--methods", help="ways to fill, by their first letters: i, M, h, m", default="iMhm")
    parser.add_argument(
        "--hidden", nargs="*", choices=MECHANISMS, default=list(MECHANISMS), help="how answers are hidden"
    )
    parser.add_argument("--asked", nargs="*", type=int, default=list(LISTS), help="numbers of questions of short forms")
    given = parser.parse_args()
    people = read_people(given.data)
    methods = [name for name in METHODS if name.strip("`")[0] in given.methods]
    if given.experiment == "coverage":
        coverage(people, given.people or 1000, given.samples, given.draws or 20, methods, given.hidden)
    elif given.experiment == "calibration":
        calibration(people, given.people or len(people))
    elif given.experiment == "shares":
        chosen = np.random.default_rng(0).permutation(len(people))[: given.people or len(people)]
        shares(people.take(np.sort(chosen)), methods, given.hidden)
    else:
        short_form(people, given.people or 2000, given.draws or 20, given.asked)


if __name__ == "__main__":
    main()
