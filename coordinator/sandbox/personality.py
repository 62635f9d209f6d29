"""How one simulated EHR behaves: what it offers, how it versions, what it refuses, drops and leaves unsaid.

Keys of `ehr.toml` beside `organization` and `part2`; where a key is absent, a real EHR named by `capability` decides
(tables/quirks.csv), else the first word given here.

    capability             table of types with interactions, or the name of a real EHR: "epic-r4"
    if_match               "ignored" | "honored" | "required" | "advertised"
    conflict_status        412 | 409: the answer to a stale If-Match
    version_ids            true | false: meta.versionId and ETag
    last_updated           "1s" | "1ms" | "day" | "none": the precision of meta.lastUpdated
    last_updated_search    false | true: whether a table of types also offers _lastUpdated
    ignores                []: search parameters that are declared and ignored without a word
    search_lag_seconds     0: after how long a search shows every other save, as where an index has two workers
    unstamped              []: types of which a save leaves meta.lastUpdated as it was
    page_cap               50: most entries on a page
    page_links             "type" | "base": where next links lead, Type?_page=… or ?_page=…
    patient_required       false | true: no search without a patient
    patient_required_of    []: types of which there is no search without a patient, where others have one
    post_search            false | true: POST Type/_search is answered
    get_search             true | false: a search by GET is answered; else 405, as behind a gateway that logs addresses
    storable               {"Type.path" = [values]}: a write with another value is answered 422
    drops                  ["Type.path"]: lost on each write, without a word
    rewrites               {"Type.path" = "upper" | "lower" | "markup" | "cut"}: texts that each write puts otherwise
    recreates_goals        false | true: each save of a CarePlan makes its goals anew, with new ids
    answer                 "body" | "empty": what a successful write answers with
    location               "history" | "plain": the Location of a create, with version or without
    total                  true | false: whether a searchset tells its total
    repeats_entries        false | true: each further page begins with the last entry of the page before
    outcome_entries        "none" | "informational" | "suppressed": an OperationOutcome among the entries
    system_history         false | true: _history of all types together is offered
    unknown_parameters     "ignored" | "refused"
    refusal_status         405 | 403 | 404 | 501: the answer to an interaction that is not offered
    deleted                410 | 404: the answer to reading what was deleted
    conditional_create     false | true: If-None-Exist is honored
    update_creates         false | true: an update of an unknown id creates
    export                 []: which bulk exports it offers: "system", "Patient", "Group"
    export_polls           1: how often a job says that it is not done
    export_errors          false | true: a finished job tells of an error
    export_cuts            false | true: each file is cut off in the middle the first time that it is fetched
    smart                  false | true: asks for a token of SMART Backend Services
    token_seconds          300: how long a token lives, by the world's clock
    granted_scopes         []: the most that a token is granted; all that is asked where empty
    scope_versions         ["v1", "v2"]: the versions of SMART scopes that it grants; others are dropped without a word
    audience               "token" | "issuer" | "base": what the aud of an assertion must be
    client_auth            "private_key_jwt" | "client_secret_basic" | "client_secret_post" | "basic": how clients show
                           who they are; "basic" is a server without tokens that takes name and password
    fhir_version           "4.0.1": what its statement tells
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any

from coordinator.sandbox.capability import (
    INTERACTIONS,
    Offer,
    offer_from_table,
    offers_of,
    personalities,
    with_patient_required,
)
from coordinator.sandbox.table_files import rows_of
from coordinator.sandbox.toml_file import Table

REWRITINGS = ("upper", "lower", "markup", "cut")


class IfMatch(Enum):
    """What an EHR makes of the If-Match of an update."""

    IGNORED = "ignored"
    """The header is not looked at."""
    HONORED = "honored"
    """A stale one is refused, none is accepted."""
    REQUIRED = "required"
    """A stale one is refused, none is answered with 412."""
    ADVERTISED = "advertised"
    """The statement says that it is honored, and it is not looked at."""


class Precision(Enum):
    """How finely an EHR tells when a record was last changed."""

    SECOND = "1s"
    """To the second."""
    MILLISECOND = "1ms"
    """To the millisecond."""
    DAY = "day"
    """To the day: each record seems changed at midnight."""
    NONE = "none"
    """Not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """How one EHR behaves; the fields are the keys of `ehr.toml`, explained at the top of this module."""

    organization: str
    part2: bool
    capability: str = "table"
    offers: Mapping[str, Offer]
    if_match: IfMatch = IfMatch.IGNORED
    conflict_status: int = 412
    version_ids: bool = True
    last_updated: Precision = Precision.SECOND
    ignores: tuple[str, ...] = ()
    unstamped: tuple[str, ...] = ()
    search_lag_seconds: int = 0
    page_cap: int = 50
    page_links: str = "type"
    patient_required: bool = False
    patient_required_of: tuple[str, ...] = ()
    post_search: bool = False
    get_search: bool = True
    storable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    rewrites: Mapping[str, str] = field(default_factory=dict)
    recreates_goals: bool = False
    answer: str = "body"
    location: str = "history"
    total: bool = True
    repeats_entries: bool = False
    outcome_entries: str = "none"
    system_history: bool = False
    unknown_parameters: str = "ignored"
    refusal_status: int = 405
    deleted: int = 410
    export: tuple[str, ...] = ()
    export_polls: int = 1
    export_errors: bool = False
    export_cuts: bool = False
    smart: bool = False
    token_seconds: int = 300
    granted_scopes: tuple[str, ...] = ()
    scope_versions: tuple[str, ...] = ("v1", "v2")
    audience: str = "token"
    client_auth: str = "private_key_jwt"
    fhir_version: str = "4.0.1"


