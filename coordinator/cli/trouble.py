"""Any trouble as one sentence and an exit code; never a trace, never a person's details."""

import errno
import re
import sys
import traceback
from typing import Protocol, runtime_checkable

import typer

from coordinator.errors import CoordinatorError, InvalidInput

OK, FAILED, USAGE, PARTIAL, WAITING = 0, 1, 2, 3, 4

_FILES = {
    errno.ENOSPC: "The disk is full. Free some space and run it again; nothing was half written.",
    errno.EDQUOT: "The disk quota is used up. Free some space and run it again; nothing was half written.",
    errno.EACCES: "A file or folder can't be used. Check the permissions of it and of COORDINATOR_HOME.",
    errno.EPERM: "A file or folder can't be used. Check the permissions of it and of COORDINATOR_HOME.",
    errno.EROFS: "A file can't be written: the file system is read-only. Choose another COORDINATOR_HOME.",
    errno.EMFILE: "Too many files are open. Raise the limit (ulimit -n) and run it again.",
    errno.ENOENT: "A file or folder is missing. Check the paths given and COORDINATOR_HOME.",
    errno.ECONNREFUSED: "A server refused the connection. Check that it runs and its address.",
}
_TYPED = re.compile(r"^(No such (?:command|option)):? '?[^\s']+'?")
# Libraries whose own words may repeat what they were given: only their kind is told, never their text.
_LIBRARIES = {
    "psycopg": "The database refused an operation. Run `coordinator doctor`.",
    "psycopg_pool": "The database gives no connection. Run `coordinator doctor`.",
    "httpx": "A server could not be asked. Check its address, and `coordinator doctor`.",
    "httpcore": "A server could not be asked. Check its address, and `coordinator doctor`.",
    "ssl": "A secure connection could not be made. Check the certificate of the server.",
    "json": "A file or answer is no JSON. Check the file given.",
}


class WrongWord(InvalidInput):
    """What was typed can't be used: an option, an argument, a file that is not there."""


@runtime_checkable
class _Complaint(Protocol):
    """An error of the library that reads the command line."""

    def format_message(self) -> str: ...


def trouble_of(error: BaseException) -> tuple[str, int]:
    """Return the sentence that tells what went wrong and what to do, and the exit code."""
    if isinstance(error, BaseExceptionGroup):
        return trouble_of(error.exceptions[0])
    if isinstance(error, CoordinatorError):
        return error.sentence, USAGE if isinstance(error, WrongWord) else FAILED
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        return "Stopped. What was done stays; run it again to go on.", FAILED
    if isinstance(error, _Complaint):
        return _complaint(error), USAGE
    return _unexpected(error), FAILED


def tell_trouble(error: BaseException, *, debug: bool = False) -> int:
    """Write the sentence to standard error and return the exit code; with debug also where, but not what."""
    sentence, code = trouble_of(error)
    if sentence:
        sys.stderr.write(f"coordinator: {sentence}\n")
    if debug:
        # Frames and the kind of error only: its words may repeat what it was given, and that can be a person's.
        sys.stderr.writelines(traceback.format_tb(error.__traceback__))
        sys.stderr.write(f"{type(error).__module__}.{type(error).__qualname__}\n")
    return code


def _complaint(error: _Complaint) -> str:
    # What was typed in the wrong place can be a person's name, and schedulers mail what a command wrote.
    message = _TYPED.sub(r"\1", error.format_message().strip())
    path = getattr(getattr(error, "ctx", None), "command_path", "coordinator")
    if not message:
        return ""  # the help was asked for and has been printed
    end = "" if message.endswith((".", "?", "!")) else "."
    return f"{message}{end} `{path} --help` tells more."


def _unexpected(error: BaseException) -> str:
    if isinstance(error, UnicodeError):
        return "A text is not UTF-8. Check the file given."
    if isinstance(error, MemoryError):
        return "There is not enough memory. Close other programs, or give a smaller file."
    library = type(error).__module__.partition(".")[0]
    if library in _LIBRARIES:
        return _LIBRARIES[library]
    if isinstance(error, OSError):
        other = f"The system refused an operation ({error.strerror or type(error).__name__}). Run `coordinator doctor`."
        return _FILES.get(error.errno or 0, other)
    return (
        f"Something happened that this program did not expect ({_place(error)}). Please report it; "
        "COORDINATOR_DEBUG=1 shows the way there, without content."
    )


def _place(error: BaseException) -> str:
    """Return kind and place of an error, both our own words."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "/coordinator/" in one.filename]
    where = f" at {ours[-1].filename.rpartition('/coordinator/')[2]}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}"
