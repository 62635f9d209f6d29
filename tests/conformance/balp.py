"""A small judge of the Basic Audit Log Patterns: the constraints of the profiles themselves, read from their files.

It knows what these profiles use: cardinality, patterns, required bindings, slices by `type` or by the whole, closed
slicing, and the one invariant that an agent is the source of the event.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "fixtures/fhir/profiles/balp"


def faults(event: Mapping[str, Any], profile: str) -> list[str]:
    """Return what keeps an event from being one of the profile, all that it is derived from included."""
    return [fault for rules in _chain(profile) for fault in _Judge(rules).faults(event)]


@cache
def _chain(url: str) -> tuple[dict[str, dict[str, Any]], ...]:
    """Return the rules of a profile, by element, those of its bases first."""
    definition = _files().get(url)
    if definition is None:
        assert url == "http://hl7.org/fhir/StructureDefinition/AuditEvent", f"unknown profile {url}"
        return ()
    merged: dict[str, dict[str, Any]] = {}
    for rules in _chain(definition["baseDefinition"])[-1:]:
        merged |= rules
    for one in definition["differential"]["element"]:
        merged[one["id"]] = {**merged.get(one["id"], {}), **one}
    return (merged,)


@cache
def _files() -> dict[str, dict[str, Any]]:
    return {one["url"]: one for one in (json.loads(file.read_bytes()) for file in sorted(FOLDER.iterdir()))}


@cache
def _codes(value_set: str) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for part in _files()[value_set]["compose"]["include"]:
        concepts = part.get("concept") or _files()[part["system"]]["concept"]
        found |= {(part["system"], one["code"]) for one in concepts}
    return frozenset(found)


class _Judge:
    def __init__(self, rules: dict[str, dict[str, Any]]) -> None:
        self._rules = rules

    def faults(self, event: Mapping[str, Any]) -> Iterator[str]:
        for id_, rule in self._rules.items():
            yield from self._told(event, id_, rule)

    def _told(self, event: Mapping[str, Any], id_: str, rule: Mapping[str, Any]) -> Iterator[str]:
        parts = id_.split(".")[1:]
        if not parts:
            return
        holders, whole = self._holders(event, parts[:-1])
        for holder in holders:
            values = self._values(holder, whole, parts[-1])
            if len(values) < rule.get("min", 0):
                yield f"{id_}: {len(values)} are there, at least {rule['min']} must be"
            if rule.get("max", "*") != "*" and len(values) > int(rule["max"]):
                yield f"{id_}: {len(values)} are there, at most {rule['max']} may be"
            for value in values:
                yield from self._of_value(event, id_, rule, value)
            if rule.get("slicing", {}).get("rules") == "closed":
                yield from self._strangers(id_, values)

    def _of_value(self, event: Mapping[str, Any], id_: str, rule: Mapping[str, Any], value: Any) -> Iterator[str]:
        for pattern in [one for name, one in rule.items() if name.startswith("pattern")]:
            if not _fits(value, pattern):
                yield f"{id_}: is not {pattern}"
        if not _is_bound(rule, value):
            yield f"{id_}: is not of {rule['binding']['valueSet']}"
        for one in rule.get("constraint", []):
            assert one["key"] == "val-audit-source"
            if value.get("who") != event["source"]["observer"]:
                yield f"{id_}: is not the source of the event"

    def _holders(self, event: Mapping[str, Any], parts: Sequence[str]) -> tuple[list[Any], str]:
        holders: list[Any] = [event]
        whole = "AuditEvent"
        for part in parts:
            holders = [value for holder in holders for value in self._values(holder, whole, part)]
            whole = f"{whole}.{part}"
        return holders, whole

    def _values(self, holder: Any, whole: str, part: str) -> list[Any]:
        name, _, slice_ = part.partition(":")
        held = holder.get(name) if isinstance(holder, dict) else None
        values = held if isinstance(held, list) else [] if held is None else [held]
        return [one for one in values if not slice_ or self._is_in(f"{whole}.{part}", one)]

    def _is_in(self, slice_: str, value: Any) -> bool:
        by_type = self._rules.get(f"{slice_}.type")
        rule, judged = (by_type, value.get("type")) if by_type else (self._rules[slice_], value)
        patterns = [one for name, one in rule.items() if name.startswith("pattern")]
        return all(_fits(judged, one) for one in patterns) and _is_bound(rule, judged)

    def _strangers(self, id_: str, values: Sequence[Any]) -> Iterator[str]:
        slices = [one for one in self._rules if one.startswith(f"{id_}:") and "." not in one[len(id_) + 1 :]]
        for value in values:
            if not any(self._is_in(one, value) for one in slices):
                yield f"{id_}: {value.get('type')} is of no slice, and no other may be there"


def _fits(value: Any, pattern: Any) -> bool:
    match pattern:
        case dict():
            return isinstance(value, dict) and all(_fits(value.get(name), one) for name, one in pattern.items())
        case list():
            return isinstance(value, list) and all(any(_fits(each, one) for each in value) for one in pattern)
        case _:
            return bool(value == pattern)


def _is_bound(rule: Mapping[str, Any], value: Any) -> bool:
    binding = rule.get("binding", {})
    if binding.get("strength") != "required":
        return True
    codings = value.get("coding", [value]) if isinstance(value, dict) else []
    return any((one.get("system"), one.get("code")) in _codes(binding["valueSet"]) for one in codings)
