"""Whom TLS trusts at one connection, and the certificate that we show there, from files that its options name."""

import ssl
from pathlib import Path

import httpx

from coordinator.errors import ConfigurationError
from coordinator.sync.records import EhrConnection


def tls_of(connection: EhrConnection) -> ssl.SSLContext | None:
    """Return what a connection's options tell of TLS; None where they tell nothing.

    `options["tls"]` may name files: `ca`, an issuer that this EHR's house has of its own, trusted here beside those of
    everybody; `cert` and `key`, the certificate that we show where an EHR asks for one (mutual TLS).
    Raises ConfigurationError for a file that can't be used.
    """
    told = connection.options.get("tls")
    if not isinstance(told, dict) or not told:
        return None
    names = {key: Path(value) for key, value in told.items() if isinstance(value, str)}
    context = httpx.create_ssl_context(trust_env=False)
    if "ca" in names:
        try:
            context.load_verify_locations(cafile=names["ca"])
        except OSError:  # also ssl.SSLError
            raise _useless(connection.name, "ca", names["ca"]) from None
    if "cert" in names:
        try:
            context.load_cert_chain(names["cert"], names.get("key"))
        except OSError:
            raise _useless(connection.name, "cert and key", names["cert"]) from None
    return context


def _useless(name: str, what: str, file: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{name}: the file {file.name} for TLS ({what}) can't be used.",
        operation="connect",
        subject=name,
        hint="Check path and permissions; it must be PEM, the key without a pass phrase and of that certificate.",
    )