CLIENT_AUTHS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "basic")
FHIR_VERSIONS = ("4.0.1", "4.3.0", "5.0.0", "3.0.2", "1.0.2")
_KEYS = frozenset(
    {
        *(one.name for one in fields(Personality) if one.name != "offers"),
        "last_updated_search",
        "conditional_create",
        "update_creates",
    }
)


def read_personality(table: Table) -> Personality:
    """Return the personality that an `ehr.toml` describes.

    Raises InvalidInput with file and line for an unknown key, a wrong value, an unknown type of interaction.
    """
    table.refuse_unknown(_KEYS)
    name = _capability_name(table)
    told = Table(file=table.file, source=table.source, path=table.path, values={**quirks_of(name), **table.values})
    if_match = IfMatch(told.choice("if_match", [one.value for one in IfMatch], default=IfMatch.IGNORED.value))
    version_ids = told.flag("version_ids", default=True)
    patient_required = told.flag("patient_required", default=False)
    offers = (
        dict(offers_of(name))
        if name != "table"
        else _offers_of_table(told, versioning=_versioning(if_match, version_ids=version_ids))
    )
    offers = {kind: _as_told(offer, told) for kind, offer in offers.items()}
    patient_required_of = told.texts("patient_required_of", ())
    offers = {
        kind: with_patient_required(offer) if patient_required or kind in patient_required_of else offer
        for kind, offer in offers.items()
    }
    return Personality(
        organization=told.text("organization"),
        part2=told.flag("part2"),
        capability=name,
        offers=MappingProxyType(offers),
        if_match=if_match,
        conflict_status=_status(told, "conflict_status", allowed=(412, 409)),
        version_ids=version_ids,
        last_updated=Precision(
            told.choice("last_updated", [one.value for one in Precision], default=Precision.SECOND.value)
        ),
        ignores=told.texts("ignores", ()),
        unstamped=told.texts("unstamped", ()),
        search_lag_seconds=told.whole("search_lag_seconds", 0, least=0),
        page_cap=told.whole("page_cap", 50),
        page_links=told.choice("page_links", ("type", "base"), default="type"),
        patient_required=patient_required,
        patient_required_of=patient_required_of,
        post_search=told.flag("post_search", default=False),
        get_search=told.flag("get_search", default=True),
        storable=_storable(told),
        drops=_paths(told, "drops"),
        rewrites=_rewrites(told),
        recreates_goals=told.flag("recreates_goals", default=False),
        **_answers(told),
    )


@cache
def quirks_of(personality: str) -> Mapping[str, Any]:
    """Return the keys by which a real EHR differs from the plain one."""
    return MappingProxyType(
        {
            row["key"]: tomllib.loads(f"value = {row['value']}")["value"]
            for row in rows_of("quirks")
            if row["personality"] == personality
        }
    )


