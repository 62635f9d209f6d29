"""What is typed about an EHR, read and checked: address, roster, SMART client, mapping, what it can store."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from coordinator.care.csv_table import Row, read_rows
from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from coordinator.cli.import_files import CSV_MAP, read_map
from coordinator.cli.trouble import WrongWord
from coordinator.errors import ConfigurationError
from coordinator.fhir import Json
from coordinator.sync.connections import FILE_URL
from coordinator.sync.records import SmartAuth

MAPPING_COLUMNS = ("type", "path", "system", "value", "concept", "edition", "code", "role", "organization")
FACTS = ("read", "search", "create", "update", "patch")
_SMART_WORDS = ("key", "scopes", "token", "aud", "jwks", "method")
_METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post")
_AUDIENCES = ("token", "issuer", "base")
_LONGEST_ID = 255  # FHIR says 64; real EHRs give 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an EHR is. `remark` tells what of the typed text was left off."""

    url: str
    private: bool = False
    remark: str = ""


def read_address(text: str, *, production: bool, private_network: bool) -> Address:
    """Return the FHIR base of an EHR. Raises WrongWord.

    Patients' records travel in clear over http: it is taken for this machine outside production, and for a private
    network when the operator says that it is one.
    """
    if text == FILE_URL:
        return Address(url=FILE_URL)
    parts = _split(text, "The address")
    host = parts.hostname or ""
    path = parts.path.rstrip("/")
    remark = ""
    if path.endswith("/metadata"):
        path = path.removesuffix("/metadata").rstrip("/")
        remark = "The FHIR base ends before /metadata: that was left off."
    if parts.scheme == "http":
        _refuse_open_http(host, production=production, private_network=private_network)
    url = f"{parts.scheme}://{parts.netloc}{path}"
    return Address(url=url, private=private_network or is_loopback(host), remark=remark)


