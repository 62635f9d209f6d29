"""The control address of a served world: its clock, its request logs, its faults, its registered clients."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from coordinator.errors import CoordinatorError, InvalidInput, NotFound
from coordinator.fhir.json_text import Json, parse
from coordinator.sandbox.exchange import Answer, Asked, answer_json
from coordinator.sandbox.served_world import ServedWorld
from coordinator.sandbox.toml_file import instant_in


class Control:
    """Answers at the control address; the path is what stands below it."""

    def __init__(self, served: ServedWorld) -> None:
        self._served = served

    def answer(self, asked: Asked) -> Answer:
        """Return the answer; what is wrong becomes a sentence with status 400 or 404."""
        try:
            return answer_json(200, self._routed(asked))
        except NotFound as trouble:
            return _trouble(404, trouble)
        except InvalidInput as trouble:
            return _trouble(400, trouble)

    def _routed(self, asked: Asked) -> Json:
        match (asked.method, asked.path.strip("/")):
            case ("GET", "clock"):
                return self._now()
            case ("POST", "clock"):
                return self._moved(_body_of(asked, {"now"}))
            case ("GET", "log"):
                name = parse_qs(asked.query).get("ehr", [""])[0]
                return [row.told() for row in self._served.log(name)]
            case ("POST", "fault"):
                fault = _body_of(asked, None)
                self._served.ehr(_text(fault, "ehr")).faults.add(fault)
                return dict(fault)
            case ("POST", "client"):
                return self._registered(_body_of(asked, {"ehr", "client_id", "jwks", "secret"}))
            case ("GET", "jwks"):
                told = {key: values[0] for key, values in parse_qs(asked.query).items()}
                return self._served.ehr(told.get("ehr", "")).smart.public_keys(told.get("client_id", ""))
            case (method, path):
                raise NotFound(
                    f"There is no {method} {path or '/'} here.",
                    operation="sandbox control",
                    hint="GET clock, POST clock, GET log?ehr=NAME, POST fault, POST client, GET jwks?ehr=&client_id=.",
                )

    def _now(self) -> dict[str, Json]:
        return {"now": self._served.clock.now().isoformat()}

    def _moved(self, body: Mapping[str, Json]) -> dict[str, Json]:
        to = instant_in(body.get("now"))
        if to is None:
            raise InvalidInput(
                "'now' must be an instant with a zone.", operation="move clock", hint='As in "2026-04-07T12:00:00Z".'
            )
        self._served.move(to)
        return self._now()

    def _registered(self, body: Mapping[str, Json]) -> dict[str, Json]:
        ehr = self._served.ehr(_text(body, "ehr"))
        client_id = _text(body, "client_id")
        if "secret" in body:
            ehr.smart.register_secret(client_id, _text(body, "secret"))
        else:
            ehr.smart.register(client_id, body.get("jwks"))
        return {"client_id": body["client_id"], "token_endpoint": ehr.smart.token_endpoint}


def _body_of(asked: Asked, known: set[str] | None) -> dict[str, Json]:
    body = parse(asked.body)
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object.", operation="sandbox control")
    for key in body:
        if known is not None and key not in known:
            hint = f"Known here: {', '.join(sorted(known))}."
            raise InvalidInput(f"Unknown key {key!r}.", operation="sandbox control", hint=hint)
    return body


def _text(body: Mapping[str, Json], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{key!r} must be a text.", operation="sandbox control")
    return value


def _trouble(status: int, trouble: CoordinatorError) -> Answer:
    return answer_json(status, {"error": str(trouble), "hint": trouble.hint})
