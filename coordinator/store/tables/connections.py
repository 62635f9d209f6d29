"""A connection to an EHR as JSON, the way it is kept: its parts are read and written whole, never asked for alone."""

from collections.abc import Mapping
from typing import cast

from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from coordinator.fhir import Json, canonical
from coordinator.store.tables.session import json_object
from coordinator.sync.records import EhrConnection, SmartAuth

_TEXTS = ("name", "url", "organization", "roster")
_FLAGS = ("sandbox", "private_network")


def connection_bytes(connection: EhrConnection) -> bytes:
    """Return a connection as JSON."""
    value: dict[str, Json] = {name: getattr(connection, name) for name in (*_TEXTS, *_FLAGS)}
    value["patients"] = list(connection.patients)
    value["smart"] = None if connection.smart is None else _smart_json(connection.smart)
    value["mapping"] = [_row_json(row) for row in connection.mapping]
    value["options"] = dict(connection.options)
    value["profile"] = dict(connection.profile)
    return canonical(value)


def read_connection(raw: bytes) -> EhrConnection:
    """Return a connection from its JSON."""
    value = json_object(raw)
    smart = value["smart"]
    return EhrConnection(
        name=_text(value, "name"),
        url=_text(value, "url"),
        organization=_text(value, "organization"),
        roster=_text(value, "roster"),
        patients=_texts(value, "patients"),
        smart=_read_smart(smart) if isinstance(smart, dict) else None,
        mapping=tuple(_read_row(cast("dict[str, Json]", row)) for row in cast("list[Json]", value["mapping"])),
        sandbox=bool(value["sandbox"]),
        private_network=bool(value["private_network"]),
        options=cast("dict[str, Json]", value["options"]),
        profile=cast("dict[str, Json]", value["profile"]),
    )


def _smart_json(smart: SmartAuth) -> dict[str, Json]:
    return {
        "client_id": smart.client_id,
        "key_id": smart.key_id,
        "scopes": list(smart.scopes),
        "token_url": smart.token_url,
        "audience": smart.audience,
        "jwks_url": smart.jwks_url,
        "method": smart.method,
    }


def _read_smart(value: Mapping[str, Json]) -> SmartAuth:
    return SmartAuth(
        client_id=_text(value, "client_id"),
        key_id=_text(value, "key_id"),
        scopes=_texts(value, "scopes"),
        token_url=_text(value, "token_url"),
        **{name: _text(value, name) for name in ("audience", "jwks_url", "method") if name in value},
    )


def _row_json(row: MappingRow) -> dict[str, Json]:
    return {
        "type": row.type,
        "path": list(row.path),
        "system": row.system,
        "value": row.value,
        "concept": row.concept,
        "edition": None if row.edition is None else row.edition.value,
        "code": row.code,
        "role": row.role.value,
        "organization": row.organization,
    }


def _read_row(value: Mapping[str, Json]) -> MappingRow:
    return MappingRow(
        type=_text(value, "type"),
        path=_texts(value, "path"),
        system=_optional(value, "system"),
        value=_text(value, "value"),
        concept=_text(value, "concept"),
        edition=None if value["edition"] is None else Edition(value["edition"]),
        code=_text(value, "code"),
        role=Role(value["role"]),
        organization=_optional(value, "organization"),
    )


def _text(value: Mapping[str, Json], name: str) -> str:
    return cast("str", value[name])


def _optional(value: Mapping[str, Json], name: str) -> str | None:
    return cast("str | None", value[name])


def _texts(value: Mapping[str, Json], name: str) -> tuple[str, ...]:
    return tuple(cast("list[str]", value[name]))
