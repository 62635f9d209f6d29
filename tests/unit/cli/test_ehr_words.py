"""What is typed about an EHR: taken when it can be right, refused in a sentence when it can't."""

from pathlib import Path

import pytest

from coordinator.care.level_of_care.model import Edition, Role
from coordinator.cli.ehr_words import (
    Held,
    read_address,
    read_identifier,
    read_mapping,
    read_options,
    read_roster,
    read_sign_in,
    read_smart,
    read_tls,
)
from coordinator.cli.trouble import WrongWord

COLUMNS = "type,path,system,value,concept,edition,code,role,organization\n"


@pytest.mark.parametrize(
    ("typed", "url", "is_private"),
    [
        pytest.param("https://ehr.example.org/fhir", "https://ehr.example.org/fhir", False, id="https"),
        pytest.param(" https://ehr.example.org/fhir/ ", "https://ehr.example.org/fhir", False, id="white space, slash"),
        pytest.param("https://ehr.example.org:8443/r4", "https://ehr.example.org:8443/r4", False, id="port"),
        pytest.param("http://127.0.0.1:8080/fhir", "http://127.0.0.1:8080/fhir", True, id="this machine"),
        pytest.param("http://[::1]:8080/fhir", "http://[::1]:8080/fhir", True, id="this machine, version 6"),
        pytest.param("http://localhost/fhir", "http://localhost/fhir", True, id="localhost"),
        pytest.param("file:", "file:", False, id="files only"),
    ],
)
def test_an_address_is_taken_as_the_base_of_an_ehr(typed, url, is_private):
    address = read_address(typed, production=False, private_network=False)
    assert (address.url, address.private, address.remark) == (url, is_private, "")


@pytest.mark.parametrize("end", ["/metadata", "/metadata/"])
def test_the_end_that_is_not_part_of_the_base_is_left_off_with_a_word(end):
    """People paste the address at which they looked whether the EHR is there."""
    address = read_address(f"https://ehr.example.org/fhir{end}", production=True, private_network=False)
    assert address.url == "https://ehr.example.org/fhir"
    assert "/metadata" in address.remark


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param("ehr.example.org/fhir", "no web address", id="no scheme"),
        pytest.param("ftp://ehr.example.org/fhir", "no web address", id="another scheme"),
        pytest.param("file:/etc/passwd", "no web address", id="a path is not `file:`"),
        pytest.param("https://", "no web address", id="no host"),
        pytest.param("https://ehr example.org/", "no web address", id="white space in the host"),
        pytest.param("https://ehr.example.org:0/fhir", "no web address", id="port 0"),
        pytest.param("https://ehr.example.org:99999/fhir", "can't be read", id="port too high"),
        pytest.param("https://[::1/fhir", "can't be read", id="bracket not closed"),
        pytest.param("https://me:secret@ehr.example.org/fhir", "user or password", id="credentials"),
        pytest.param("https://me@ehr.example.org/fhir", "user or password", id="a user"),
        pytest.param("https://ehr.example.org/fhir?key=1", "after . or #", id="query"),
        pytest.param("https://ehr.example.org/fhir#x", "after . or #", id="fragment"),
        pytest.param("http://ehr.example.org/fhir", "through the internet", id="http to the internet"),
        pytest.param("http://8.8.8.8/fhir", "through the internet", id="http to a public address"),
        pytest.param("http://10.1.2.3/fhir", "in clear", id="http to a private address, unsaid"),
        pytest.param("http://ehr.internal/fhir", "in clear", id="http to an inner name, unsaid"),
    ],
)
def test_an_address_that_can_not_be_right_is_refused(typed, says):
    with pytest.raises(WrongWord, match=says) as told:
        read_address(typed, production=False, private_network=False)
    assert told.value.hint
    assert "secret" not in told.value.sentence


@pytest.mark.parametrize(
    ("typed", "is_production", "is_taken"),
    [
        pytest.param("http://10.1.2.3/fhir", False, True, id="private address"),
        pytest.param("http://ehr/fhir", True, True, id="name of a container"),
        pytest.param("http://8.8.8.8/fhir", False, False, id="saying so makes no public address private"),
        pytest.param("http://ehr.example.org/fhir", False, False, id="nor a public name"),
    ],
)
def test_http_goes_over_a_network_that_the_operator_calls_private(typed, is_production, is_taken):
    if is_taken:
        assert read_address(typed, production=is_production, private_network=True).private
    else:
        with pytest.raises(WrongWord):
            read_address(typed, production=is_production, private_network=True)


def test_in_production_even_this_machine_is_asked_over_https():
    with pytest.raises(WrongWord):
        read_address("http://127.0.0.1/fhir", production=True, private_network=False)


