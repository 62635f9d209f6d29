"""Publishes signed heads out of reach of whoever owns the database: to a folder, an address or a mailbox.

file:/srv/heads             a file for each head, and `latest`, in a folder that others keep
https://witness.example/x   a POST of the note as text/plain
mailto:privacy@example.org  a mail by the server that COORDINATOR_SMTP names, such as smtp://mail.example.org:25
"""

import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from coordinator.audit import StoredHead
from coordinator.errors import ConfigurationError

_SECONDS = 10
_HERE = ("127.0.0.1", "::1", "localhost")


def publish(place: str, head: StoredHead, *, tenant: str, smtp: str = "") -> None:
    """Publish a head at a place. Raises ConfigurationError where that can't be done."""
    ways: dict[str, Callable[[str, StoredHead, str, str], None]] = {
        "file": _to_folder,
        "http": _to_address,
        "https": _to_address,
        "mailto": _to_mailbox,
    }
    scheme = urlsplit(place).scheme
    try:
        ways[scheme](place, head, tenant, smtp)
    except (KeyError, ValueError, OSError, URLError, smtplib.SMTPException) as problem:
        raise ConfigurationError(
            f"The head of the audit log could not be published to a {scheme or 'nameless'} place.",
            operation="publish head",
            hint="Look at COORDINATOR_AUDIT_HEADS; `coordinator audit head` publishes again.",
        ) from problem


def _to_folder(place: str, head: StoredHead, tenant: str, _smtp: str) -> None:
    folder = Path(unquote(urlsplit(place).path)) / tenant
    folder.mkdir(parents=True, exist_ok=True)
    for name in (f"{head.size:012}.head", "latest.head"):
        beside = folder / f".{name}.new"
        beside.write_text(head.note, encoding="utf-8")
        beside.replace(folder / name)


def _to_address(place: str, head: StoredHead, _tenant: str, _smtp: str) -> None:
    if urlsplit(place).scheme == "http" and urlsplit(place).hostname not in _HERE:
        raise ValueError("a head goes over https alone")
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    request = Request(place, data=head.note.encode(), headers=headers, method="POST")  # noqa: S310 - http and https alone
    with urlopen(request, timeout=_SECONDS):  # noqa: S310 - http and https alone
        return


def _to_mailbox(place: str, head: StoredHead, tenant: str, smtp: str) -> None:
    server, address = urlsplit(smtp), unquote(urlsplit(place).path)
    message = EmailMessage()
    message["From"] = message["To"] = address
    message["Subject"] = f"Audit log of {tenant}: {head.size} events"
    message.set_content(head.note)
    with smtplib.SMTP(server.hostname or "", server.port or 25, timeout=_SECONDS) as connection:
        connection.send_message(message)
