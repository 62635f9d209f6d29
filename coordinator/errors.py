"""The errors of the product, split by what the caller can do about them.

    CoordinatorError
    ├── InvalidInput            the input must change: what, where, what to do
    ├── NotFound                nothing under that name or id
    ├── RefusedByPolicy         disclosure, access or configuration says no; nothing left the house
    ├── ConfigurationError      the operator must mend a setting, a key, an address
    ├── StoreError              the database can't be reached or used
    ├── Superseded              somebody else has taken this work over; nothing of ours was half written
    └── EhrError
        ├── TemporaryEhrError   the same request may succeed later
        └── PermanentEhrError   it will not, until something is changed

Each carries the operation, its subject (names of connections, types and places; never a person's details), and a
hint for the person who reads it at night.
"""

from typing import Self


class CoordinatorError(Exception):
    """Something that a caller or an operator can act on."""

    def __init__(self, message: str, *, operation: str = "", subject: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.operation = operation
        self.subject = subject
        self.hint = hint

    @property
    def sentence(self) -> str:
        """Return the message with its hint, as one line for a terminal."""
        message = str(self)
        return f"{message} {self.hint}".strip() if self.hint else message


class InvalidInput(CoordinatorError):
    """What came in can't be used as it is."""


class NotFound(CoordinatorError):
    """Nothing exists under that name or id."""


class RefusedByPolicy(CoordinatorError):
    """A rule of disclosure, access or configuration says no."""


class ConfigurationError(CoordinatorError):
    """A setting, key or address is missing or wrong."""


class StoreError(CoordinatorError):
    """The database can't be reached or refuses to work."""


class Superseded(CoordinatorError):
    """Somebody else has taken this work over; what was tried since was not written."""


class EhrError(CoordinatorError):
    """An EHR did not do what was asked. `code` is a word by which a program tells what is wrong, if that is known."""

    code = ""

    def coded(self, code: str) -> Self:
        """Return this error with its code."""
        self.code = code
        return self


class TemporaryEhrError(EhrError):
    """The same request may succeed later."""

    def __init__(
        self, message: str, *, operation: str = "", subject: str = "", hint: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, operation=operation, subject=subject, hint=hint)
        self.retry_after = retry_after


class PermanentEhrError(EhrError):
    """The request will not succeed until something is changed."""
