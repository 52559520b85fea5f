"""Connect to a cluster of Ray that is there, or start a Ray of this machine alone and stop it.

A Ray of our own listens on loopback only, behind a token of its own, with neither its dashboard nor statistics of its
use, and keeps its files in a folder that is readable by its owner alone. It ends with the block, also after Ctrl-C; the
processes of one whose program was killed are ended by the next, which finds their ids on record.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from indievalue.environment import variables
from indievalue.errors import IndievalueError, importing
from indievalue.files import cache_root, new_file
from indievalue.scale.processes import began, descendants, end
from indievalue.threads import cores

with importing("--on ray needs", "ray"):
    import ray

_LOOPBACK = "127.0.0.1"

_STARTS = 3
"""How often a Ray is started that does not start in time."""

_ANSWERING = 20.0
"""Seconds that a cluster has to answer."""

_LONGEST = 40
"""Characters of a folder for temporary files in which sockets still have names that are short enough."""


@contextmanager
def connected(address: str | None, say: Callable[[str], None] = lambda line: None) -> Iterator[None]:
    """Connect to the cluster at ``address`` while the block runs; without one, start a Ray of this machine.

    Raises IndievalueError if this process is connected to one already, or none can be reached or started.
    """
    if ray.is_initialized():
        raise IndievalueError("this process is connected to a Ray already: call ray.shutdown() before")
    if address is None:
        with _own(say):
            yield
        return
    _check_reachable(address)
    try:
        with _same_handler():
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise IndievalueError(f"--on ray:{address}: no cluster can be reached there: {_line(error)}") from None
    try:
        resources = ray.cluster_resources()
        nodes = sum(node["Alive"] for node in ray.nodes())
        say(f"Ray at {address}: {nodes} machines, {resources.get('CPU', 0):.0f} cores, {_gpus(resources)}")
        yield
    finally:
        ray.shutdown()


@contextmanager
def _same_handler() -> Iterator[None]:
    """Leave what this process does at SIGTERM as it is, after a block in which Ray installs a handler of its own."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with suppress(ValueError, TypeError):  # not in the main thread, or not set from Python
            signal.signal(signal.SIGTERM, before)


def _check_reachable(address: str) -> None:
    """Raise IndievalueError if nothing answers at an address: Ray would end this process."""
    host, _, port = address.rpartition(":")
    if not host:  # auto
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWERING).close()
    except (OSError, ValueError, OverflowError) as error:
        raise IndievalueError(f"--on ray:{address}: no cluster can be reached there: {_line(error)}") from None


@contextmanager
def _own(say: Callable[[str], None]) -> Iterator[None]:
    """Start a Ray of this machine alone, and stop it at the end."""
    end_left_behind()
    long = len(tempfile.gettempdir()) > _LONGEST
    folder = Path(tempfile.mkdtemp(prefix="indievalue-ray-", dir="/tmp" if long else None))
    record = _records() / f"{os.getpid()}.json"
    before = set(descendants(os.getpid()))
    with _environment(
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN=secrets.token_hex(32),
        RAY_USAGE_STATS_ENABLED="0",
    ):
        try:
            _write_record(record, folder, {})
            with _same_handler():
                _start(folder, before)
            _write_record(record, folder, _without(descendants(os.getpid()), before))
            say(f"Ray on this machine: {cores()} cores, {_gpus(ray.cluster_resources())}; on loopback only")
            yield
        finally:
            started = _without(descendants(os.getpid()), before)
            ray.shutdown()
            end(started)
            shutil.rmtree(folder, ignore_errors=True)
            record.unlink(missing_ok=True)


def _start(folder: Path, before: set[int]) -> None:
    """Start a Ray, and again if that fails: on a machine that is busy it does not start within its half minute."""
    for attempt in range(1, _STARTS + 1):
        try:
            ray.init(
                address="local",
                num_cpus=cores(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                _node_ip_address=_LOOPBACK,
                _temp_dir=str(folder / "ray"),  # which Ray opens to everybody: the folder around it is not
            )
        except Exception as error:  # Ray raises a bare one where it has not started in time
            ray.shutdown()
            end(_without(descendants(os.getpid()), before), patience=0)
            if attempt == _STARTS:
                raise IndievalueError(f"--on ray: Ray cannot be started on this machine: {_line(error)}") from None
        else:
            return


@contextmanager
def _environment(**given: str) -> Iterator[None]:
    """Set variables of Ray while the block runs."""
    try:
        with variables(given):
            _read_environment()
            yield
    finally:
        _read_environment()


def _read_environment() -> None:
    """Have Ray read its variables again, as it did when it was imported."""
    raylet: Any = import_module("ray._raylet")
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


def _records() -> Path:
    return cache_root() / "ray"


def _write_record(record: Path, folder: Path, processes: dict[int, int]) -> None:
    """Record the folder and the processes of a Ray, each with when it began, so that no other one is ever ended."""
    own = began(os.getpid())
    with new_file(record, private=True) as beside:
        beside.write_text(json.dumps({"began": own, "folder": str(folder), "processes": list(processes.items())}))


def end_left_behind() -> None:
    """End the processes of Rays whose program was killed, and delete their folders."""
    for record in _records().glob("[0-9]*.json"):
        try:
            said = json.loads(record.read_text(encoding="utf-8"))
            if began(int(record.stem)) == said["began"]:
                continue  # its program runs
            left = {int(process): int(when) for process, when in said["processes"]}
            folder = Path(said["folder"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        alive = {process: when for process, when in left.items() if began(process) == when}
        for process in tuple(alive):
            alive.update(descendants(process))
        end(alive, patience=0)
        if folder.name.startswith("indievalue-ray-"):
            shutil.rmtree(folder, ignore_errors=True)
        record.unlink(missing_ok=True)


def _without(processes: dict[int, int], others: set[int]) -> dict[int, int]:
    return {process: when for process, when in processes.items() if process not in others}


def _gpus(resources: dict[str, float]) -> str:
    return f"{resources.get('GPU', 0):.0f} GPUs"


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
