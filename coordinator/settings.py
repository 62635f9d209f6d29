"""Settings from the environment: where our files and the database are, which tenant, which mode."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coordinator.errors import ConfigurationError

DEFAULT_TENANT = "default"
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. An empty `database_url` means the embedded PostgreSQL in `home`.

    `master_key` is the file of the key under which all is sealed; where none is named it is one of its own in `home`.
    `traces` is where spans are sent by OTLP over HTTP; none are made where it is empty. `audit_heads` are the places
    where signed heads of the audit log are published, `smtp` the server by which a head goes to a mailbox.
    """

    home: Path
    tenant: str = DEFAULT_TENANT
    database_url: str = ""
    production: bool = False
    is_home_given: bool = False
    traces: str = ""
    audit_heads: tuple[str, ...] = ()
    smtp: str = ""
    master_key: Path | None = None


def read_settings(environment: Mapping[str, str], *, tenant: str = "") -> Settings:
    """Return the settings. Raises ConfigurationError for a name or a secret file that can't be used."""
    named = tenant or environment.get("COORDINATOR_TENANT") or DEFAULT_TENANT
    if not _TENANT.fullmatch(named):
        raise ConfigurationError(
            "This can't be the name of a tenant.",
            hint="Use letters, digits, dots, hyphens and underscores, at most 63, beginning with a letter or digit.",
        )
    home = environment.get("COORDINATOR_HOME") or str(_default_home(environment))
    return Settings(
        home=Path(home).expanduser().absolute(),
        tenant=named,
        database_url=_secret(environment, "COORDINATOR_DATABASE_URL"),
        production=environment.get("COORDINATOR_ENV", "").casefold() == "production",
        is_home_given=bool(environment.get("COORDINATOR_HOME")),
        traces=_traces(environment),
        audit_heads=tuple(environment.get("COORDINATOR_AUDIT_HEADS", "").split()),
        smtp=environment.get("COORDINATOR_SMTP", ""),
        master_key=_path(environment, "COORDINATOR_MASTER_KEY_FILE"),
    )


def settings_of_process(*, tenant: str = "") -> Settings:
    """Return the settings of this process."""
    return read_settings(os.environ, tenant=tenant)


def is_debug() -> bool:
    """Say whether the operator wants to see where an error came from."""
    return os.environ.get("COORDINATOR_DEBUG", "") == "1"


def _default_home(environment: Mapping[str, str]) -> Path:
    data = environment.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "coordinator"


def _traces(environment: Mapping[str, str]) -> str:
    """Return where traces go: our own word, else OpenTelemetry's, of which the general one is a base (OTLP 1.x)."""
    if environment.get("OTEL_SDK_DISABLED", "").casefold() == "true":
        return ""
    whole = environment.get("COORDINATOR_TRACES_ENDPOINT") or environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if whole:
        return whole
    base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return f"{base.rstrip('/')}/v1/traces" if base else ""


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    named = environment.get(name)
    return Path(named).expanduser().absolute() if named else None


def _secret(environment: Mapping[str, str], name: str) -> str:
    """Return a value, or the content of the file that NAME_FILE names: secrets come as files."""
    path = environment.get(f"{name}_FILE")
    if not path:
        return environment.get(name, "")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        raise ConfigurationError(
            f"The file named by {name}_FILE can't be read.", hint="Name a file that this user can read."
        ) from None
