"""Starts, shares and stops the embedded PostgreSQL of a home folder."""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from coordinator.errors import StoreError
from coordinator.store.embedded import keeper
from coordinator.store.embedded.binaries import SystemUser, binaries, run_as, system_user
from coordinator.store.failures import spoken, spoken_files
from coordinator.store.queries import query

_MAJOR = "18"
_SOCKET_PATH_LIMIT = 107  # bytes of sun_path in unix(7), less the closing zero
_SOCKET = ".s.PGSQL.5432"
_OWNER, _DATABASE, _SUPERUSER = "coordinator_owner", "coordinator", "postgres"
_INITDB = ("-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_START_SECONDS = 320.0
_STOP_SECONDS = 60.0
_DYING_SECONDS = 20.0
_LEAST_FREE = 32 * 1024**2  # bytes: what the server wants of a disk before it starts
_TROUBLE = re.compile(r"(?:FATAL|PANIC|error): +(.*)")

# A small server beside a program, not a machine of its own. What a commit promised stays promised.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",  # in the data folder, whose path may be longer than a socket's
    "unix_socket_permissions": "0700",
    "max_connections": "64",
    "shared_buffers": "64MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "512MB",
    "io_method": "sync",
    "jit": "off",
    "log_min_messages": "warning",
    # A failed statement and its details can hold what an EHR sent: neither goes to the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach a database as its owner."""

    host: str
    user: str
    dbname: str
    password: str = field(repr=False)

    @property
    def conninfo(self) -> str:
        """Return all of it as one text, so that no PG* variable of the environment leads elsewhere."""
        return make_conninfo(host=self.host, user=self.user, dbname=self.dbname, password=self.password, **_ONLY_HERE)


_ONLY_HERE = {
    "port": "5432",
    "client_encoding": "UTF8",
    "options": "",
    "sslmode": "disable",
    "gssencmode": "disable",
    "channel_binding": "disable",
    "application_name": "coordinator",
}


@contextmanager
def using(home: Path, *, idle_seconds: float = 60.0) -> Iterator[Connection]:
    """Have the server of this home running while the block works; the first to come starts it.

    Raises StoreError where it can't be started.
    """
    folder = home / "postgres"
    with spoken("start"), spoken_files("start"), contextlib.ExitStack() as held:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        held.enter_context(_shared(folder / "in-use"))
        with _alone(folder / "starting"):
            passwords = _passwords(folder)
            _ensure(folder, passwords, idle_seconds)
        host = held.enter_context(_socket_folder(folder / "data"))
        connection = Connection(host=host, user=_OWNER, dbname=_DATABASE, password=passwords[_OWNER])
        kept = held.pop_all()
    with kept:
        yield connection


def is_running(home: Path) -> bool:
    """Tell whether the server of this home runs."""
    return keeper.is_locked(home / "postgres" / "server")


def stop(home: Path) -> bool:
    """End the server of this home, after a checkpoint; return whether it ran. Raises StoreError if it will not end."""
    folder = home / "postgres"
    if not is_running(home):
        return False
    with spoken_files("stop"), _alone(folder / "starting"):
        if keeper.is_locked(folder / "keeper"):
            process, sign = int((folder / "keeper").read_text()), signal.SIGTERM
        else:
            process, sign = keeper.ready_process(folder / "data") or 0, signal.SIGINT
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, sign)
        until = time.monotonic() + _STOP_SECONDS
        while keeper.is_locked(folder / "server") or keeper.is_locked(folder / "keeper"):
            if time.monotonic() > until:
                raise StoreError(
                    "The embedded database does not end.", operation="stop", subject="database", hint=_log_hint(folder)
                )
            time.sleep(0.01)
    return True


@contextmanager
def _shared(file: Path) -> Iterator[None]:
    """Hold the lock that says that somebody works here; waits while the server is being stopped."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.utime(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _passwords(folder: Path) -> dict[str, str]:
    """Return the passwords of this server's roles, made up the first time."""
    file = folder / "passwords.json"
    if not file.exists():
        made = {role: secrets.token_urlsafe(32) for role in (_SUPERUSER, _OWNER)}
        fresh = file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as output:
            json.dump(made, output)
            output.flush()
            os.fsync(output.fileno())
        fresh.rename(file)
    read: dict[str, str] = json.loads(file.read_text())
    return read


def _ensure(folder: Path, passwords: dict[str, str], idle_seconds: float) -> None:
    if _is_kept_and_answers(folder):
        return
    data = folder / "data"
    user = system_user(data)
    bin_ = binaries(user)
    if not data.exists():
        _create(folder, bin_, user, passwords[_SUPERUSER])
    if (data / "PG_VERSION").read_text().strip() != _MAJOR:
        raise StoreError(
            f"The embedded database is of another version than PostgreSQL {_MAJOR}.",
            operation="start",
            subject="database",
            hint="Export it with the version of this program that made it.",
        )
    _start(folder, bin_, user, idle_seconds)
    if not (folder / "prepared").exists():
        _prepare(folder, passwords)


