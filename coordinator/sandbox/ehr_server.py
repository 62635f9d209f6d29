"""One simulated EHR: routes a FHIR request, refuses what its personality does not offer, answers the rest."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from coordinator.fhir.dates import instant_in
from coordinator.sandbox.capability import Offer, Stated, statement
from coordinator.sandbox.exchange import FHIR_JSON, Answer, Asked, Refusal, answer_json, answer_refusal
from coordinator.sandbox.export import Exports
from coordinator.sandbox.faults import Faults
from coordinator.sandbox.pages import Pages
from coordinator.sandbox.personality import Personality
from coordinator.sandbox.records import Records, Version
from coordinator.sandbox.search import found_by, read_search
from coordinator.sandbox.smart import Smart
from coordinator.sandbox.world import EhrOfWorld
from coordinator.sandbox.world_clock import WorldClock
from coordinator.sandbox.writes import Writes

_INTERACTIONS = {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class SimulatedEhr:
    """Answers as one EHR of a world; `address` is its own, the FHIR base lies below it."""

    def __init__(self, ehr: EhrOfWorld, clock: WorldClock, *, address: str) -> None:
        self.name = ehr.name
        self.base = f"{address}/fhir"
        self.faults = Faults()
        self.records = Records(ehr, now=clock.now(), zone=clock.zone)
        self.smart = Smart(ehr.personality, clock, issuer=address, base=self.base)
        self.personality: Personality = ehr.personality
        self._clock = clock
        self._offers: Mapping[str, Offer] = ehr.personality.offers
        self._pages = Pages(ehr.personality, self.base)
        self.exports = Exports(ehr.personality, self.records, clock=clock, base=self.base)
        self._writes = Writes(ehr.personality, self.records, clock=clock, base=self.base)

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request whose path is below this EHR's address."""
        try:
            return self._routed(asked)
        except Refusal as refusal:
            return answer_refusal(refusal)

    def _routed(self, asked: Asked) -> Answer:
        parts = [part for part in asked.path.split("/") if part]
        match (asked.method, parts):
            case ("POST", ["oauth", "token"]) if self.smart.has_tokens:
                return self.smart.token(asked)
            case ("GET", ["fhir", ".well-known", "smart-configuration"]) if self.smart.has_tokens:
                return answer_json(200, self.smart.configuration())
            case ("GET", ["fhir", "metadata"]):
                return self._statement()
            case ("GET", ["fhir"]) if (page := _page_of(asked)) is not None:
                self._check(asked, None, interaction=None)
                return self._pages.next(page, None)
            case ("GET", ["fhir", "_history"]) if self.personality.system_history:
                self._check(asked, None, interaction=None)
                return self._history(asked, "", kinds=self._offers)
            case ("GET", ["fhir", "$export"]):
                self._check(asked, None, interaction=None)
                return self.exports.start(asked, "system")
            case (method, ["fhir", "$export-job", *rest]):
                self._check(asked, None, interaction=None)
                return self.exports.answer(method, rest)
            case (_, ["fhir", kind, *rest]):
                return self._of_type(asked, kind, rest=rest)
            case _:
                raise Refusal(404, "not-found", text="There is nothing at this address.")

    def _of_type(self, asked: Asked, kind: str, *, rest: list[str]) -> Answer:
        match (asked.method, rest):
            case ("GET", []):
                if not self.personality.get_search and _page_of(asked) is None:
                    raise Refusal(405, "not-supported", text="Searches go by POST here.")
                return self._search(asked, kind, query=asked.query)
            case ("POST", ["_search"]) if self.personality.post_search:
                return self._search(
                    asked, kind, query="&".join(filter(None, (asked.query, asked.body.decode("utf-8"))))
                )
            case ("POST", []):
                return self._writes.create(self._offer(asked, kind, interaction="create"), asked)
            case ("GET", ["_history"]):
                self._offer(asked, kind, interaction="history-type")
                return self._history(asked, kind, kinds=[kind])
            case ("GET", [record_id, "_history"]):
                self._offer(asked, kind, interaction="history-instance")
                versions = self.records.of(kind, record_id)
                if not versions:
                    raise Refusal(404, "not-found", text="There is no record with this id.")
                return self._pages.history(f"{kind}/{record_id}", "", versions, generation=self.records.generation)
            case ("GET", ["$export"]) if kind == "Patient":
                self._check(asked, None, interaction=None)
                return self.exports.start(asked, kind)
            case ("GET", [group, "$export"]) if kind == "Group":
                self._check(asked, None, interaction=None)
                return self.exports.start(asked, kind, group=group)
            case ("GET", [record_id, "_history", number]):
                offer = self._offer(asked, kind, interaction="vread")
                return self._read(self.records.version(offer.type, record_id, number=number))
            case ("GET" | "PUT" | "PATCH" | "DELETE", [record_id]):
                return self._of_record(asked, kind, record_id=record_id)
            case _:
                self._offer(asked, kind, interaction=None)
                raise Refusal(
                    self.personality.refusal_status, "not-supported", text="This EHR offers no such operation."
                )

    def _of_record(self, asked: Asked, kind: str, *, record_id: str) -> Answer:
        offer = self._offer(asked, kind, interaction=_INTERACTIONS[asked.method])
        if asked.method in ("PUT", "PATCH") and self._is_contested(kind, record_id):
            raise self._writes.somebody_saves_first(kind, record_id)
        match asked.method:
            case "PUT":
                return self._writes.update(offer, record_id, asked=asked)
            case "PATCH":
                return self._writes.patch(offer, record_id, asked=asked)
            case "DELETE":
                return self._writes.delete(offer, record_id, asked=asked)
            case _:
                return self._read(self.records.current(kind, record_id))

    def _is_contested(self, kind: str, record_id: str) -> bool:
        current = self.records.current(kind, record_id)
        return current is not None and not current.deleted and self.faults.conflicts(kind)

    def _offer(self, asked: Asked, kind: str, *, interaction: str | None) -> Offer:
        """Return the offer of a type once token, type and interaction are allowed."""
        offer = self._offers.get(kind)
        self._check(asked, kind if offer is not None else None, interaction=interaction)
        if offer is None:
            raise Refusal(404, "not-supported", text=f"This EHR does not serve {kind}.")
        if interaction is not None and interaction not in offer.interactions:
            text = f"This EHR does not offer {interaction} of {kind}."
            raise Refusal(self.personality.refusal_status, "not-supported", text=text)
        return offer

    def _check(self, asked: Asked, kind: str | None, *, interaction: str | None) -> None:
        if self.personality.smart:
            self.smart.check(asked, kind, interaction=interaction)

    def _read(self, version: Version | None) -> Answer:
        if version is None:
            raise Refusal(404, "not-found", text="There is no record with this id.")
        if version.deleted:
            if self.personality.deleted == 404:
                raise Refusal(404, "not-found", text="There is no record with this id.")  # as if it had never been
            raise Refusal(410, "deleted", text="This record was deleted.")
        headers = (("etag", f'W/"{version.number}"'),) if self.personality.version_ids else ()
        return Answer(status=200, body=version.document.raw, headers=(FHIR_JSON, *headers))

    def _search(self, asked: Asked, kind: str, *, query: str) -> Answer:
        offer = self._offer(asked, kind, interaction="search-type")
        if (page := _page_of(asked)) is not None:
            return self._pages.next(page, kind)
        refuse_unknown = self.personality.unknown_parameters == "refused"
        search = read_search(offer, query, refuse_unknown=refuse_unknown, ignores=self.personality.ignores)
        found = found_by(search, self._shown(kind), zone=self._clock.zone)
        return self._pages.first(search, found, generation=self.records.generation)

    def _shown(self, kind: str) -> Iterator[Version]:
        """Return what a search sees of a type: all that lives, or what the index has come to."""
        lag = self.personality.search_lag_seconds
        if not lag:
            return self.records.living(kind)
        return self.records.visible(kind, until=self._clock.now() - timedelta(seconds=lag))

    def _history(self, asked: Asked, place: str, *, kinds: Iterable[str]) -> Answer:
        if (page := _page_of(asked)) is not None:
            return self._pages.next(page, place or None)
        since = dict(parse_qsl(asked.query)).get("_since")
        at = None
        if since is not None and (at := instant_in(since)) is None:
            raise Refusal(400, "value", text="_since must be an instant.")
        versions = self.records.since(kinds, at)
        told = urlencode({"_since": since}) if since else ""
        return self._pages.history(place, told, versions, generation=self.records.generation)

    def _statement(self) -> Answer:
        told = Stated(
            base=self.base,
            now=self._clock.now().isoformat(timespec="seconds"),
            token_endpoint=self.smart.token_endpoint if self.smart.has_tokens else None,
            exports=self.personality.export,
            system_history=self.personality.system_history,
            fhir_version=self.personality.fhir_version,
        )
        answer = answer_json(200, statement(self._offers, told))
        return Answer(status=answer.status, body=answer.body, headers=(FHIR_JSON,))


def _page_of(asked: Asked) -> str | None:
    return dict(parse_qsl(asked.query)).get("_page")
