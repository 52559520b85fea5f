"""``indievalue study``: people who predict a stranger's answers from the stranger's statements."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.choices import Context
from indievalue.cli.flags import expanded
from indievalue.cli.options import Force, Out, SourceFlags, escaped, notes, out, seed_of
from indievalue.cli.serve_options import ServeFlags, announce
from indievalue.errors import IndievalueError, importing

if TYPE_CHECKING:
    from indievalue.app.study.database import Database
    from indievalue.app.study.settings import Plan

study = typer.Typer(
    help="Let people predict a stranger's answers from the stranger's statements, and score them like any predictor.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)

StudyFolder = Annotated[Path, typer.Argument(metavar="STUDY", help="Directory that `indievalue study create` made.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="INDIEVALUE_STUDY_DATABASE",
        help="URL of a PostgreSQL database, such as postgresql://NAME@HOST/DATABASE [default: SQLite in STUDY].",
    ),
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url", help="Address under which raters reach the server, such as https://study.example.org."
    ),
]


@dataclass(frozen=True)
class PlanFlags:
    """How much raters are asked."""

    people: Annotated[int, typer.Option("--people", min=1, help="People of the benchmark who are predicted.")] = 20
    probes: Annotated[int, typer.Option("--probes", min=1, help="Questions asked about each.")] = 10
    raters_per_person: Annotated[
        int, typer.Option("--raters-per-person", min=1, help="Complete raters that every person gets.")
    ] = 3
    statements: Annotated[int, typer.Option("--statements", min=0, help="Most statements shown of a person.")] = 50
    people_per_rater: Annotated[
        int, typer.Option("--people-per-rater", min=1, help="Most people that one rater predicts.")
    ] = 5
    own: Annotated[
        int, typer.Option("--own", min=0, help="Questions that raters answer for themselves first; 0 for none.")
    ] = 0
    attention: Annotated[
        int, typer.Option("--attention", min=0, help="One attention check in so many people; 0 for none.")
    ] = 2
    lease: Annotated[
        int, typer.Option("--lease", min=1, help="Minutes after which the place of a rater who stopped is free.")
    ] = 30
    retention: Annotated[int, typer.Option("--retention", min=1, help="Days after which all answers are deleted.")] = (
        365
    )

    def plan(self) -> "Plan":
        """Return the plan."""
        from indievalue.app.study.settings import Plan

        return Plan(
            people=self.people,
            probes=self.probes,
            raters_per_person=self.raters_per_person,
            statements=self.statements,
            people_per_rater=self.people_per_rater,
            own=self.own,
            attention_every=self.attention,
            lease=self.lease,
            retention=self.retention,
        )


@dataclass(frozen=True)
class NewFlags:
    """Who is predicted, and by how many."""

    name: Annotated[
        str | None, typer.Option("--name", help="Name of the study in tables: human:NAME [default: that of --out].")
    ] = None
    context: Annotated[
        Context | None, typer.Option("--context", help="Context shown for each person [default: the benchmark's].")
    ] = None
    show: Annotated[
        str | None,
        typer.Option("--show", help="Which statements are shown, such as relevant:10 [default: as in the benchmark]."),
    ] = None
    real_people: Annotated[
        str | None,
        typer.Option("--real-people", help="Who permits it that raters see real people's answers; it is recorded."),
    ] = None
    own_list: Annotated[
        Path | None,
        typer.Option(
            "--own-list",
            help="Questions that raters answer for themselves first: a list written by `indievalue short-form`, in "
            "place of --own.",
        ),
    ] = None
    raters: Annotated[
        int | None, typer.Option("--raters", min=1, help="Links to make [default: half more than the study needs].")
    ] = None
    public_url: PublicUrl = None
    database: DatabaseUrl = None


def plan(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, from which raters are simulated.")],
    predictor: Annotated[str, typer.Option("--predictor", help="Predictor whose probabilities raters draw from.")],
    margin: Annotated[
        float, typer.Option("--margin", min=0.1, help="Half the width of the 95% interval of accuracy, in points.")
    ] = 5.0,
    people_per_rater: Annotated[
        int, typer.Option("--people-per-rater", min=1, help="Most people that one rater predicts.")
    ] = 5,
    spread: Annotated[
        float, typer.Option("--spread", min=0, help="Standard deviation over raters, in logits of being right.")
    ] = 0.3,
    seed: Annotated[int, seed_of("simulated studies")] = 0,
) -> None:
    """Say how many people, probes and raters a study needs for an interval of a wanted width, by simulation."""
    with importing("a study needs", "app"):
        from indievalue.app.study.plan import PEOPLE, Source, designs
    from indievalue.runs.storage import load_run

    source = Source.of(load_run(run), predictor)
    found = list(designs(source, margin, per_rater=people_per_rater, spread=spread, seed=seed))
    if not found:
        notes.print(f"No study of up to {PEOPLE[-1]} people has an interval of ±{margin:g} points", soft_wrap=True)
        raise typer.Exit(1)
    out.print("people  probes  raters per person  raters  95% interval, points", highlight=False)
    for one in found:
        out.print(
            f"{one.people:6}  {one.probes:6}  {one.raters_per_person:17}  {one.raters:6}  ±{one.margin:.1f}",
            highlight=False,
        )


def create(
    benchmark: Annotated[
        Path, typer.Argument(metavar="BENCHMARK", help="Directory written by `indievalue benchmark`.")
    ],
    directory: Out,
    size: PlanFlags,
    new: NewFlags,
    source: Annotated[SourceFlags, {"seed": seed_of("synthetic people, and the study's people and probes")}],
    data: Annotated[
        str, typer.Argument(metavar="[DATA]", help="What the benchmark was drawn from: a survey file, or `synthetic`.")
    ] = "synthetic",
    force: Force = False,
) -> None:
    """Make a study of some people of a benchmark: a directory with its text, its database, and links for raters.

    The text that raters agree to, `consent.md`, is for you to edit.
    """
    if size.own and new.own_list:
        raise typer.BadParameter("give --own, the number of questions most asked, or --own-list, but not both")
    with importing("a study needs", "app"):
        from indievalue.app.study.create import Wanted, make_study, write_study
        from indievalue.app.study.settings import SETTINGS
    from indievalue.benchmark.storage import load_benchmark
    from indievalue.elicitation.lists import list_for, read_lists
    from indievalue.files import check_directory, new_directory

    if (directory / SETTINGS).exists():
        raise IndievalueError(f"{directory} holds a study; choose another --out, or `indievalue study delete` it first")
    check_directory(directory, force=force)
    people = source.people(data)
    own = list_for(None, read_lists(new.own_list, people.survey), new.own_list) if new.own_list else []
    wanted = Wanted(size.plan(), new.context, new.real_people, source.seed, new.show, tuple(own))
    made, content, drawn = make_study(new.name or directory.name, people, load_benchmark(benchmark, people), wanted)
    with new_directory(directory, force=force) as folder:
        write_study(folder, made, content, drawn)
    needed = -(-made.plan.people * made.plan.raters_per_person // min(made.plan.people_per_rater, made.plan.people))
    _invite(directory, new.raters or -(-3 * needed // 2), new.public_url, new.database)
    notes.print(escaped(f"Edit what raters read first: {directory / 'consent.md'}"), soft_wrap=True)
    out.print(escaped(f"indievalue study serve {directory}"), soft_wrap=True, highlight=False)


def invite(
    folder: StudyFolder,
    raters: Annotated[int, typer.Option("--raters", min=0, help="Links to make.")] = 0,
    public_url: PublicUrl = None,
    database: DatabaseUrl = None,
) -> None:
    """Make more links for raters. With --public-url, all links lead to that address, also those made before."""
    if not raters and public_url is None:
        raise typer.BadParameter("give --raters, the number of links to make, or --public-url, where all links lead")
    _invite(folder, raters, public_url, database)


def serve(folder: StudyFolder, serving: ServeFlags, public_url: PublicUrl = None, database: DatabaseUrl = None) -> None:
    """Serve a study to its raters. The first page is for its administrator, and needs the token that is printed."""
    from dataclasses import replace
    from secrets import token_urlsafe
    from urllib.parse import urlsplit

    with importing("a study needs", "app"):
        from indievalue.app.serving import serve as serve_app
        from indievalue.app.study.server import OPEN_PATHS, Served, study_server
        from indievalue.app.study.settings import Folder

    access = serving.access()
    public = urlsplit(public_url or "")
    if public_url is not None and (public.scheme not in ("http", "https") or not public.hostname):
        raise typer.BadParameter("--public-url is an address such as https://study.example.org")
    access = replace(
        access,
        token=access.token or token_urlsafe(24),
        names=(public.hostname,) if public.hostname else (),
        open_paths=OPEN_PATHS,
    )
    opened = Folder(folder)
    served = Served(
        opened.study(),
        opened.content(),
        opened.consent(),
        _database(folder, database),
        proxied=public.scheme == "https",
    )
    _check(served.database, folder)

    def started() -> None:
        announce(access, f"Study {served.study.name}")
        _say_where_links_lead(folder, public_url or access.address.partition("?")[0])

    serve_app(study_server(access, served), access, started)


def status(folder: StudyFolder, database: DatabaseUrl = None) -> None:
    """Say how far a study has come, and which people lack how many raters."""
    import time

    with importing("a study needs", "app"):
        from indievalue.app.study.assignment import progress
        from indievalue.app.study.settings import Folder

    opened = _database(folder, database)
    _check(opened, folder)
    with opened.reading() as session:
        for line in progress(session, Folder(folder).study(), time.time()).lines():
            out.print(escaped(line), highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class ExportFlags:
    """Who is compared with the raters, and which raters are left out."""

    predictor: Annotated[
        list[str] | None,
        typer.Option("--predictor", help="Predictor to ask about the same people and probes; can be repeated."),
    ] = None
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", help="Run on the same benchmark, whose predictions are taken; can be repeated."),
    ] = None
    attention_failures: Annotated[
        int | None,
        typer.Option("--attention-failures", min=0, help="Leave out raters who failed more checks than this."),
    ] = None
    database: DatabaseUrl = None


def export(
    folder: StudyFolder,
    directory: Out,
    flags: ExportFlags,
    source: SourceFlags,
    data: Annotated[
        str, typer.Argument(metavar="[DATA]", help="What the benchmark was drawn from: a survey file, or `synthetic`.")
    ] = "synthetic",
    force: Force = False,
) -> None:
    """Write a run in which each rater is a predictor, `human:STUDY/RATER`, and so is their majority, `human:STUDY`.

    In its folder `study` are all answers as one CSV file, the raters, what was measured of them, and a page of results.
    """
    with importing("a study needs", "app"):
        from indievalue.app.study.export_run import Exported, export_study
    from indievalue.files import check_directory
    from indievalue.report.terminal import print_summary

    check_directory(directory, force=force)
    people = source.people(data)
    opened = _database(folder, flags.database)
    _check(opened, folder)
    wanted = Exported(tuple(flags.predictor or ()), tuple(flags.run or ()), flags.attention_failures, source.survey)
    run = export_study(folder, opened, people, directory, wanted, force=force)
    print_summary(run.scores, run.record.form, out)
    notes.print(escaped(f"Results: {directory / 'study' / 'results.html'}"), soft_wrap=True)


def delete(
    folder: StudyFolder,
    database: DatabaseUrl = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a study for good: its raters and answers in the database, and its directory."""
    import shutil

    with importing("a study needs", "app"):
        from indievalue.app.study.raters import delete_study
        from indievalue.app.study.settings import Folder

    made = Folder(folder).study()
    if not yes:
        typer.confirm(f"Delete the study {made.name} with all answers, and the directory {folder}?", abort=True)
    opened = _database(folder, database)
    with opened.writing() as session:
        answers = delete_study(session, made)
    opened.vacuum()
    opened.close()
    shutil.rmtree(folder)
    notes.print(escaped(f"Deleted {folder}, and {answers:,} answers"), soft_wrap=True)


