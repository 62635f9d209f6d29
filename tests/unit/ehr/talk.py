"""Protocols driven without a socket: what is asked is collected, what is answered comes from a list."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from coordinator.ehr.exchange import Answer, Asked, Base, Lost, Reply
from coordinator.fhir import Page

BASE = Base(url="https://ehr.test/fhir")
JSON = {"content-type": "application/fhir+json"}
NO_ANSWER = Lost(reason="the connection broke", sent=True)
NOT_SENT = Lost(reason="can't connect", sent=False)


def answer(body: Any = b"", status: int = 200, *, fault: str = "", **headers: str) -> Answer:
    """Return an answer; a body that is no bytes goes out as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers={**(JSON if raw else {}), **named}, body=raw, fault=fault)


def a_record(
    id_: str = "g-1", type_: str = "Goal", *, version: str | None = "1", updated: str = "", **more: Any
) -> Any:
    """Return a record."""
    meta = {"versionId": version, "lastUpdated": updated}
    told = {name: value for name, value in meta.items() if value}
    return {"resourceType": type_, "id": id_, **({"meta": told} if told else {}), **more}


def an_outcome(code: str = "exception", *, severity: str = "error", vendor: str = "") -> Any:
    """Return an OperationOutcome of one issue."""
    details = {"details": {"coding": [{"code": vendor}]}} if vendor else {}
    issue = {"severity": severity, "code": code, "diagnostics": "words with a person's name", **details}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def a_page(*entries: Any, next_: str | None = None, self_: str | None = None, total: int | None = None) -> Answer:
    """Return a page of a search."""
    links = [{"relation": name, "url": url} for name, url in (("self", self_), ("next", next_)) if url]
    told = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in entries]}
    return answer(told | ({"link": links} if links else {}) | ({"total": total} if total is not None else {}))


@dataclass(frozen=True, kw_only=True)
class Talk:
    """How a protocol went."""

    result: Any
    asked: tuple[Asked, ...]
    pages: tuple[Page, ...] = ()

    @property
    def ids(self) -> list[str]:
        """Return the ids that came, in order."""
        return [json.loads(raw)["id"] for page in self.pages for raw in page.entries]

    @property
    def methods(self) -> str:
        """Return the methods that were asked, as one text."""
        return " ".join(one.method for one in self.asked)


def talk(steps: Any, *replies: Reply) -> Talk:
    """Drive a protocol with these replies; it must ask for each of them, and for no more."""
    waiting: Iterable[Reply] = iter(replies)
    asked: list[Asked] = []
    pages: list[Page] = []
    reply: Reply | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as end:
            assert list(waiting) == [], "the protocol ended before all was answered"
            return Talk(result=end.value, asked=tuple(asked), pages=tuple(pages))
        if isinstance(step, Page):
            pages.append(step)
            reply = None
            continue
        asked.append(step)
        reply = next(waiting, None)  # type: ignore[call-overload]
        assert reply is not None, f"one request too many: {step.method} {step.url}"
