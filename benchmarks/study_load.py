"""Measure the server of a study under load: many raters at once, while it is killed again and again.

    python benchmarks/study_load.py [--raters 100] [--seconds 60] [--kills 10] [--database postgresql://…]

Makes a study of synthetic people, serves it on loopback, and lets raters answer for so many seconds, which gives the
times of requests. Then it kills the server with SIGKILL and starts it again, as often as asked, while they go on; a
rater whose request failed sends it again. In the end it compares what was acknowledged with what is stored: no answer
may be lost, changed or there twice. It stops by itself after at most twice the seconds and 15 seconds for each kill,
and exits with 1 if a promise is broken.
"""

import argparse
import asyncio
import contextlib
import csv
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import select

from indievalue.app.study.database import Database
from indievalue.app.study.settings import Folder
from indievalue.app.study.tables import Answer, Rater, Slot

SLOWEST = 0.3
"""Seconds within which 95% of requests are to be answered."""

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]+)">')


@dataclass
class Load:
    """What the raters have seen: ``acknowledged`` choices by rater and page, seconds of requests, and failures."""

    address: str
    think: float
    acknowledged: dict[tuple[str, str], int] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    failures: int = 0
    finished: int = 0
    timing: bool = False
    stopped: bool = False


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, default=100, help="raters at once [default: 100]")
    parser.add_argument("--seconds", type=float, default=60, help="seconds before the first kill [default: 60]")
    parser.add_argument("--kills", type=int, default=10, help="times the server is killed [default: 10]")
    parser.add_argument("--think", type=float, default=4, help="mean seconds a rater takes for an answer [default: 4]")
    parser.add_argument("--database", help="URL of a PostgreSQL database [default: SQLite]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = _study(Path(folder), given)
        load = asyncio.run(_loaded(made, given))
        sys.exit(_report(made, load, given))


def _study(folder: Path, given: argparse.Namespace) -> Path:
    """Make a study with more places than the raters can fill."""
    people = str(max(20, 2 * given.raters))
    _indievalue("benchmark", "synthetic:1000", "--people", people, "--out", str(folder / "bench"), "--setup", "0")
    size = ("--people", people, "--attention", "0", "--raters", str(given.raters), "--people-per-rater", "20")
    database = ("--database", given.database) if given.database else ()
    bench = ("create", str(folder / "bench"), "synthetic:1000", "--out", str(folder / "load"))
    _indievalue("study", *bench, *size, *database)
    return folder / "load"


def _indievalue(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "indievalue", *arguments], check=True, stderr=subprocess.DEVNULL)