def _split(text: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(text.strip())
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise WrongWord(f"{what} can't be read.", hint="It looks like https://ehr.example.org/fhir.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not has_port or " " in parts.netloc:
        raise WrongWord(
            f"{what} is no web address.",
            hint="It looks like https://ehr.example.org/fhir; `file:` is for an EHR that gives files only.",
        )
    if parts.username is not None or parts.password is not None:
        raise WrongWord(f"{what} holds a user or password.", hint="Leave it off: `--smart` is the way to sign in.")
    if parts.query or parts.fragment:
        raise WrongWord(f"{what} goes on after ? or #.", hint="Give the FHIR base alone.")
    return parts


def _refuse_open_http(host: str, *, production: bool, private_network: bool) -> None:
    if is_loopback(host) and not production:
        return
    if private_network and _may_be_private(host):
        return
    if _may_be_private(host):
        raise WrongWord(
            "Over http records travel in clear.",
            hint="Use https, or say with --private-network that this network is closed to others.",
        )
    raise WrongWord("Over http records travel in clear through the internet.", hint="Use https.")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    address = _ip(host)
    return host == "localhost" if address is None else address.is_loopback


def _may_be_private(host: str) -> bool:
    """Say whether a host can be on a private network: an address from its ranges, or a name that the internet lacks."""
    address = _ip(host)
    if address is not None:
        return address.is_private
    return "." not in host or host.endswith((".local", ".internal", ".lan", ".home.arpa", ".localhost"))


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def read_identifier(text: str) -> tuple[str, str]:
    """Return system and value of an organization's identifier, typed as SYSTEM|VALUE. Raises WrongWord."""
    system, bar, value = text.partition("|")
    if not (bar and system.strip() and value.strip()):
        hint = "Such as 'http://hl7.org/fhir/sid/us-npi|1234567893', with quotes: the shell reads | otherwise."
        raise WrongWord("--identifier is not SYSTEM|VALUE.", hint=hint)
    return system.strip(), value.strip()


def read_roster(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the roster and, for a file, the ids in it. Raises WrongWord."""
    kind, _, rest = text.partition(":")
    if text == "all":
        return text, ()
    if kind == "group" and _is_id(rest):
        return text, ()
    if kind == "file" and rest:
        path = Path(rest)
        return f"file:{path.name}", _ids(path)
    raise WrongWord("--roster is none that we know.", hint="Give all, group:ID of a FHIR Group, or file:F.")


def _ids(path: Path) -> tuple[str, ...]:
    lines = (line.strip() for line in read_text(path).splitlines())
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    for number, line in numbered:
        if not _is_id(line):
            raise WrongWord(
                f"{path.name}, line {number} is no id of a Patient.", hint="Write one id a line, as the EHR has them."
            )
    if not numbered:
        raise WrongWord(f"{path.name} holds no id.", hint="Write one id of a Patient a line.")
    return tuple(dict.fromkeys(line for _, line in numbered))


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ID and not any(one.isspace() or one in "/?#" for one in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What there is to sign in with: the names of keys and of secrets."""

    keys: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def read_smart(text: str, held: Held, *, production: bool, private_network: bool) -> SmartAuth:
    """Return the SMART client typed as CLIENT_ID and words such as key=KEY_ID after commas. Raises WrongWord."""
    client, *rest = (one.strip() for one in text.split(","))
    given = dict(_word(one) for one in rest)
    if not client or "=" in client:
        raise WrongWord("--smart begins with the client id.", hint="Such as --smart my-client,key=main.")
    method = given.get("method", _METHODS[0])
    if method not in _METHODS:
        raise WrongWord("--smart knows no such method.", hint=f"One of: {', '.join(_METHODS)}.")
    for word in ("token", "jwks"):
        parts = _split(given[word], f"The address of {word}=") if word in given else None
        if parts is not None and parts.scheme == "http":
            _refuse_open_http(parts.hostname or "", production=production, private_network=private_network)
    return SmartAuth(
        client_id=client,
        key_id=_signs_with(given.get("key", ""), held, method=method),
        scopes=tuple(given.get("scopes", "").split()),
        token_url=given.get("token", ""),
        audience=_audience(given.get("aud", "")),
        jwks_url=given.get("jwks", ""),
        method=method,
    )


def _signs_with(name: str, held: Held, *, method: str) -> str:
    """Return the name of the key, or of the secret where the method is by one; the only one there need not be named."""
    is_key = method == _METHODS[0]
    what, there = ("key", held.keys) if is_key else ("secret", held.secrets)
    name = name or (there[0] if len(there) == 1 else "")
    if name not in there:
        make = "create" if is_key else "secret"
        told = f"There are: {', '.join(sorted(there))}." if there else f"Make one with `coordinator keys {make} NAME`."
        raise WrongWord(f"There is no {what} {name!r}." if name else f"--smart needs key=NAME of a {what}.", hint=told)
    return name


def _audience(text: str) -> str:
    if text and text not in _AUDIENCES and (":" not in text or " " in text):
        raise WrongWord(
            "aud= of --smart is none that we know.", hint="Give token, issuer, base, or the address itself."
        )
    return text


def read_sign_in(text: str, held: Held) -> dict[str, Json]:
    """Return a sign-in without SMART, typed as basic:USER[,secret=NAME] or bearer[,secret=NAME]. Raises WrongWord."""
    first, _, rest = text.partition(",")
    kind, _, user = first.strip().partition(":")
    word, _, name = rest.strip().partition("=")
    if kind not in ("basic", "bearer") or (kind == "basic") != bool(user) or (rest and word != "secret"):
        raise WrongWord("--sign-in is none that we know.", hint="Give basic:USER,secret=NAME or bearer,secret=NAME.")
    secret = _signs_with(name, held, method="secret")
    return {"kind": kind, "secret": secret, **({"user": user} if user else {})}


def read_tls(text: str) -> dict[str, Json]:
    """Return the files of TLS typed as ca=FILE[,cert=FILE,key=FILE]. Raises WrongWord."""
    told: dict[str, Json] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name not in ("ca", "cert", "key") or not value:
            raise WrongWord("--tls has a part that is not known.", hint="Give ca=FILE, or cert=FILE,key=FILE, or all.")
        read_text(Path(value))
        told[name] = str(Path(value).resolve())
    if "key" in told and "cert" not in told:
        raise WrongWord("--tls has a key without its certificate.", hint="Give cert=FILE, too.")
    return told


def _word(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or name not in _SMART_WORDS or not value:
        raise WrongWord(
            "--smart has a part that is not known.",
            hint=f"After the client id come {', '.join(_SMART_WORDS)}, as in key=main, with a comma before each.",
        )
    return name, value


def read_mapping(path: Path) -> tuple[MappingRow, ...]:
    """Return how levels show themselves in an EHR, from a CSV. Raises WrongWord with file and line."""
    try:
        return tuple(_mapping(row) for row in read_rows(read_text(path), file=path.name, columns=MAPPING_COLUMNS))
    except ConfigurationError as problem:
        hint = f"Its columns are {','.join(MAPPING_COLUMNS)}; docs/reference/worlds.md tells what they mean."
        raise WrongWord(str(problem), hint=hint) from problem


def _mapping(row: Row) -> MappingRow:
    return MappingRow(
        type=row.text("type"),
        path=tuple(row.text("path").split(".")),
        system=row.optional("system"),
        value=row.text("value"),
        concept=row.text("concept"),
        edition=row.member("edition", Edition) if row.optional("edition") else None,
        code=row.optional("code") or "",
        role=row.member("role", Role) if row.optional("role") else Role.PROVIDED,
        organization=row.optional("organization"),
    )


def read_text(path: Path) -> str:
    """Return the text of a file. Raises WrongWord."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise WrongWord(f"The file {path.name} can't be read.", hint="Check its path and permissions.") from None
    except UnicodeError:
        raise WrongWord(f"The file {path.name} is not UTF-8.", hint="Save it as UTF-8.") from None


def read_pulling(
    *, full_every: int | None, search_by: str, file_hosts: Iterable[str], csv_map: Path | None
) -> Mapping[str, Json]:
    """Return how an EHR is to be pulled, as options. Raises WrongWord."""
    if full_every is not None and not 0 <= full_every <= 24 * 31:
        raise WrongWord("--full-every is out of bounds.", hint="Give hours from 0, for no fast lane at all, to 744.")
    if search_by not in {"get", "post"}:
        raise WrongWord("--search-by is neither get nor post.", hint="Give get, the default, or post.")
    hosts = [one.strip().lower() for one in file_hosts]
    if any(not one or any(sign in one for sign in "/:@? ") for one in hosts):
        raise WrongWord("--file-host is no name of a host.", hint="Such as --file-host files.example.org.")
    told: dict[str, Json] = {
        "full_every_hours": full_every,
        "search_by": "post" if search_by == "post" else None,
        "file_hosts": list[Json](hosts) or None,
        CSV_MAP: read_map(csv_map).text if csv_map else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def read_options(
    *, storable: Iterable[str], allow: Iterable[str], deny: Iterable[str], search: Iterable[str]
) -> Mapping[str, Json]:
    """Return what the operator knows of a site beyond its statement. Raises WrongWord."""
    capability: dict[str, dict[str, Json]] = {}
    for words, says, option in ((allow, True, "--allow"), (deny, False, "--deny")):
        for word in words:
            type_, fact = _fact(word, option)
            capability.setdefault(type_, {})[fact] = says
    queries: dict[str, list[Json]] = {}
    for word in search:
        type_, mark, query = word.partition("?")
        if not (mark and _is_type(type_) and "=" in query):
            raise WrongWord("--search is not TYPE?QUERY.", hint="Such as 'CarePlan?category=assess-plan'.")
        queries.setdefault(type_, []).append(query)
    told: dict[str, Json] = {
        "storable": dict(_storable(word) for word in storable),
        "capability": dict(capability),
        "search": dict(queries),
    }
    return {name: value for name, value in told.items() if value}


def _fact(word: str, option: str) -> tuple[str, str]:
    type_, dot, fact = word.partition(".")
    if not (dot and _is_type(type_) and fact in FACTS):
        hint = f"Such as DocumentReference.create; the facts are {', '.join(FACTS)}."
        raise WrongWord(f"{option} is not TYPE.FACT.", hint=hint)
    return type_, fact


def _storable(word: str) -> tuple[str, Json]:
    path, equals, values = word.partition("=")
    type_, dot, element = path.partition(".")
    held = [one.strip() for one in values.split(",") if one.strip()]
    if not (equals and dot and _is_type(type_) and element and held):
        raise WrongWord(
            "--storable is not TYPE.PATH=VALUE,…", hint="Such as MedicationStatement.status=active,stopped."
        )
    return path, list[Json](held)


def _is_type(text: str) -> bool:
    return text.isascii() and text.isalpha() and text[:1].isupper()
