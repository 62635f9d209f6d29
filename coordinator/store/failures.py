"""Says what is wrong with the database in one sentence: the one place where errors of its driver are read."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolTimeout

from coordinator.errors import StoreError

# SQLSTATE or its class -> what it means, what to do (PostgreSQL manual, appendix A)
_MEANINGS: dict[str, tuple[str, str]] = {
    "28": ("The database refused our user or password.", "Check the user and password in COORDINATOR_DATABASE_URL."),
    "3D": ("There is no such database on the server.", "Create it, or mend COORDINATOR_DATABASE_URL."),
    "42501": ("The database does not grant what we need.", "Let the owner of the schema open it once, or grant it."),
    "53100": ("The disk of the database is full.", "Free some space there; nothing was half written."),
    "53300": ("The database takes no more connections.", "Close other programs or raise its max_connections."),
    "53": ("The database has run out of memory or another resource.", "Look at its log."),
    "40": ("Two runs got in each other's way; nothing was half written.", "Run it again."),
    "25006": ("The database is read-only.", "Point COORDINATOR_DATABASE_URL to the primary."),
    "57014": ("The database gave up a statement that took too long.", "Look at its load and its statement_timeout."),
    "57": ("The database is shutting down or starting.", "Run it again in a moment."),
    "58": ("The database can't use its files.", "Look at its disk and its log."),
    "XX": ("The database reports damage or a fault of its own.", "Look at its log before you go on."),
    "22": ("The database can't hold a value as it came.", "This is a fault in this program: please report it."),
    "23": ("The database refused a row that breaks one of its rules.", "This is a fault in this program: report it."),
    "42": (
        "The database does not know what we ask for.",
        "Its schema may be of another version: run `coordinator doctor`.",
    ),
}
_UNREACHABLE = ("The database can't be reached.", "Check that it runs, and the address in COORDINATOR_DATABASE_URL.")
_FILES: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("The disk is full.", "Free some space; nothing was half written."),
    errno.EDQUOT: ("The disk quota is used up.", "Free some space; nothing was half written."),
    errno.EACCES: ("The folder of the database can't be used.", "Check owner and permissions of COORDINATOR_HOME."),
    errno.EPERM: ("The folder of the database can't be used.", "Check owner and permissions of COORDINATOR_HOME."),
    errno.EROFS: ("The folder of the database is read-only.", "Choose another COORDINATOR_HOME."),
    errno.ENOTDIR: ("COORDINATOR_HOME is not a folder.", "Choose another COORDINATOR_HOME."),
}


@contextmanager
def spoken(operation: str) -> Iterator[None]:
    """Turn what the driver raises inside the block into a StoreError.

    The cause is cut off: its text holds the row it is about, and that can be a person's.
    """
    try:
        yield
    except PoolTimeout:
        raise _error(_UNREACHABLE, operation) from None
    except psycopg.Error as error:
        raise _error(_meaning(error), operation) from None


@contextmanager
def spoken_files(operation: str) -> Iterator[None]:
    """Turn what the system says about the files of the embedded server into a StoreError."""
    try:
        yield
    except OSError as error:
        other = (f"The folder of the database can't be used ({error.strerror}).", "Look at COORDINATOR_HOME.")
        raise _error(_FILES.get(error.errno or 0, other), operation) from error


def _meaning(error: psycopg.Error) -> tuple[str, str]:
    state = error.sqlstate or _refusal(error)
    if state is None:
        return _UNREACHABLE if isinstance(error, psycopg.OperationalError) else _unknown(type(error).__name__)
    return _MEANINGS.get(state) or _MEANINGS.get(state[:2]) or _unknown(f"SQLSTATE {state}")


def _refusal(error: psycopg.Error) -> str | None:
    """Return the state of a refused connection, which the driver gives as text only."""
    said = str(error)
    if "password authentication failed" in said or "no password supplied" in said or "no pg_hba.conf entry" in said:
        return "28P01"
    if "database" in said and "does not exist" in said:
        return "3D000"
    if "role" in said and ("does not exist" in said or "is not permitted" in said):
        return "28000"
    return "53300" if "too many clients" in said or "connection slots" in said else None


def _unknown(what: str) -> tuple[str, str]:
    return f"The database refused an operation ({what}).", "Look at its log."


def _error(meaning: tuple[str, str], operation: str) -> StoreError:
    sentence, hint = meaning
    return StoreError(sentence, operation=operation, subject="database", hint=hint)
