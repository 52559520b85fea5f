"""The database of a study: SQLite in its folder, or PostgreSQL by URL; migrated when it is opened."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.resources import as_file, files
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from indievalue.errors import IndievalueError, importing

_WRITING = "indievalue_writing"


class Database:
    """Sessions of a database. What was written is on disk when the block of :meth:`writing` ends."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        # SQLite lets writers poll for their turn, with growing pauses; threads of this process queue instead.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()
        self._writer = self.engine.execution_options(**{_WRITING: True})
        try:
            migrate(self.engine)
        except DBAPIError as error:
            said = str(error.orig).strip().splitlines()[0]
            raise IndievalueError(f"cannot open the database {self.engine.url.render_as_string()}: {said}") from None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that only reads."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session that is committed when the block ends, and rolled back if it fails.

        On SQLite nobody else writes meanwhile, so what is read in the block stays true until it ends.
        """
        with self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def vacuum(self) -> None:
        """Overwrite or give up the space of rows that were deleted, so that they cannot be read from the files."""
        if self.is_sqlite:
            with self._turn:
                self._vacuum_sqlite()
            return
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")

    def _vacuum_sqlite(self) -> None:
        raw = self.engine.raw_connection()  # SQLAlchemy's own begin a transaction
        try:
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                raw.cursor().execute(statement)
        except sqlite3.Error as error:
            raise DBAPIError(None, None, error) from None
        finally:
            raw.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def migrate(engine: Engine, to: str = "head") -> None:
    """Bring the tables of a database to a version of the schema, by default to the newest."""
    with as_file(files("indievalue.app.study") / "migrations") as folder, engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise IndievalueError(f"{url!r} is no URL of a database, such as postgresql://NAME@HOST/DATABASE") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise IndievalueError(f"a study is stored in SQLite or PostgreSQL, and not in {parsed.get_backend_name()}")
    try:
        with importing("this database needs", "app"):
            if parsed.get_backend_name() == "postgresql":
                return create_engine(parsed, pool_size=10, max_overflow=20, pool_pre_ping=True)
            engine = create_engine(parsed, poolclass=QueuePool, pool_size=5, connect_args={"timeout": 30})
    except NoSuchModuleError as error:
        raise IndievalueError(f"there is no database driver {parsed.drivername}: {error}") from None
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, record: object) -> None:
    """Every commit is on the disk before it returns, and deleted rows are overwritten."""
    connection.isolation_level = None  # SQLAlchemy begins transactions, see _begin_sqlite
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