def test_an_identifier_is_a_system_and_a_value():
    assert read_identifier("http://hl7.org/fhir/sid/us-npi|1234567893") == (
        "http://hl7.org/fhir/sid/us-npi",
        "1234567893",
    )


@pytest.mark.parametrize("typed", ["", "1234567893", "|1", "http://a|", " | "])
def test_half_an_identifier_is_refused(typed):
    with pytest.raises(WrongWord, match="SYSTEM"):
        read_identifier(typed)


@pytest.mark.parametrize("typed", ["all", "group:g-1"])
def test_a_roster_that_the_ehr_keeps_is_named(typed):
    assert read_roster(typed) == (typed, ())


def test_a_roster_file_holds_an_id_a_line(tmp_path: Path):
    file = tmp_path / "ids.txt"
    file.write_text(f"# who came in spring\np-1\n\n p-2 \np-1\n{'x' * 88}\n")
    assert read_roster(f"file:{file}") == ("file:ids.txt", ("p-1", "p-2", "x" * 88))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", "holds no id", id="empty"),
        pytest.param("# nothing\n", "holds no id", id="comment only"),
        pytest.param("p-1\nAna Ruiz\n", "line 2 is no id", id="a name"),
        pytest.param("Patient/p-1\n", "line 1 is no id", id="a reference"),
        pytest.param("x" * 300, "line 1 is no id", id="too long"),
        pytest.param(b"\xff\xfe", "not UTF-8", id="not text"),
        pytest.param(None, "can't be read", id="not there"),
    ],
)
def test_a_roster_file_that_can_not_be_right_is_refused_by_line(tmp_path: Path, content, says):
    file = tmp_path / "ids.txt"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WrongWord, match=says) as told:
        read_roster(f"file:{file}")
    assert "Ruiz" not in told.value.sentence


@pytest.mark.parametrize("typed", ["", "some", "group:", "group:a b", "file:", "all:1"])
def test_another_roster_is_refused(typed):
    with pytest.raises(WrongWord, match="--roster"):
        read_roster(typed)


@pytest.mark.parametrize(
    ("typed", "keys", "expected"),
    [
        pytest.param("app", ["main"], ("app", "main", (), ""), id="the only key"),
        pytest.param("app,key=b", ["a", "b"], ("app", "b", (), ""), id="one of several"),
        pytest.param(
            "app,scopes=system/Patient.rs system/Goal.cruds,token=https://ehr.example/token",
            ["main"],
            ("app", "main", ("system/Patient.rs", "system/Goal.cruds"), "https://ehr.example/token"),
            id="all words",
        ),
    ],
)
def test_a_smart_client_is_typed_in_a_line(typed, keys, expected):
    smart = read_smart(typed, Held(keys=tuple(keys)), production=False, private_network=False)
    assert (smart.client_id, smart.key_id, smart.scopes, smart.token_url) == expected


@pytest.mark.parametrize(
    ("typed", "keys", "says"),
    [
        pytest.param("", ["main"], "client id", id="nothing"),
        pytest.param("key=main", ["main"], "client id", id="no client"),
        pytest.param("app", [], "needs key", id="no key is there"),
        pytest.param("app", ["a", "b"], "needs key", id="which of the keys?"),
        pytest.param("app,key=c", ["a"], "no key 'c'", id="a key that is not there"),
        pytest.param("app,secret=x", ["a"], "not known", id="an unknown word"),
        pytest.param("app,key=", ["a"], "not known", id="a word without value"),
        pytest.param("app,token=http://ehr.example.org/token", ["a"], "in clear", id="a token in clear"),
        pytest.param("app,token=ehr", ["a"], "no web address", id="a token address that is none"),
        pytest.param("app,jwks=x", ["a"], "no web address", id="an address of keys that is none"),
        pytest.param("app,method=guess", ["a"], "no such method", id="an unknown method"),
        pytest.param("app,aud=whoever", ["a"], "aud=", id="an unknown audience"),
        pytest.param("app,method=client_secret_post", ["a"], "of a secret", id="a method that needs a secret"),
    ],
)
def test_a_smart_client_that_can_not_sign_in_is_refused(typed, keys, says):
    with pytest.raises(WrongWord, match=says) as told:
        read_smart(typed, Held(keys=tuple(keys)), production=False, private_network=False)
    assert told.value.hint


def test_a_smart_client_can_tell_audience_method_and_where_its_keys_are():
    typed = "app,key=s,aud=issuer,method=client_secret_basic,jwks=https://us.example/jwks.json"
    smart = read_smart(typed, Held(keys=("k",), secrets=("s", "t")), production=True, private_network=False)
    assert (smart.key_id, smart.audience, smart.method) == ("s", "issuer", "client_secret_basic")
    assert smart.jwks_url == "https://us.example/jwks.json"
    exact = read_smart("app,aud=https://x/", Held(keys=("k",)), production=True, private_network=False)
    assert exact.audience == "https://x/"