async def _loaded(study: Path, given: argparse.Namespace) -> Load:
    """Let raters answer, first undisturbed and then while the server is killed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    load = Load(f"http://127.0.0.1:{port}", given.think)
    with (study / "invites.csv").open(encoding="utf-8") as file:
        links = {row["rater"]: "/r/" + row["link"].rpartition("/r/")[2] for row in csv.DictReader(file)}
    server = _start(study, port, given.database)
    try:
        await _up(load, 30)
        raters = [asyncio.create_task(_rater(load, name, link)) for name, link in links.items()]
        await asyncio.sleep(2 * given.think)  # until all have opened their links
        load.timing = True
        await asyncio.sleep(given.seconds)
        load.timing = False
        deadline = time.monotonic() + given.seconds + 15 * given.kills
        for _ in range(given.kills):
            os.kill(server.pid, signal.SIGKILL)
            server.wait()
            server = _start(study, port, given.database)
            await _up(load, 15)
            await asyncio.sleep(1)
            if time.monotonic() > deadline:
                break
        load.stopped = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*raters), 30)
    finally:
        server.kill()
        server.wait()
    return load


def _start(study: Path, port: int, database: str | None) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "indievalue", "study", "serve", str(study), "--port", str(port)]
    return subprocess.Popen([*command, *(("--database", database) if database else ())], stderr=subprocess.DEVNULL)


async def _up(load: Load, seconds: float) -> None:
    """Wait until the server answers."""
    async with httpx.AsyncClient(verify=False) as client:
        for _ in range(int(seconds / 0.1)):
            with contextlib.suppress(httpx.TransportError):
                await client.get(f"{load.address}/study", timeout=5)
                return
            await asyncio.sleep(0.1)
    raise SystemExit(f"the server did not answer within {seconds:.0f} seconds")


async def _rater(load: Load, name: str, link: str) -> None:
    """Open a link, agree, and answer whatever is asked until the load ends."""
    drawn = random.Random(name)
    async with httpx.AsyncClient(base_url=load.address, timeout=20, verify=False) as client:
        await asyncio.sleep(drawn.random() * load.think)
        await _ask(load, client, "GET", link)
        page = await _ask(load, client, "GET", "/study")
        if page is not None and page.status_code == 200:
            await _ask(load, client, "POST", "/study/consent", dict(_HIDDEN.findall(page.text)) | {"agree": "yes"})
        while not load.stopped:
            where = await _ask(load, client, "GET", "/study")
            if where is None or where.status_code != 303:
                load.finished += 1
                return
            path = where.headers["location"]
            shown = await _ask(load, client, "GET", path)
            if shown is None:
                return
            await asyncio.sleep(drawn.expovariate(1 / load.think))
            choice = drawn.randrange(2)
            form = dict(_HIDDEN.findall(shown.text)) | {"choice": str(choice), "confidence": str(drawn.randrange(5))}
            done = await _ask(load, client, "POST", path, form)
            if done is not None and done.status_code == 303:
                load.acknowledged.setdefault((name, path), choice)


async def _ask(
    load: Load, client: httpx.AsyncClient, method: str, path: str, form: dict[str, str] | None = None
) -> httpx.Response | None:
    """Return the response to a request, which is sent again while the server is away; None after a minute."""
    for _ in range(200):
        began = time.perf_counter()
        try:
            response = await client.request(method, path, data=form)
        except httpx.TransportError:
            load.failures += 1
            await asyncio.sleep(0.3)
            continue
        if load.timing:
            load.times.append(time.perf_counter() - began)
        if response.status_code < 500:
            return response
        load.failures += 1
        await asyncio.sleep(0.3)
    return None


def _report(study: Path, load: Load, given: argparse.Namespace) -> int:
    """Print the times and what was lost, and return the exit code."""
    database = Database(given.database or f"sqlite:///{study / 'study.db'}")
    made = Folder(study).study()
    with database.reading() as session:
        rows = session.execute(
            select(Rater.name, Answer.kind, Answer.person, Answer.place, Answer.choice)
            .join(Rater)
            .where(Rater.study == made.id)
        ).all()
        done = Counter(session.scalars(select(Slot.person).where(Slot.study == made.id, Slot.done.is_not(None))))
    database.close()
    stored = {(name, _path(kind, person, place)): choice for name, kind, person, place, choice in rows}
    lost = [key for key, choice in load.acknowledged.items() if stored.get(key) != choice]
    times = sorted(load.times)
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else float("nan")
    kind = "PostgreSQL" if given.database else "SQLite"
    print(f"{kind}: {given.raters} raters, {given.seconds:g} s undisturbed, then {given.kills} times kill -9")
    print(f"requests timed: {len(times):,}, median {1000 * statistics.median(times):.0f} ms, p95 {1000 * p95:.0f} ms")
    print(f"answers acknowledged: {len(load.acknowledged):,}, lost or changed: {len(lost)}")
    print(f"answers stored: {len(rows):,}, twice: {len(rows) - len(stored)}; requests that failed: {load.failures:,}")
    print(f"people with more raters than planned: {sum(n > made.plan.raters_per_person for n in done.values())}")
    if p95 > SLOWEST:
        print(f"p95 is above {1000 * SLOWEST:.0f} ms")
    return 1 if lost or len(rows) != len(stored) or p95 > SLOWEST else 0


def _path(kind: str, person: int, place: int) -> str:
    return f"/study/person/{person}/{place}" if kind == "probe" else f"/study/{kind}/0/{place}"


if __name__ == "__main__":
    main()