def _answers(told: Table) -> dict[str, Any]:
    return {
        "answer": told.choice("answer", ("body", "empty"), default="body"),
        "location": told.choice("location", ("history", "plain"), default="history"),
        "total": told.flag("total", default=True),
        "repeats_entries": told.flag("repeats_entries", default=False),
        "outcome_entries": told.choice("outcome_entries", ("none", "informational", "suppressed"), default="none"),
        "system_history": told.flag("system_history", default=False),
        "unknown_parameters": told.choice("unknown_parameters", ("ignored", "refused"), default="ignored"),
        "refusal_status": _status(told, "refusal_status", allowed=(405, 403, 404, 501)),
        "deleted": _status(told, "deleted", allowed=(410, 404)),
        "export": told.texts("export", ()),
        "export_polls": told.whole("export_polls", 1),
        "export_errors": told.flag("export_errors", default=False),
        "export_cuts": told.flag("export_cuts", default=False),
        "smart": told.flag("smart", default=False),
        "token_seconds": told.whole("token_seconds", 300),
        "granted_scopes": told.texts("granted_scopes", ()),
        "scope_versions": told.texts("scope_versions", ("v1", "v2")),
        "audience": told.choice("audience", ("token", "issuer", "base"), default="token"),
        "client_auth": told.choice("client_auth", CLIENT_AUTHS, default=CLIENT_AUTHS[0]),
        "fhir_version": told.choice("fhir_version", FHIR_VERSIONS, default=FHIR_VERSIONS[0]),
    }


def _capability_name(table: Table) -> str:
    value = table.values.get("capability")
    if isinstance(value, dict):
        return "table"
    if value not in personalities():
        hint = f"Give a table of types with interactions, or one of: {', '.join(sorted(personalities()))}."
        table.refuse("capability", "'capability' names no EHR that the sandbox can act", hint=hint)
    return str(value)


def _offers_of_table(told: Table, *, versioning: str) -> dict[str, Offer]:
    last_updated_search = told.flag("last_updated_search", default=False)
    types = told.table("capability")
    offers: dict[str, Offer] = {}
    for kind in types.values:
        codes = types.texts(kind)
        for code in codes:
            if code not in INTERACTIONS:
                types.refuse(
                    kind, f"{kind} has an unknown interaction {code!r}", hint=f"Known: {', '.join(INTERACTIONS)}."
                )
        offers[kind] = offer_from_table(kind, codes, versioning=versioning, last_updated_search=last_updated_search)
    return offers


def _as_told(offer: Offer, told: Table) -> Offer:
    """Return the offer with what `ehr.toml` says on creating; where it is silent the statement counts."""
    if "conditional_create" in told.values:
        offer = replace(offer, conditional_create=str(told.flag("conditional_create")).lower())
    if "update_creates" in told.values:
        offer = replace(offer, update_create=str(told.flag("update_creates")).lower())
    return offer


def _versioning(if_match: IfMatch, *, version_ids: bool) -> str:
    if not version_ids:
        return "no-version"
    return "versioned" if if_match is IfMatch.IGNORED else "versioned-update"


def _status(told: Table, key: str, *, allowed: tuple[int, ...]) -> int:
    value = told.whole(key, allowed[0])
    if value not in allowed:
        told.refuse(key, f"{key!r} can't be {value}", hint=f"Choose one of: {', '.join(map(str, allowed))}.")
    return value


def _storable(told: Table) -> Mapping[str, tuple[str, ...]]:
    below = told.table("storable")
    for path in below.values:
        _refuse_bare(below, path)
    return MappingProxyType({path: below.texts(path) for path in below.values})


def _rewrites(told: Table) -> Mapping[str, str]:
    below = told.table("rewrites")
    for path in below.values:
        _refuse_bare(below, path)
    return MappingProxyType({path: below.choice(path, REWRITINGS, default="") for path in below.values})


def _paths(told: Table, key: str) -> tuple[str, ...]:
    paths = told.texts(key, ())
    for path in paths:
        if "." not in path:
            told.refuse(key, f"{path!r} is not a path", hint='Write it as "Type.element".')
    return paths


def _refuse_bare(table: Table, path: str) -> None:
    if "." not in path:
        table.refuse(path, f"{path!r} is not a path", hint='Write it as "Type.element".')