def _invite(folder: Path, number: int, public_url: str | None, database: str | None) -> None:
    """Make links, and write them to the study's ``invites.csv``."""
    from indievalue.app.study.invites import write_invites
    from indievalue.app.study.raters import add_study, invite
    from indievalue.app.study.settings import Folder

    made, content = Folder(folder).study(), Folder(folder).content()
    opened = _database(folder, database)
    with opened.writing() as session:
        add_study(session, made, content)
        invites = list(invite(session, made, number))
        write_invites(folder, public_url, invites)
    opened.close()
    made_or_changed = f"Links of {number:,} raters" if number else "All links changed"
    notes.print(escaped(f"{made_or_changed}: {folder / 'invites.csv'}"), soft_wrap=True)


def _say_where_links_lead(folder: Path, address: str) -> None:
    """Warn of links that do not lead to ``address``, where the study is served."""
    from indievalue.app.study.invites import leading_elsewhere

    elsewhere = leading_elsewhere(folder, address)
    if elsewhere is not None:
        command = f"indievalue study invite {folder} --public-url {address.rstrip('/')}"
        notes.print(
            escaped(f"Links in {folder / 'invites.csv'} lead to {elsewhere}, not here; to change them: {command}"),
            soft_wrap=True,
        )


def _database(folder: Path, url: str | None) -> "Database":
    """Open the database of a study."""
    with importing("a study needs", "app"):
        from indievalue.app.study.database import Database
        from indievalue.app.study.settings import DATABASE, Folder

    Folder(folder).study()  # is there a study?
    opened = Database(url or f"sqlite:///{(folder / DATABASE).resolve()}")
    if url is None:
        (folder / DATABASE).chmod(0o600)
    return opened


def _check(database: "Database", folder: Path) -> None:
    """Delete what the study may no longer keep. Raises IndievalueError if that is everything, or it was deleted."""
    import time

    from indievalue.app.study.raters import check_study, delete_expired
    from indievalue.app.study.settings import Folder

    made, now = Folder(folder).study(), time.time()
    with database.writing() as session:
        expired = delete_expired(session, made, now)
    if expired:
        database.vacuum()
    with database.reading() as session:
        check_study(session, made, now)


for command in (plan, create, invite, serve, status, export, delete):
    study.command()(expanded(command))
