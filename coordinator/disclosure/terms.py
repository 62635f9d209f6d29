"""What a tenant and its people have decided beside the consents, out of the tenant's options and the decisions."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

from coordinator.access import Agreement, StateRule, Terms
from coordinator.errors import ConfigurationError
from coordinator.fhir import Json
from coordinator.reconcile import Decision

CONFLICT = "consent.conflict"
UNVERIFIED = "consent.unverified"


def terms_of(options: Mapping[str, Json], decisions: Iterable[Decision] = ()) -> Terms:
    """Return the terms by which is decided. Raises ConfigurationError for an option that can't be read."""
    decided = sorted(decisions, key=lambda one: one.decided_at)
    return Terms(
        agreements=tuple(_agreement(one) for one in _rows(options, "agreements")),
        answers=_answers(decided),
        stricter=tuple(_state_rule(one) for one in _rows(options, "state_rules")),
        signs_alone_from=_age(options.get("minor_signs_alone_from")),
        checked=_checked(decided),
    )


def _answers(decided: Iterable[Decision]) -> Mapping[frozenset[str], str]:
    """Return which consent counts among several, the last answer last."""
    last: dict[frozenset[str], str] = {}
    for one in decided:
        if one.code == CONFLICT:
            asked = frozenset(_texts(one.facts.get("consents")))
            last.pop(asked, None)
            last[asked] = str(one.value.get("accept"))
    return last


def _checked(decided: Iterable[Decision]) -> Mapping[str, bool]:
    """Return what the last answer says of each consent whose signature was looked at."""
    last: dict[str, bool] = {}
    for one in decided:
        if one.code == UNVERIFIED:
            last |= dict.fromkeys(_texts(one.facts.get("consents")), one.value.get("verified") is True)
    return last


def _agreement(row: Mapping[str, Json]) -> Agreement:
    return Agreement(
        organization=_text(row, "organization", of="agreements"),
        purpose=_text(row, "purpose", of="agreements"),
        start=_day(row, "from"),
        end=_day(row, "until"),
        reference=_text(row, "reference", of="agreements"),
    )


def _state_rule(row: Mapping[str, Json]) -> StateRule:
    label, code, purpose = (str(row.get(name) or "") for name in ("label", "code", "purpose"))
    if not (label or code or purpose):
        raise _bad("state_rules", "names no label, code or purpose")
    needs: Literal["never", "specific"] = "specific" if row.get("needs") == "specific" else "never"
    return StateRule(
        state=_text(row, "state", of="state_rules"),
        label=label,
        code=code,
        purpose=purpose,
        needs=needs,
        source=_text(row, "source", of="state_rules"),
    )


def _age(value: Json) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise _bad("minor_signs_alone_from", "is no age in years")


def _rows(options: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    value = options.get(name)
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return [one for one in value if isinstance(one, dict)]
    raise _bad(name, "is no list of tables")


def _text(row: Mapping[str, Json], name: str, *, of: str) -> str:
    value = row.get(name)
    if isinstance(value, str) and value:
        return value
    raise _bad(of, f"has a row without {name}")


def _day(row: Mapping[str, Json], name: str) -> date:
    try:
        return date.fromisoformat(_text(row, name, of="agreements"))
    except ValueError:
        raise _bad("agreements", f"has a row whose {name} is no day") from None


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _bad(option: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The tenant's option {option} {what}.",
        operation="read tenant's terms",
        subject=option,
        hint="docs/reference/consent.md shows how it is written.",
    )
