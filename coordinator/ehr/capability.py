"""A CapabilityStatement as facts per type: each yes, no or silent, with its source.

Silent is not no, and listed is not all: scopes granted, what the operator knows of the site, and what a probe showed
speak, too. A statement of another version of FHIR, cut off, or without patients is refused with a plain word.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from coordinator.errors import PermanentEhrError
from coordinator.fhir import BadJson, Json, parse

VERSIONS = {"1.0": "DSTU2", "3.0": "STU3", "4.0": "R4", "4.3": "R4B", "5.0": "R5"}
_READ = ("4.0", "4.3", "5.0")  # R5 is read through lenses of its own, and never written
INTERACTIONS = {"read": "read", "search": "search-type", "create": "create", "update": "update", "patch": "patch"}


class Says(Enum):
    """What a source says of a fact."""

    YES = "yes"
    NO = "no"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact and who says so: statement, scope, option or probe."""

    says: Says = Says.SILENT
    source: str = "statement"

    def __bool__(self) -> bool:
        """Say whether it can be relied on: only a yes is a yes."""
        return self.says is Says.YES


SILENT = Fact()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """What an EHR can do with one type. `required`: a search needs one of these sets of parameters."""

    type: str
    read: Fact = SILENT
    search: Fact = SILENT
    create: Fact = SILENT
    update: Fact = SILENT
    patch: Fact = SILENT
    search_params: frozenset[str] = frozenset()
    required: tuple[frozenset[str], ...] = ()
    conditional_create: Fact = SILENT
    update_create: Fact = SILENT
    versioning: str = ""
    interactions: tuple[str, ...] = ()
    narrowed: bool = False  # the granted scope covers only a part of the type

    @property
    def patient_param(self) -> str | None:
        """Return the parameter that names the patient in a search; a statement may list none at all."""
        if "patient" in self.search_params or not self.search_params:
            return "patient"
        return "subject" if "subject" in self.search_params else None

    @property
    def needs_patient(self) -> Fact:
        """Return whether a search without a patient is refused, as far as required parameters tell."""
        if not self.required:
            return SILENT
        wanted = {"patient", "subject", "_id"}
        return Fact(says=Says.YES if all(one & wanted for one in self.required) else Says.SILENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a CapabilityStatement says, as facts."""

    fhir_version: str
    software: str = ""
    formats: tuple[str, ...] = ()
    system_interactions: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    types: Mapping[str, TypeFacts] = field(default_factory=dict)

    def of(self, type_: str) -> TypeFacts:
        """Return the facts of a type; all silent where the EHR does not list it."""
        return self.types.get(type_) or TypeFacts(type=type_)


def read_statement(raw: bytes) -> Statement:
    """Return the facts of a CapabilityStatement (or a DSTU2 Conformance).

    Raises PermanentEhrError where the bytes are no statement. Whether it can be worked with is `refusal`'s to say.
    """
    try:
        tree = parse(raw)
    except BadJson as error:
        raise _refused(f"The statement is not sound JSON: {error.reason} at {error.place}.", _CUT) from error
    if not isinstance(tree, dict) or tree.get("resourceType") not in {"CapabilityStatement", "Conformance"}:
        raise _refused("The answer at /metadata is no CapabilityStatement.", "Give the FHIR base of the EHR.")
    servers = [rest for rest in _dicts(tree.get("rest")) if rest.get("mode", "server") == "server"]
    resources = [one for rest in servers for one in _dicts(rest.get("resource"))]
    types = {facts.type: facts for facts in map(_type_facts, resources) if facts.type}
    return Statement(
        fhir_version=_text(tree.get("fhirVersion")),
        software=_software(tree),
        formats=tuple(one for one in _list(tree.get("format")) if isinstance(one, str)),
        system_interactions=tuple(_codes(one.get("interaction") for one in servers)),
        export=tuple(sorted(set(_export(resources, servers)))),
        types=types,
    )


_CUT = "It may have been cut off on the way: fetch it again, and ask the EHR's operator if it stays so."


def refusal(statement: Statement) -> PermanentEhrError | None:
    """Return why this EHR can't be worked with, None where it can."""
    version = statement.fhir_version
    name = VERSIONS.get(".".join(version.split(".")[:2]), "an unknown version")
    if not version.startswith(_READ):
        told = f"{name} ({version})" if version else "no FHIR version"
        return _refused(
            f"FHIR R4 is needed, the statement tells {told}.",
            "Give the address of the R4 base; at many EHRs it differs by one path segment, such as /R4.",
            code="fhir-version",
        )
    if not statement.types:
        return _refused("The statement lists no resource types.", _CUT)
    if "Patient" not in statement.types:
        names = list(statement.types)
        told = f"The statement lists {len(names)} types, the last of them {names[-1]}, and no Patient."
        if names == sorted(names) and names[-1] < "Patient":
            return _refused(f"{told[:-1]}: it breaks off before the letter P.", _CUT)
        return _refused(told, "This server holds no patients: give the clinical FHIR base.")
    return None


def _refused(message: str, hint: str, *, code: str = "statement") -> PermanentEhrError:
    return PermanentEhrError(message, operation="read capability statement", hint=hint).coded(code)


# --- reading --------------------------------------------------------------------------------------------------------


def _type_facts(resource: dict[str, Json]) -> TypeFacts:
    codes = tuple(_codes([resource.get("interaction")]))
    listed = {name: Fact(says=Says.YES) for name, code in INTERACTIONS.items() if code in codes}
    return replace(
        _told(TypeFacts(type=_text(resource.get("type"))), listed),
        interactions=codes,
        search_params=frozenset(_text(one.get("name")) for one in _dicts(resource.get("searchParam"))) - {""},
        required=tuple(_required(resource)),
        conditional_create=_flag(resource.get("conditionalCreate")),
        update_create=_flag(resource.get("updateCreate")),
        versioning=_text(resource.get("versioning")),
    )


def _told(facts: TypeFacts, told: Mapping[str, Fact]) -> TypeFacts:
    """Return the facts with what is told of interactions in the place of what they were."""
    return replace(
        facts,
        read=told.get("read", facts.read),
        search=told.get("search", facts.search),
        create=told.get("create", facts.create),
        update=told.get("update", facts.update),
        patch=told.get("patch", facts.patch),
    )


def _required(resource: dict[str, Json]) -> Iterator[frozenset[str]]:
    """Yield the sets of parameters of which a search needs one.

    One vendor publishes them in an extension of its own, another in prose ("It is a required field if the _id field
    is not given"); the others are silent, and a probe has to tell.
    """
    for extension in _dicts(resource.get("extension")):
        for inner in _dicts(extension.get("extension")):
            if inner.get("url") == "requiredAnySearchParams" and isinstance(inner.get("valueString"), str):
                yield frozenset(re.findall(r"[\w.\-]+", str(inner["valueString"])))
    for parameter in _dicts(resource.get("searchParam")):
        if re.search(r"\brequired field\b", _prose(parameter.get("documentation"))):
            yield frozenset({_text(parameter.get("name"))})


def _export(resources: Iterable[dict[str, Json]], servers: Iterable[dict[str, Json]]) -> Iterator[str]:
    for resource in resources:
        if any(_text(one.get("name")) in {"export", "group-export"} for one in _dicts(resource.get("operation"))):
            yield _text(resource.get("type"))
    names = {_text(one.get("name")) for server in servers for one in _dicts(server.get("operation"))}
    yield from (where for where, name in _SYSTEM_EXPORTS if name in names)


_SYSTEM_EXPORTS = (("system", "export"), ("Patient", "patient-export"), ("Group", "group-export"))


def _software(tree: dict[str, Json]) -> str:
    software = tree.get("software")
    name = _text(software.get("name")) if isinstance(software, dict) else ""
    return name or _text(tree.get("publisher")) or _text(tree.get("name"))


def _flag(value: Json) -> Fact:
    return Fact(says=Says.YES if value else Says.NO) if isinstance(value, bool) else SILENT


def _codes(lists: Iterable[Json]) -> Iterator[str]:
    for one in lists:
        yield from (code for found in _dicts(one) if (code := _text(found.get("code"))))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _dicts(value: Json) -> list[dict[str, Json]]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _text(value: Json) -> str:
    return value if isinstance(value, str) and len(value) <= 100 else ""


def _prose(value: Json) -> str:
    return value if isinstance(value, str) else ""


# --- what else speaks -----------------------------------------------------------------------------------------------


def with_scopes(statement: Statement, granted: Iterable[str]) -> Statement:
    """Return the facts as the granted scopes leave them: they take away, they never add to the statement."""
    scopes = [found for scope in granted if (found := _SCOPE.fullmatch(scope)) is not None]
    if not scopes:
        return statement  # a server that names no scopes says nothing by it
    return replace(statement, types={name: _scoped(facts, scopes) for name, facts in statement.types.items()})


_SCOPE = re.compile(r"system/(?P<type>\*|[A-Za-z]+)\.(?P<what>read|write|\*|c?r?u?d?s?)(?P<filter>\?.+)?")
_LETTERS = {"read": "r", "search": "s", "create": "c", "update": "u", "patch": "u"}
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}


