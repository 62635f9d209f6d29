"""A drawn world in which all that is somebody's holds a word found nowhere else, and an EHR that blurts it out."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from coordinator.sandbox.drawn_world import drawn_world

WORD = "zqcanary"  # in names, addresses, numbers, words
ID = "zqid"  # in ids that EHRs gave; these EHRs may be asked for what they gave
_WORDS = {
    *("text", "family", "given", "prefix", "suffix", "line", "city", "district", "postalCode", "display"),
    *("description", "title", "authorString", "patientInstruction", "instantiatesUri"),
}
_ABOUT_PEOPLE: dict[str, Any] = {
    "contact": [{"name": {"text": "Next of kin"}, "telecom": [{"system": "phone", "value": "+1-555-555-0111"}]}],
    "generalPractitioner": [{"display": "Family physician"}],
    "communication": [{"language": {"text": "Portuguese"}}],
}


class _Planted:
    """Puts the word into each string that tells of somebody, so that what was equal stays equal."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.words: dict[str, str] = {}

    def word(self, old: str) -> str:
        return self.words.setdefault(old, f"{WORD}{len(self.words)}q")

    def id(self, old: str) -> str:
        return self.ids.setdefault(old, f"{ID}{len(self.ids)}")

    def tree(self, one: Any, key: str = "", above: str = "") -> Any:
        if isinstance(one, dict):
            return {name: self.tree(value, name, key) for name, value in one.items()}
        if isinstance(one, list):
            return [self.tree(value, key, above) for value in one]
        if not isinstance(one, str) or above == "coding":
            return one
        if key == "reference":
            kind, _, rest = one.partition("/")
            return f"{kind}/{self.id(rest)}" if rest else one
        if key in _WORDS or (key == "value" and above in {"identifier", "telecom"}):
            return self.word(one)
        return one

    def record(self, record: dict[str, Any]) -> dict[str, Any]:
        told = {**record, **(_ABOUT_PEOPLE if record["resourceType"] == "Patient" else {})}
        if record["resourceType"] in {"Goal", "CarePlan", "MedicationAdministration", "MedicationRequest"}:
            told["note"] = [{"text": f"About {record['id']}", "authorString": "A counselor"}]
        return {**self.tree(told), "id": self.id(record["id"])}

    def consent(self, record: dict[str, Any]) -> dict[str, Any]:
        """Plant in whose it is and who signed; whom it names stays, or it would permit nothing."""
        return {**record, **{key: self.tree(record[key], key) for key in ("patient", "performer") if key in record}}


def planted_world(folder: Path) -> dict[str, str]:
    """Write the world; return what each word stands for."""
    planted = _Planted()
    for name, drawn in drawn_world(people=4, seed=3).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = drawn
        if name.endswith(".ndjson"):
            rows = [planted.record(json.loads(line)) for line in drawn.decode().splitlines() if line]
            content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        elif name.startswith("consents/"):
            content = json.dumps(planted.consent(json.loads(drawn))).encode()
        path.write_bytes(content)
    return {new: old for old, new in {**planted.words, **planted.ids}.items()}


_PATIENT = {
    "resourceType": "Patient",
    "id": f"{ID}-b",
    "birthDate": f"{WORD}-day",
    "gender": f"{WORD}-gender",
    "name": f"{WORD}-name",
}
_OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "processing", "diagnostics": f"{WORD} of {ID}-7 is a patient",
               "details": {"text": f"{WORD} again"}, "expression": [f"Patient.{WORD}"]}],
}  # fmt: skip
_BUNDLE = {
    "resourceType": "Bundle",
    "type": "searchset",
    "link": [{"relation": "next", "url": f"https://{WORD}.example/next?name={WORD}"}],
    "entry": [
        {"resource": _PATIENT, "fullUrl": f"https://{WORD}.example/Patient/1", "search": {"mode": WORD}},
        {"resource": {"resourceType": WORD, "id": WORD}},
    ],
}
_STATEMENT = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2026-01-01",
    "kind": "instance",
    "fhirVersion": "4.0.1",
    "format": ["json"],
    "rest": [{"mode": "server", "resource": [
        {"type": type_, "interaction": [{"code": "read"}, {"code": "search-type"}]} for type_ in ("Patient", "Goal")
    ]}],
}  # fmt: skip
BLURTS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "outcome400": (400, {}, json.dumps(_OUTCOME).encode()),
    "outcome403": (403, {"WWW-Authenticate": f'Bearer error="{WORD}", error_description="{WORD}"'},
                   json.dumps(_OUTCOME).encode()),
    "outcome500": (500, {}, json.dumps(_OUTCOME).encode()),
    "outcome200": (200, {}, json.dumps(_OUTCOME).encode()),
    "page500": (500, {"Content-Type": "text/html"}, f"<html>{WORD} was not found</html>".encode()),
    "broken": (200, {}, f'{{"resourceType": "Bundle", "{WORD}": "{WORD}'.encode()),
    "bundle": (200, {}, json.dumps(_BUNDLE).encode()),
    "moved": (302, {"Location": f"/{WORD}/Patient?name={WORD}"}, b""),
    "wait": (429, {"Retry-After": WORD}, json.dumps(_OUTCOME).encode()),
    "typed": (200, {"Content-Type": f"application/{WORD}"}, f'"{WORD}"'.encode()),
}  # fmt: skip


@contextmanager
def blurting() -> Iterator[tuple[dict[str, str], list[str]]]:
    """Serve an EHR for each way of blurting; yield their bases, and the request lines that came."""
    asked: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            name = self.path.split("/")[1]
            statement = json.dumps(_STATEMENT).encode()
            status, headers, body = BLURTS.get(name, (404, {}, b""))
            if self.path.endswith("/metadata"):
                status, headers, body = 200, {}, statement
            self.send_response(status)
            for key, value in {"Content-Type": "application/fhir+json", **headers}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {name: f"{base}/{name}/fhir" for name in BLURTS}, asked
    finally:
        server.shutdown()
        server.server_close()