def _is_kept_and_answers(folder: Path) -> bool:
    """Tell whether the server can be used as it is; one that was killed takes a moment to let go of its lock."""
    until = time.monotonic() + _DYING_SECONDS
    while keeper.is_locked(folder / "keeper") and keeper.is_locked(folder / "server"):
        # A socket takes connections until the last moment, so only an answer tells.
        with _socket_folder(folder / "data") as host:
            owner = Connection(host=host, user=_OWNER, dbname=_DATABASE, password="")
            if PGconn.ping(owner.conninfo.encode()) == Ping.OK:
                return True
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return False


def _create(folder: Path, bin_: Path, user: SystemUser | None, password: str) -> None:
    """Make the data folder beside its place, then move it there: a half-made one is never taken for whole."""
    fresh = folder / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    reading, writing = os.pipe()
    try:
        if user is not None:
            os.chown(fresh, user.uid, user.gid)
            os.fchown(reading, user.uid, user.gid)  # initdb opens the pipe by its name, so it must own it
        os.write(writing, password.encode() + b"\n")
        os.close(writing)
        command: list[str | Path] = [
            bin_ / "initdb",
            *_place(fresh, user),
            "-U",
            _SUPERUSER,
            f"--pwfile=/dev/fd/{reading}",
            *_INITDB,
        ]
        made = run_as(user, command, cwd=fresh, inherited=(reading,))
    finally:
        os.close(reading)
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)  # what is left of it may be what fills the disk
        raise StoreError(
            f"The embedded database can't be created: {_reason(made.stderr)}.",
            operation="start",
            subject="database",
            hint="Look at free space and permissions of COORDINATOR_HOME.",
        )
    fresh.rename(folder / "data")


def _place(data: Path, user: SystemUser | None) -> tuple[str, str]:
    """Return how to name the data folder.

    Another user can't reach it by its path through our private folder, and shall not: it stands in it (its working
    directory was set while we were still root) and calls it by that.
    """
    return "-D", str(data) if user is None else "/proc/self/cwd"


def _start(folder: Path, bin_: Path, user: SystemUser | None, idle_seconds: float) -> None:
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    plan = {
        "folder": str(folder),
        "command": [str(bin_ / "postgres"), *_place(folder / "data", user), *settings],
        "idle_seconds": idle_seconds,
        "user": None if user is None else user.uid,
        "group": None if user is None else user.gid,
    }
    log = folder / "server.log"
    begin = log.stat().st_size if log.exists() else 0
    try:
        said = subprocess.run(
            [sys.executable, "-I", "-S", keeper.__file__, json.dumps(plan)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_START_SECONDS,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired:
        said = b"late"
    if said != b"ready":
        raise StoreError(
            f"The embedded database does not start: {_reason(_after(log, begin))}.",
            operation="start",
            subject="database",
            hint=_log_hint(folder),
        )


def _after(log: Path, begin: int) -> bytes:
    with contextlib.suppress(OSError), log.open("rb") as lines:
        lines.seek(begin)
        return lines.read()
    return b""


def _reason(said: bytes) -> str:
    """Return the first thing that went wrong in PostgreSQL's words; they speak of files and memory, not of content."""
    found = _TROUBLE.search(said.decode(errors="replace"))
    return found[1].rstrip(" .") if found else "it gave no reason"


def _log_hint(folder: Path) -> str:
    if shutil.disk_usage(folder).free < _LEAST_FREE:
        return "The disk is full: free some space and run it again; nothing was half written."
    return f"See {folder / 'server.log'}."


def _prepare(folder: Path, passwords: dict[str, str]) -> None:
    """Make the owner and its database, once."""
    with _socket_folder(folder / "data") as host:
        superuser = Connection(host=host, user=_SUPERUSER, dbname="postgres", password=passwords[_SUPERUSER])
        with psycopg.connect(superuser.conninfo, autocommit=True) as connection:
            missing = connection.execute(query("embedded/server", "missing_objects"), {"password": passwords[_OWNER]})
            for (statement,) in missing.fetchall():
                connection.execute(statement)
    (folder / "prepared").touch(mode=0o600)


@contextmanager
def _socket_folder(data: Path) -> Iterator[str]:
    """Yield a name of the data folder that is short enough for a socket's address in this process."""
    if len(os.fsencode(data / _SOCKET)) <= _SOCKET_PATH_LIMIT:
        yield str(data)
        return
    descriptor = os.open(data, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