def without_writes(statement: Statement) -> Statement:
    """Return the facts of an EHR to which nothing is written, as it speaks a version of FHIR that we only read."""
    no = Fact(says=Says.NO, source="FHIR version")
    kept = {name: _told(facts, {"create": no, "update": no, "patch": no}) for name, facts in statement.types.items()}
    return replace(statement, types=kept)


def _scoped(facts: TypeFacts, scopes: list[re.Match[str]]) -> TypeFacts:
    mine = [one for one in scopes if one["type"] in ("*", facts.type)]
    letters = {letter for one in mine for letter in _FIRST_VERSION.get(one["what"], one["what"])}
    no = Fact(says=Says.NO, source="scope")
    denied = {name: no for name, letter in _LETTERS.items() if letter not in letters}
    whole = {letter for one in mine if not one["filter"] for letter in _FIRST_VERSION.get(one["what"], one["what"])}
    return replace(_told(facts, denied), narrowed="s" in letters and "s" not in whole)


def with_options(statement: Statement, options: Mapping[str, Json]) -> Statement:
    """Return the facts as the operator corrects them.

    `options["capability"]` is {type: {fact: true or false}}, as {"DocumentReference": {"create": true}}: what a site
    allows beyond its statement by contract, or does not although the statement says so.
    """
    told = options.get("capability")
    types = dict(statement.types)
    for name, facts in told.items() if isinstance(told, dict) else ():
        known = {key: value for key, value in facts.items() if key in INTERACTIONS} if isinstance(facts, dict) else {}
        says = {key: Fact(says=Says.YES if value else Says.NO, source="option") for key, value in known.items()}
        types[name] = _told(statement.of(name), says)
    return replace(statement, types=types)