def test_a_sign_in_without_smart_names_its_secret():
    held = Held(secrets=("a", "b"))
    assert read_sign_in("basic:me,secret=a", held) == {"kind": "basic", "user": "me", "secret": "a"}
    assert read_sign_in("bearer,secret=b", held) == {"kind": "bearer", "secret": "b"}
    assert read_sign_in("bearer", Held(secrets=("only",)))["secret"] == "only"


@pytest.mark.parametrize("typed", ["basic", "basic:me,key=a", "bearer:x", "digest:me", "bearer,secret=c", "bearer", ""])
def test_a_sign_in_that_can_not_be_right_is_refused(typed):
    with pytest.raises(WrongWord) as told:
        read_sign_in(typed, Held(secrets=("a", "b")))
    assert told.value.hint


def test_files_of_tls_are_taken_by_their_whole_path(tmp_path: Path):
    (tmp_path / "a.pem").write_text("x")
    file = tmp_path / "a.pem"
    assert read_tls(f"ca={file}, cert={file},key={file}") == {name: str(file) for name in ("ca", "cert", "key")}


@pytest.mark.parametrize("typed", ["", "ca=", "ca=/nowhere/x.pem", "key={}", "password={}"])
def test_files_of_tls_that_can_not_be_right_are_refused(tmp_path: Path, typed):
    (tmp_path / "a.pem").write_text("x")
    with pytest.raises(WrongWord) as told:
        read_tls(typed.format(tmp_path / "a.pem"))
    assert told.value.hint


def test_a_mapping_tells_how_levels_show_themselves(tmp_path: Path):
    file = tmp_path / "m.csv"
    file.write_text(
        f"{COLUMNS}Encounter,type.coding,https://x,IOP,level,4e,2.1,,\nCarePlan,category,,RES,level,,3.5,indicated,h\n"
    )
    first, second = read_mapping(file)
    assert (first.path, first.edition, first.role, first.organization) == (
        ("type", "coding"), Edition.FOURTH, Role.PROVIDED, None,
    )  # fmt: skip
    assert (second.system, second.edition, second.role, second.organization) == (None, None, Role.INDICATED, "h")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("a,b\n", "line 1: it lacks the column type", id="other columns"),
        pytest.param(f"{COLUMNS}Encounter,type,,IOP,level,5e,2.1,,\n", "line 2: edition", id="unknown edition"),
        pytest.param(f"{COLUMNS}Encounter,type,,IOP,level,4e,2.1,maybe,\n", "line 2: role", id="unknown role"),
        pytest.param(f"{COLUMNS}Encounter,type\n", "line 2", id="too few cells"),
        pytest.param(f"{COLUMNS},type,,IOP,level,4e,2.1,,\n", "line 2: type is empty", id="no type"),
    ],
)
def test_a_mapping_that_can_not_be_read_is_refused_by_line(tmp_path: Path, content, says):
    file = tmp_path / "m.csv"
    file.write_text(content)
    with pytest.raises(WrongWord, match=says):
        read_mapping(file)


def test_what_the_operator_knows_of_a_site_becomes_options():
    options = read_options(
        storable=["MedicationStatement.status=active, stopped"],
        allow=["DocumentReference.create"],
        deny=["DocumentReference.update", "Goal.search"],
        search=["CarePlan?category=assess-plan", "CarePlan?category=1"],
    )
    assert options == {
        "storable": {"MedicationStatement.status": ["active", "stopped"]},
        "capability": {"DocumentReference": {"create": True, "update": False}, "Goal": {"search": False}},
        "search": {"CarePlan": ["category=assess-plan", "category=1"]},
    }
    assert read_options(storable=(), allow=(), deny=(), search=()) == {}


@pytest.mark.parametrize(
    ("option", "typed"),
    [
        ("storable", "MedicationStatement.status"),
        ("storable", "MedicationStatement=active"),
        ("storable", "MedicationStatement.status="),
        ("storable", "medication.status=active"),
        ("allow", "DocumentReference"),
        ("allow", "DocumentReference.fly"),
        ("deny", ".create"),
        ("search", "CarePlan"),
        ("search", "CarePlan?category"),
        ("search", "?a=b"),
    ],
)
def test_what_can_not_be_an_option_is_refused_by_its_name(option, typed):
    words = {"storable": (), "allow": (), "deny": (), "search": ()} | {option: [typed]}
    with pytest.raises(WrongWord, match=f"--{option}"):
        read_options(**words)
