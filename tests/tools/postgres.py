"""A PostgreSQL server for tests and measurements: on this machine only, gone when they end.

It has its own data folder, port and password. Where PostgreSQL is not installed, `MISSING` says so.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

USER = {"user": "postgres", "group": "postgres", "extra_groups": []}  # the server refuses root
DEBIAN = "/usr/lib/postgresql/*/bin/initdb"  # where Debian and Ubuntu keep it, not on the PATH

OPTIONS = "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="

# The shell outlives whoever started it, even kill -9: then its input ends, and it cleans up.
KEEPER = """
"$0/postgres" -D "$1/data" $2 > "$1/log" 2>&1 &
cat > /dev/null
while kill -INT $! 2> /dev/null; do sleep 0.1; done
"$0/pg_ctl" -D "$1/data" -m fast stop > /dev/null 2>&1  # where it was started anew
rm -rf "$1"
"""


def programs():
    """The folder of PostgreSQL's programs, None where it is not installed."""
    found = shutil.which("initdb") or max(map(str, Path("/").glob(DEBIAN[1:])), default=None)
    return found and Path(found).parent


MISSING = None if programs() else "no PostgreSQL here; on Debian: sudo apt install postgresql"
"""Why there can be no server, None where there can."""


@contextlib.contextmanager
def server():
    """Start a server; stop and remove it at the end, whatever happens. Yields: its URL.

    Raises: RuntimeError with its last words where it does not start.
    """
    user = USER if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    password, port = secrets.token_hex(8), _free_port()
    try:
        _create(folder, password, user)
        command = ["sh", "-c", KEEPER, programs(), folder, OPTIONS.format(port=port)]
        keeper = subprocess.Popen(
            command, stdin=subprocess.PIPE, cwd="/", start_new_session=True, **user
        )
        with keeper:  # its end closes the input and waits
            url = f"postgresql://course:{password}@127.0.0.1:{port}/postgres"
            _wait_until_ready(url, folder / "log")
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def restart(url, pause):
    """Stop a server without a word to those it serves; start it again after so many seconds."""
    with psycopg.connect(url) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone()
    options = OPTIONS.format(port=urlsplit(url).port)
    user = USER if os.geteuid() == 0 else {}
    control = [programs() / "pg_ctl", "-D", folder]
    quiet = {"cwd": "/", "stdout": subprocess.DEVNULL, **user}
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)
    time.sleep(pause)
    start = [*control, "-o", options, "-l", f"{folder}/log", "start"]
    subprocess.run(start, check=True, **quiet)


def _create(folder, password, user):
    """Create an empty database of the user "course"."""
    (folder / "password").write_text(password, encoding="ascii")
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user["user"], user["group"])
    command = [programs() / "initdb", "-D", folder / "data", "--username=course", "--no-locale"]
    command += ["--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    made = subprocess.run(
        command, check=False, cwd="/", capture_output=True, encoding="utf-8", **user
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr}")


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_until_ready(url, log):
    end = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > end:
                words = log.read_text(encoding="utf-8")
                raise RuntimeError(f"the server did not start: {words}") from error
            time.sleep(0.1)
