"""What must not be so in production: files that others can read, a password everybody knows, records in clear."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from coordinator.errors import ConfigurationError
from coordinator.settings import Settings
from coordinator.sync.records import EhrConnection
from coordinator.sync.tenant import Tenant

_OTHERS: Final = 0o077
# Passwords that stand in documentation, of ours, of PostgreSQL and of its images, and are tried first by whoever looks.
_KNOWN: Final = frozenset(
    {"coordinator", "postgres", "postgresql", "password", "secret", "changeme", "change-me", "example", "admin", "test"}
)
_LOCAL: Final[Mapping[str, str]] = MappingProxyType({"": "a socket", "localhost": "this machine"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsafe:
    """One thing that production refuses: what it is, and what to do."""

    what: str
    cure: str


def unsafe_settings(settings: Settings) -> Iterator[Unsafe]:
    """Yield what is unsafe in the settings and the files that they name."""
    yield from _password(settings.database_url)
    keys = settings.home / "keys"
    home = settings.home  # what lies below it nobody reaches who may not pass it
    if _is_open(home):
        yield Unsafe(what=f"Others may look into {home}.", cure=f"Take that from them: chmod 700 {home}.")
    held = sorted(one for one in keys.iterdir() if one.is_file()) if _may_list(keys) else []
    for file in held:
        if _is_open(file):
            yield Unsafe(what=f"Others may read the key file {file}.", cure=f"Take that from them: chmod 600 {file}.")


def unsafe_tenant(tenant: Tenant, connections: Iterable[EhrConnection]) -> Iterator[Unsafe]:
    """Yield what is unsafe in how a tenant is set up."""
    if tenant.control:
        yield Unsafe(
            what="This tenant was connected to a sandbox and follows its clock.",
            cure="Use a tenant of its own for production: --tenant or COORDINATOR_TENANT.",
        )
    for one in connections:
        parts = urlsplit(one.url)
        if parts.scheme == "http" and not one.private_network and not _is_loopback(parts.hostname or ""):
            yield Unsafe(
                what=f"Records of EHR {one.name} travel in clear over http.",
                cure="Register it again with https, or with --private-network where that network is closed to others.",
            )


def refuse_unsafe(found: Iterable[Unsafe]) -> None:
    """Raise ConfigurationError for the first thing that is unsafe, and say how many more there are."""
    listed = list(found)
    if not listed:
        return
    first, more = listed[0], len(listed) - 1
    rest = f" There {'is' if more == 1 else 'are'} {more} more: `coordinator doctor` tells." if more else ""
    raise ConfigurationError(f"Production does not start: {first.what}", operation="start", hint=f"{first.cure}{rest}")


def _password(url: str) -> Iterator[Unsafe]:
    try:
        parts = urlsplit(url)
        host, password = parts.hostname or "", unquote(parts.password or "")
    except ValueError:
        return  # not an address of this form; the driver says what is wrong with it
    if parts.scheme not in {"postgres", "postgresql"}:
        return
    cure = "Give the role a long random one, in a file that COORDINATOR_DATABASE_URL_FILE names."
    if password.casefold() in _KNOWN or (password and password == parts.username):
        yield Unsafe(what="The database's password is one that everybody knows.", cure=cure)
    elif parts.password == "":
        yield Unsafe(what="The database's password is empty.", cure=cure)
    elif parts.password is None and host and not _is_loopback(host) and "passfile=" not in parts.query:
        yield Unsafe(what="The database's address names no password.", cure=cure)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False  # what is not there yet is made by us, for us alone


def _may_list(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False
