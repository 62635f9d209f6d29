"""Searchsets and histories, page by page: what was begun stays as it was, whatever is saved meanwhile."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.fhir.json_text import dumps
from coordinator.sandbox.exchange import FHIR_JSON, Answer, Refusal, outcome
from coordinator.sandbox.personality import Personality
from coordinator.sandbox.records import Version
from coordinator.sandbox.search import Search

_MESSAGES = {
    "informational": ("information", "informational", "This answer holds what the search found."),
    "suppressed": ("warning", "suppressed", "Some kinds of records are left out: this client is not authorized."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A search or history that may have more than one page; `path` is where its further pages are."""

    type: str
    path: str
    bundle: str = "searchset"
    self_link: str
    entries: tuple[bytes, ...]
    size: int


class Pages:
    """The searches of one EHR that were begun, by the tokens in their next links."""

    def __init__(self, personality: Personality, base: str) -> None:
        self._personality = personality
        self._base = base
        self._begun: dict[str, _Begun] = {}

    def first(self, search: Search, found: Sequence[Version], *, generation: int) -> Answer:
        """Return the first page of a search, or only its total."""
        self_link = f"{self._base}/{search.type}?{search.query}".rstrip("?")
        if search.total_only:
            return _bundle(self_link, entries=(), total=len(found), next_link=None)
        begun = _Begun(
            type=search.type,
            path=search.type,
            self_link=self_link,
            entries=tuple(self._entry(search.type, version) for version in found),
            size=min(search.count or self._personality.page_cap, self._personality.page_cap),
        )
        return self._first(begun, generation)

    def history(self, place: str, told: str, versions: Sequence[Version], *, generation: int) -> Answer:
        """Return the first page of a history, newest first; `told` is the query as the self link tells it.

        It is of a type, of one record (`Type/id`), or of all there is where the place is empty.
        """
        path = f"{place}/_history".removeprefix("/")
        begun = _Begun(
            type=place.partition("/")[0],
            path=path,
            bundle="history",
            self_link=f"{self._base}/{path}?{told}".rstrip("?"),
            entries=tuple(self._event(version) for version in versions),
            size=self._personality.page_cap,
        )
        return self._first(begun, generation)

    def _first(self, begun: _Begun, generation: int) -> Answer:
        # The same search over the same records has the same token: next links do not depend on who asked before.
        told = f"{begun.self_link.removeprefix(self._base + '/')}#{generation}"
        token = hashlib.sha256(told.encode()).hexdigest()[:20]
        if len(begun.entries) > begun.size:
            self._begun[token] = begun
        return self._page(begun, token, start=0)

    def next(self, page: str, resource_type: str | None) -> Answer:
        """Return a further page; 410 for a link that was never given, as for one that has expired."""
        token, _, start = page.partition(".")
        begun = self._begun.get(token)
        if begun is None or not start.isdecimal() or resource_type not in (None, begun.type):
            raise Refusal(410, "expired", text="This page link is not known or has expired: begin the search again.")
        return self._page(begun, token, start=int(start))

    def _page(self, begun: _Begun, token: str, *, start: int) -> Answer:
        end = start + begun.size
        first = start - 1 if start and self._personality.repeats_entries else start
        entries = begun.entries[first:end]
        if self._personality.outcome_entries != "none":
            severity, code, text = _MESSAGES[self._personality.outcome_entries]
            told = dumps({"resource": outcome(severity, code, text=text), "search": {"mode": "outcome"}})
            entries = (*entries, told)
        place = f"/{begun.path}" if self._personality.page_links == "type" else ""
        next_link = f"{self._base}{place}?_page={token}.{end}" if end < len(begun.entries) else None
        total = len(begun.entries) if self._personality.total else None
        return _bundle(begun.self_link, entries=entries, total=total, next_link=next_link, kind=begun.bundle)

    def _event(self, version: Version) -> bytes:
        place = f"{version.document.type}/{version.document.id}"
        url = dumps(f"{self._base}/{place}")
        if version.deleted:
            request = dumps({"method": "DELETE", "url": place})
            return b'{"fullUrl":' + url + b',"request":' + request + b"}"
        request = dumps({"method": "PUT", "url": place})
        return b'{"fullUrl":' + url + b',"resource":' + version.document.raw + b',"request":' + request + b"}"

    def _entry(self, resource_type: str, version: Version) -> bytes:
        url = dumps(f"{self._base}/{resource_type}/{version.document.id}")
        return b'{"fullUrl":' + url + b',"resource":' + version.document.raw + b',"search":{"mode":"match"}}'


def _bundle(
    self_link: str, *, entries: Sequence[bytes], total: int | None, next_link: str | None, kind: str = "searchset"
) -> Answer:
    """Return a Bundle whose entries hold the records byte for byte."""
    links = [{"relation": "self", "url": self_link}]
    if next_link is not None:
        links.append({"relation": "next", "url": next_link})
    parts = [b'{"resourceType":"Bundle","type":' + dumps(kind)]
    if total is not None:
        parts.append(f',"total":{total}'.encode())
    parts.append(b',"link":' + dumps([dict(link) for link in links]))
    if entries:
        parts.append(b',"entry":[' + b",".join(entries) + b"]")
    return Answer(status=200, body=b"".join(parts) + b"}", headers=(FHIR_JSON,))
