"""The tables of contacts: kinds by code, modes by class, and what each status is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import get_args

from coordinator.care.csv_table import Row, packaged_rows
from coordinator.care.session.model import Kind, Mode
from coordinator.fhir import normal_system

_PACKAGE = "coordinator.care.session"
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
_MODES: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMeaning:
    """What the class of an Encounter says: the mode, and the kind where no code tells more."""

    mode: Mode
    kind: Kind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWorth:
    """What a status says: did the person attend, is the contact over."""

    attended: bool
    ended: bool


@cache
def session_kinds() -> Mapping[tuple[str, str], Kind]:
    """Return the kinds by normalized system and code."""
    rows = packaged_rows(_PACKAGE, "session_kinds.csv", ("system", "code", "kind", "source", "status"))
    return {(normal_system(row.text("system")), row.text("code")): kind_cell(row) for row in rows}


@cache
def encounter_modes() -> Mapping[str, ClassMeaning]:
    """Return what each class of Encounter says."""
    rows = packaged_rows(_PACKAGE, "encounter_modes.csv", ("code", "mode", "kind", "source"))
    return {
        row.text("code"): ClassMeaning(mode=mode_cell(row), kind=kind_cell(row) if row.optional("kind") else None)
        for row in rows
    }


@cache
def encounter_statuses() -> Mapping[str, StatusWorth]:
    """Return what each status of an Encounter is worth."""
    rows = packaged_rows(_PACKAGE, "encounter_statuses.csv", ("status", "attended", "ended", "source"))
    return {row.text("status"): StatusWorth(attended=row.flag("attended"), ended=row.flag("ended")) for row in rows}


def kind_cell(row: Row) -> Kind:
    """Return the kind that a line names."""
    kind = _KINDS.get(row.text("kind"))
    if kind is None:
        raise row.bad("kind", f"is none of: {', '.join(_KINDS)}")
    return kind


def mode_cell(row: Row) -> Mode:
    """Return the mode that a line names."""
    mode = _MODES.get(row.text("mode"))
    if mode is None:
        raise row.bad("mode", f"is none of: {', '.join(_MODES)}")
    return mode
