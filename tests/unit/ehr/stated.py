"""Builders of CapabilityStatements: only what matters is written at the call."""

import json
from typing import Any

from coordinator.ehr.capability import Statement, read_statement


def a_type(type_: str, interactions: str, *, parameters: str = "", **more: Any) -> dict[str, Any]:
    """Return what a statement says of a type."""
    told: dict[str, Any] = {"type": type_, "interaction": [{"code": code} for code in interactions.split()]}
    if parameters:
        told["searchParam"] = [{"name": name} for name in parameters.split()]
    return {**told, **more}


def stated(*types: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Return a statement as JSON."""
    told = {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": "An EHR"},
        "rest": [{"mode": "server", "resource": list(types)}],
        **changed,
    }
    return {name: value for name, value in told.items() if value is not None}


def a_statement(*types: dict[str, Any], **changed: Any) -> Statement:
    """Return a statement as facts."""
    return read_statement(json.dumps(stated(*types, **changed)).encode())
