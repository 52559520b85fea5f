"""``indievalue distributions``: compare the shares of answers that predictors give to groups with the real ones."""

from dataclasses import replace

from indievalue.cli.options import Force
from indievalue.cli.run_options import GroupFlags, PageOut, Runs, RunWeights, TablesOf, TablesOut, report_runs


def distributions(
    runs: Runs,
    groups: GroupFlags,
    weights: RunWeights = None,
    directory: TablesOut = None,
    page: PageOut = None,
    force: Force = False,
) -> None:
    """Compare predicted with actual shares of answers: distances, differences between groups, and whose they are."""
    from indievalue.report.distributions import distributions_page, print_distributions

    report_runs(
        runs,
        lambda run: run.distributions(
            groups.demographics(run, needed=False), replace(groups.options(), weights=run.weights)
        ),
        print_distributions,
        TablesOf(
            ("table", "groups", "pairs"),
            "Distributions",
            distributions_page,
            directory,
            page,
            force,
            long=("questions",),
        ),
        weights,
    )
