"""The database of a study: places, leases, answers that count once, withdrawal, deletion, migrations."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, inspect, select, text

from indievalue.app.study import raters
from indievalue.app.study.assignment import Given, answers_of, claim, progress, record
from indievalue.app.study.database import Database, migrate
from indievalue.app.study.settings import Content, Study
from indievalue.app.study.tables import Answer, Base, Rater, Slot
from indievalue.errors import IndievalueError
from postgres import server, unavailable
from study import YEAR, small_study

MINUTE = 60.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    if reason := unavailable():
        pytest.skip(reason)
    with server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'study.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")
    opened = Database(url)
    yield opened
    opened.close()


def added(database: Database, study: Study, content: Content, number: int) -> list[int]:
    """The ids of raters of a study that is added to the database."""
    with database.writing() as session:
        raters.add_study(session, study, content)
        invites = list(raters.invite(session, study, number))
        return [rater.id for one in invites if (rater := raters.find_rater(session, study, one.token))]


def take(database: Database, study: Study, rater: int, now: float = 1.0) -> int | None:
    with database.writing() as session:
        return claim(session, study, session.get_one(Rater, rater), now)


def answer(database: Database, study: Study, content: Content, rater: int, person: int, now: float = 1.0) -> None:
    """Answer everything about a person."""
    for place in range(len(content.people[person].probes)):
        give(database, study, content, rater, person, place, now)


def give(
    database: Database, study: Study, content: Content, rater: int, person: int, place: int, now: float = 1.0
) -> bool:
    with database.writing() as session:
        one = session.get_one(Rater, rater)
        given = Given("probe", person, place, 1, 2, 3.5)
        return record(session, study, one, given, now, content.people[person])


def test_each_person_gets_its_raters_and_nobody_predicts_a_person_twice(database: Database) -> None:
    study, content = small_study(people=3)
    people = added(database, study, content, 4)
    for _ in range(3):
        for rater in people:
            if (person := take(database, study, rater)) is not None:
                answer(database, study, content, rater, person)
    with database.reading() as session:
        done = session.execute(select(Slot.person, Slot.rater).where(Slot.study == study.id)).all()
        assert progress(session, study, 2.0).missing == {}
    assert Counter(person for person, _ in done) == {0: 2, 1: 2, 2: 2}
    assert len(set(done)) == 6


def test_people_get_their_first_rater_before_any_gets_a_second(database: Database) -> None:
    study, content = small_study(people=5)
    people = added(database, study, content, 10)
    assert sorted(take(database, study, rater) for rater in people[:5]) == [0, 1, 2, 3, 4]
    assert sorted(take(database, study, rater) for rater in people[5:]) == [0, 1, 2, 3, 4]


def test_a_rater_who_comes_back_goes_on_with_the_same_person(database: Database) -> None:
    study, content = small_study()
    (rater,) = added(database, study, content, 1)
    begun = take(database, study, rater)
    give(database, study, content, rater, begun, 0)
    assert take(database, study, rater, now=10 * YEAR) == begun


def test_the_place_of_a_rater_who_drops_out_is_given_to_another_after_the_lease(database: Database) -> None:
    study, content = small_study(people=1, raters_per_person=1, lease=30)
    gone, other = added(database, study, content, 2)
    assert take(database, study, gone, now=0) == 0
    give(database, study, content, gone, 0, 0, now=10 * MINUTE)
    assert take(database, study, other, now=39 * MINUTE) is None, "an answer renews the lease"
    assert take(database, study, other, now=40 * MINUTE) == 0
    answer(database, study, content, other, 0, now=41 * MINUTE)
    assert not give(database, study, content, gone, 0, 1, now=42 * MINUTE), "the place is another rater's"
    with database.reading() as session:
        assert progress(session, study, 43 * MINUTE).complete == {0: 1}


def test_a_hundred_raters_at_once_get_exactly_the_places_there_are(database: Database) -> None:
    study, content = small_study(people=12, raters_per_person=3)
    people = added(database, study, content, 100)
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda rater: take(database, study, rater), people))
    assert Counter(got) == {None: 64, **dict.fromkeys(range(12), 3)}
    with database.reading() as session:
        assert progress(session, study, 2.0).working == 36
        assert progress(session, study, 31 * MINUTE).working == 0, "all of them dropped out"
    late = 32 * MINUTE
    with ThreadPoolExecutor(16) as pool:
        again = list(pool.map(lambda rater: take(database, study, rater, late), people[::-1]))
    assert sum(person is not None for person in again) == 36, "their places are free, or theirs to go on with"


def test_a_rater_predicts_no_more_people_than_the_plan_says(database: Database) -> None:
    study, content = small_study(people=3, people_per_rater=2)
    (rater,) = added(database, study, content, 1)
    for _ in range(2):
        answer(database, study, content, rater, take(database, study, rater))
    assert take(database, study, rater) is None


def test_an_answer_that_is_sent_twice_counts_once_and_the_first_one_stays(database: Database) -> None:
    study, content = small_study()
    (rater,) = added(database, study, content, 1)
    person = take(database, study, rater)
    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(lambda _: give(database, study, content, rater, person, 0), range(8)))
    assert sorted(counted) == [False] * 7 + [True]
    with database.reading() as session:
        found = answers_of(session, session.get_one(Rater, rater), person)
    assert list(found) == [("probe", 0)]


def test_status_says_what_is_missing(database: Database) -> None:
    study, content = small_study(people=2)
    one, _ = added(database, study, content, 2)
    answer(database, study, content, one, take(database, study, one))
    with database.reading() as session:
        found = progress(session, study, 2.0)
    assert sum(found.missing.values()) == 3
    assert found.lines()[-1].startswith("3 complete raters are missing: ")


def test_withdrawal_deletes_the_answers_and_frees_the_places(database: Database) -> None:
    study, content = small_study(people=1, raters_per_person=1)
    gone, other = added(database, study, content, 2)
    answer(database, study, content, gone, take(database, study, gone))
    with database.writing() as session:
        raters.withdraw(session, session.get_one(Rater, gone), 5.0)
    with database.reading() as session:
        assert not session.scalar(select(func.count()).select_from(Answer).where(Answer.rater == gone))
    assert take(database, study, other, now=6.0) == 0


def test_answers_are_deleted_when_the_retention_period_is_over(database: Database) -> None:
    study, content = small_study(retention=7)
    (rater,) = added(database, study, content, 1)
    answer(database, study, content, rater, take(database, study, rater))
    with database.writing() as session:
        assert raters.delete_expired(session, study, 6.9 * 86_400) == 0
        raters.check_study(session, study, 6.9 * 86_400)
        assert raters.delete_expired(session, study, 7 * 86_400) == 1
        assert not session.scalars(select(Answer).join(Rater).where(Rater.study == study.id)).all()
        with pytest.raises(IndievalueError, match="7 days for which garden may keep answers are over"):
            raters.check_study(session, study, 7 * 86_400)


def test_deletion_leaves_other_studies_alone(database: Database) -> None:
    (study, content), (other, more) = small_study(), small_study()
    (rater,) = added(database, study, content, 1)
    added(database, other, more, 1)
    answer(database, study, content, rater, take(database, study, rater))
    with database.writing() as session:
        assert raters.delete_study(session, study) == 2
        with pytest.raises(IndievalueError, match="does not hold the study garden"):
            raters.check_study(session, study, 1.0)
        raters.check_study(session, other, 1.0)
    database.vacuum()


def test_what_was_deleted_cannot_be_read_from_the_files(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'study.db'}")
    study, content = small_study()
    (rater,) = added(database, study, content, 1)
    with database.writing() as session:
        session.get_one(Rater, rater).comment = "unmistakable words of a rater"
    database.vacuum()
    assert any(b"unmistakable" in file.read_bytes() for file in tmp_path.iterdir())
    with database.writing() as session:
        raters.withdraw(session, session.get_one(Rater, rater), 1.0)
    database.vacuum()
    database.close()
    assert not any(b"unmistakable" in file.read_bytes() for file in tmp_path.iterdir())


def test_no_token_is_stored(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'study.db'}")
    study, content = small_study()
    with database.writing() as session:
        raters.add_study(session, study, content)
        (one,) = raters.invite(session, study, 1)
    database.close()
    assert not any(one.token.encode() in file.read_bytes() for file in tmp_path.iterdir())


def test_migrations_lead_from_the_first_version_to_the_tables_of_today(tmp_path: Path, database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(engine, "0001")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO study VALUES ('old', 'garden', 0, 1e9)"))
    engine.dispose()
    opened = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with opened.reading() as session:
        assert session.execute(text("SELECT name FROM study")).scalar_one() == "garden"
        assert set(inspect(opened.engine).get_table_names()) >= set(Base.metadata.tables)
    opened.close()


def test_an_acknowledged_answer_survives_the_kill_of_its_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from study import small_study
from test_study_storage import added, give, take
from indievalue.app.study.database import Database
study, content = small_study(probes=50)
database = Database({url!r})
(rater,) = added(database, study, content, 1)
person = take(database, study, rater)
for place in range(50):
    give(database, study, content, rater, person, place)
    print(place, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        acknowledged = [int(process.stdout.readline()) for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
    database = Database(url)
    with database.reading() as session:
        stored = set(session.scalars(select(Answer.place)))
    database.close()
    assert stored >= set(acknowledged)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not a url", "is no URL of a database"),
        ("mysql://a@b/c", "SQLite or PostgreSQL, and not in mysql"),
        ("sqlite:////no/such/folder/study.db", "cannot open the database"),
        ("postgresql://study:secret@127.0.0.1:1/none", "cannot open the database postgresql"),
    ],
)
def test_a_database_that_cannot_be_opened_is_an_error(url: str, words: str) -> None:
    with pytest.raises(IndievalueError, match=words) as caught:
        Database(url)
    assert "secret" not in str(caught.value)
