"""The tables of contacts: kinds by code, modes by class and place, and what each status is worth."""

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
    """What a status says: is it a contact at all, did the person attend or miss it, is it over, are they on leave."""

    session: bool
    attended: bool
    missed: bool
    ended: bool
    away: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedWorth:
    """What the status of an Appointment says: is it a contact by itself; did the person come, None where it is open."""

    session: bool
    came: bool | None


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
    names = ("session", "attended", "missed", "ended", "away")
    rows = packaged_rows(_PACKAGE, "encounter_statuses.csv", ("status", *names, "source"))
    return {row.text("status"): StatusWorth(**{name: row.flag(name) for name in names}) for row in rows}


@cache
def appointment_statuses() -> Mapping[str, AgreedWorth]:
    """Return what each status of an Appointment is worth."""
    rows = packaged_rows(_PACKAGE, "appointment_statuses.csv", ("status", "session", "came", "source"))
    return {
        row.text("status"): AgreedWorth(
            session=row.flag("session"), came=None if row.text("came") == "open" else row.flag("came")
        )
        for row in rows
    }


@cache
def places_of_service() -> Mapping[tuple[str, str], Mode]:
    """Return in which mode care is given at a place, by the normalized system and code of the place."""
    rows = packaged_rows(_PACKAGE, "places_of_service.csv", ("system", "code", "mode", "source", "status"))
    return {(normal_system(row.text("system")), row.text("code")): mode_cell(row) for row in rows}


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
