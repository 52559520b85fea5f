"""A PostgreSQL server of the tests' own, on loopback, where Debian's package is installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"
"""Account under which the server runs where the tests run as root, which PostgreSQL refuses."""


def binary(name: str) -> str | None:
    """The path of a program of PostgreSQL, which Debian keeps off the PATH; None where it is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name)


def unavailable() -> str | None:
    """Why no server can be started; None if one can."""
    if binary("pg_ctl") is None or binary("initdb") is None:
        return "no PostgreSQL: make postgres installs Debian's package"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(OWNER)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no account {OWNER}"
    return None


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server that is started for the block, and stopped and deleted after it."""
    folder = Path(tempfile.mkdtemp(prefix="indievalue-postgres-"))
    account = {"user": OWNER, "group": pwd.getpwnam(OWNER).pw_gid} if os.geteuid() == 0 else {}
    if account:
        shutil.chown(folder, OWNER)

    def call(name: str, *arguments: str) -> None:
        command = [str(binary(name)), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60, **account)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        call("initdb", "--auth=trust", "--username=study", "--encoding=UTF8", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off -p {port}"
        call("pg_ctl", "--wait", "--log", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://study@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
