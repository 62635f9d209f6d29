"""Keeps an embedded PostgreSQL running while it is used, and ends it when nobody needs it any more.

A script of its own, on the standard library alone: it must stay small, since it lives as long as the server does.
A command that starts and stops PostgreSQL by itself would pay for that each time; a server that nobody ends would
outlive its data. So the first command starts a keeper, the keeper starts the server, and each command holds a shared
lock while it works. When that lock was free for the idle time, or the data folder is gone, the server ends.

Locks rather than process numbers tell who lives: the kernel releases them however a process ended.

    in-use    shared: a command works; exclusive: the keeper is stopping the server
    keeper    exclusive: a keeper lives (its number is in the file)
    server    exclusive: the server lives (inherited by all of its processes)
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

_POLL_SECONDS = 0.25
_READY_SECONDS = 300.0  # recovery after a crash replays the log first
_STOP_SECONDS = 20.0
_PID_LINE, _STATUS_LINE = 0, 7  # of postmaster.pid, as PostgreSQL documents it in miscadmin.h


class Stopped(BaseException):
    """The keeper was told to end the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to keep: the folder with locks and data, how to start the server, and for how long to keep it idle."""

    folder: str
    command: list[str]
    idle_seconds: float
    user: int | None
    group: int | None

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return Path(self.folder) / "data"


def locked(file: Path) -> int | None:
    """Return a descriptor that holds the file's exclusive lock, or None if somebody else holds it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(file: Path) -> bool:
    """Tell whether somebody holds the file's lock."""
    if not file.exists():
        return False
    descriptor = locked(file)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def ready_process(data: Path) -> int | None:
    """Return the number of the server's first process once it takes connections."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return int(lines[_PID_LINE]) if lines[_STATUS_LINE].strip() == "ready" else None
    except (OSError, IndexError, ValueError):
        return None


def _waited(seconds: float, done: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


class _Server:
    """The server that this keeper started, or found running."""

    def __init__(self, plan: Plan) -> None:
        self._lock = Path(plan.folder) / "server"
        self._data = plan.data
        self._child: subprocess.Popen[bytes] | None = None
        self._witness = -1  # sees the lock even when its file has been removed
        self._process = 0
        self.is_ready = self._adopted() or self._started(plan)

    def _adopted(self) -> bool:
        """Take over a server whose keeper died; one whose first process died frees its lock in a moment."""
        if not is_locked(self._lock):
            return False
        _waited(_READY_SECONDS, lambda: ready_process(self._data) is not None or not is_locked(self._lock))
        self._process = ready_process(self._data) or 0
        if not _runs(self._process):
            _waited(_STOP_SECONDS, lambda: not is_locked(self._lock))
        if not is_locked(self._lock):
            return False
        self._witness = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        return bool(self._process)

    def _started(self, plan: Plan) -> bool:
        descriptor = locked(self._lock)
        if descriptor is None:
            return False
        log = Path(plan.folder) / "server.log"
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as output:
            self._child = subprocess.Popen(
                plan.command,
                cwd=plan.data,
                user=plan.user,
                group=plan.group,
                extra_groups=None if plan.user is None else [],
                env={"LC_ALL": "C", "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(descriptor,),
                umask=0o077,
                start_new_session=True,
            )
        self._witness = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        os.close(descriptor)
        child = self._process = self._child.pid
        _waited(_READY_SECONDS, lambda: ready_process(self._data) == child or not self.lives())
        return self.lives()

    def lives(self) -> bool:
        """Tell whether any process of the server still runs."""
        if self._child is not None and self._child.poll() is not None:
            return False
        try:
            fcntl.flock(self._witness, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._witness, fcntl.LOCK_UN)
        return False

    def stop(self, *, politely: bool) -> None:
        """End the server: after a checkpoint, or at once where there is nothing left to save."""
        for sign in (signal.SIGINT, signal.SIGQUIT) if politely else (signal.SIGQUIT,):
            if not self._process or not self.lives():
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, sign)
            _waited(_STOP_SECONDS, lambda: not self.lives())
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_STOP_SECONDS)


def _runs(process: int) -> bool:
    """Tell whether a process runs; one that waits to be collected by its parent does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def _place(data: Path) -> tuple[int, int] | None:
    """Return which folder stands there: a new one under the same name is another."""
    try:
        (data / "PG_VERSION").stat()
        found = data.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _touched(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _watch(plan: Plan, server: _Server) -> None:
    """Return when the server has ended because nobody needs it; raises Stopped when told to end it."""
    in_use, place = Path(plan.folder) / "in-use", _place(plan.data)
    seen, since = 0, time.monotonic()
    while server.lives():
        if place is None or _place(plan.data) != place:
            server.stop(politely=False)
            return
        if _touched(in_use) != seen or is_locked(in_use):
            seen, since = _touched(in_use), time.monotonic()
        elif time.monotonic() - since >= plan.idle_seconds and _ended_unused(in_use, server):
            return
        time.sleep(_POLL_SECONDS)


def _ended_unused(in_use: Path, server: _Server) -> bool:
    """Stop the server while no command can begin; False if one began before."""
    descriptor = locked(in_use)
    if descriptor is None:
        return False
    server.stop(politely=True)
    os.close(descriptor)
    return True


def _raise_stopped(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def _keep(plan: Plan) -> None:
    """Start or adopt the server, say on standard output whether it is ready, and stay with it."""
    file = Path(plan.folder) / "keeper"
    # One that just lost its server lets go within a poll; two must never watch the same server.
    if not _waited(4 * _POLL_SECONDS, lambda: not is_locked(file)) or (descriptor := locked(file)) is None:
        os.write(1, b"busy")
        return
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    server = _Server(plan)
    try:
        signal.signal(signal.SIGTERM, _raise_stopped)
        os.write(1, b"ready" if server.is_ready else b"failed")
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 2)
        os.dup2(nothing, 1)  # who waits for our word reads it to the end, and may tell us to stop at once
        if server.is_ready:
            _watch(plan, server)
    except Stopped:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        server.stop(politely=True)


def main(text: str) -> None:
    """Go to the background and keep what the plan says."""
    plan = Plan(**json.loads(text))
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    _keep(plan)


if __name__ == "__main__":
    main(sys.argv[1])
