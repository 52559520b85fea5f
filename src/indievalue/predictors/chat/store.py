"""Store of chat models' answers, so that none is paid for twice: one SQLite file with one row per answer.

The key of a row is a hash of everything that could change the answer: the model, its base URL, the prompt, the generate
options sent to the provider, and how often the same prompt was asked before. Answers are JSON; nothing in the file is
ever executed. Several processes can use it at once, and one that is killed loses no answer that it had received.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import polars as pl

from indievalue.errors import IndievalueError
from indievalue.files import cache_root

FILE = "answers.sqlite"

FORMAT = 1
"""Increased when the table changes, so that an older version refuses the file rather than misreading it."""

_WAIT = 60.0
"""Seconds to wait for another process that is writing."""

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    completion TEXT NOT NULL,
    stop_reason TEXT,
    logprobs TEXT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    dollars REAL,
    seconds REAL,
    created TEXT NOT NULL
) WITHOUT ROWID
"""

SUMMARY = {
    "model": pl.String(),
    "answers": pl.Int64(),
    "input_tokens": pl.Int64(),
    "output_tokens": pl.Int64(),
    "dollars": pl.Float64(),
    "unpriced": pl.Int64(),
}


@dataclass(frozen=True)
class StoredAnswer:
    """One answer of a chat model.

    Attributes:
        completion: what the model wrote. stop_reason: why it stopped, as Inspect names it.
        logprobs: log-probabilities of its tokens, as Inspect's ``Logprobs`` in plain values; None if not reported.
        input_tokens, output_tokens: tokens used. dollars: their cost; None without a price.
        seconds: duration of the call; None if unknown.
    """

    completion: str
    stop_reason: str | None = None
    logprobs: Mapping[str, object] | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = None
    seconds: float | None = None


def answer_key(model: str, base_url: str | None, prompt: str, options: Mapping[str, object], attempt: int) -> str:
    """Return the key of an answer: a hash of everything that could change it."""
    made_of = [FORMAT, model, base_url, prompt, {name: options[name] for name in sorted(options)}, attempt]
    return sha256(json.dumps(made_of, ensure_ascii=False, default=str).encode()).hexdigest()


@dataclass
class Store:
    """Answers of chat models in ``$INDIEVALUE_CACHE/answers.sqlite``, or in the file ``path``.

    The file is readable only by its owner. Methods raise IndievalueError if it cannot be read or written, is damaged,
    or was written by a later version; its content is then left unchanged.
    """

    path: Path = field(default_factory=lambda: cache_root() / FILE)
    _connection: sqlite3.Connection | None = field(default=None, init=False, repr=False)

    def get(self, key: str) -> StoredAnswer | None:
        """Return the answer for ``key``; None if there is none."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT completion, stop_reason, logprobs, input_tokens, output_tokens, dollars, seconds"
                " FROM answers WHERE key = ?",
                (key,),
            ).fetchone()
        if row is None:
            return None
        completion, stop_reason, logprobs, *rest = row
        try:
            read = json.loads(logprobs) if logprobs else None
        except ValueError as error:
            raise IndievalueError(f"the store of answers {self.path} is damaged: {error}") from None
        return StoredAnswer(completion, stop_reason, read, *rest)

    def put(self, key: str, model: str, attempt: int, answer: StoredAnswer) -> None:
        """Store an answer; it is on disk when this returns. An existing one is not replaced."""
        row = (
            key,
            model,
            attempt,
            answer.completion,
            answer.stop_reason,
            None if answer.logprobs is None else json.dumps(answer.logprobs, ensure_ascii=False),
            answer.input_tokens,
            answer.output_tokens,
            answer.dollars,
            answer.seconds,
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        with self._open() as connection:
            connection.execute(f"INSERT OR IGNORE INTO answers VALUES ({', '.join('?' * len(row))})", row)

    def check_writable(self) -> None:
        """Write and remove a row, so that a full disk or a locked file is found before an answer is paid for."""
        with self._open() as connection:
            row = ("", "", 0, "A" * 8192, None, None, 0, 0, None, None, "")
            connection.execute(f"INSERT OR REPLACE INTO answers VALUES ({', '.join('?' * len(row))})", row)
            connection.execute("DELETE FROM answers WHERE key = ''")

    def __contains__(self, key: str) -> bool:
        with self._open() as connection:
            return connection.execute("SELECT 1 FROM answers WHERE key = ?", (key,)).fetchone() is not None

    def __len__(self) -> int:
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])

    def summary(self) -> pl.DataFrame:
        """Return a summary of the store, one row per model.

        Columns: ``model``, ``answers``, ``input_tokens``, ``output_tokens``, ``dollars`` (of the answers that had a
        price when they were received), ``unpriced`` (number of the others).
        """
        with self._open() as connection:
            rows = connection.execute(
                "SELECT model, count(*), sum(input_tokens), sum(output_tokens), coalesce(sum(dollars), 0),"
                " count(*) - count(dollars) FROM answers GROUP BY model ORDER BY model"
            ).fetchall()
        return pl.DataFrame(rows, schema=SUMMARY, orient="row")

    def close(self) -> None:
        """Close the file; it is reopened when needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that commits at the end of the block; errors become IndievalueError."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection:
                yield self._connection
        except sqlite3.DatabaseError as error:
            self.close()
            raise IndievalueError(f"{self._problem(error)}. The file is left as it is") from None
        except OSError as error:
            raise IndievalueError(f"cannot write {self.path}: {error.strerror or error}") from None

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        # One thread uses a connection at a time, though not always the same one.
        connection = sqlite3.connect(self.path, timeout=_WAIT, check_same_thread=False)
        try:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found > FORMAT:
                raise IndievalueError(
                    f"{self.path} was written by a later version of indievalue (format {found}; this one reads "
                    f"{FORMAT}): update indievalue, or set INDIEVALUE_CACHE to another folder"
                )
            if found == 0:
                _prepare(connection)
            connection.execute("PRAGMA synchronous = FULL")  # an answer that was paid for outlives a power cut
        except BaseException:
            connection.close()
            raise
        return connection

    def _problem(self, error: sqlite3.DatabaseError) -> str:
        text = str(error)
        if "malformed" in text or "not a database" in text:
            return (
                f"the store of answers {self.path} is damaged ({text}): move it away to start a new one, or recover it "
                "with `sqlite3 FILE .recover`"
            )
        return f"cannot use the store of answers {self.path}: {text}"

    def __getstate__(self) -> dict[str, object]:
        """Pickle only the path."""
        return {"path": self.path, "_connection": None}


def _prepare(connection: sqlite3.Connection) -> None:
    """Create the table in a new file; another process may be doing so at the same time."""
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")  # SQLite does not wait for others here
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    with connection:
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
