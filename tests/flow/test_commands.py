"""Every command as a user types it: what it does, and what it says when what was typed can't be right."""

import gzip
import json
import socket
import sys
from pathlib import Path

import pytest

from tests.flow.conftest import Coordinator, served

NOBODY = "00000000-0000-0000-0000-000000000000"
CONSENT = Path(__file__).parents[2] / "coordinator/sandbox/template/consents/residential-to-iop.json"


def patient(id_="p-1", **parts):
    return {"resourceType": "Patient", "id": id_, "name": [{"family": "Example", "given": ["Robin"]}]} | parts


def goal(id_="g-1", **parts):
    about = {"lifecycleStatus": "active", "subject": {"reference": "Patient/p-1"}, "description": {"text": "Sleep"}}
    return {"resourceType": "Goal", "id": id_} | about | parts


def ndjson(path: Path, *lines: object) -> Path:
    texts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines]
    path.write_bytes(b"".join(text + b"\n" for text in texts))
    return path


# ---- what is typed wrong -------------------------------------------------------------------------------------------

WRONG = [
    (("--nope",), 2, "No such option"),
    (("fly",), 2, "No such command"),
    (("ehr",), 2, ""),
    (("ehr", "add"), 2, "Missing argument"),
    (("ehr", "add", "Clinic", "https://ehr.example.org/fhir"), 2, "NAME can't be used"),
    (("ehr", "add", "clinic", "ehr.example.org"), 2, "no web address"),
    (("ehr", "add", "clinic", "http://ehr.example.org/fhir"), 2, "in clear"),
    (("ehr", "add", "clinic", "https://me:pw@ehr.example.org"), 2, "user or password"),
    (("ehr", "add", "clinic", "file:", "--organization", "A B"), 2, "--organization can't be used"),
    (("ehr", "add", "clinic", "file:", "--identifier", "123"), 2, "--identifier"),
    (("ehr", "add", "clinic", "file:", "--roster", "some"), 2, "--roster"),
    (("ehr", "add", "clinic", "file:", "--roster", "file:/not/there"), 2, "can't be read"),
    (("ehr", "add", "clinic", "file:", "--smart", "app,key=none"), 2, "no key 'none'"),
    (("ehr", "add", "clinic", "file:", "--smart", ""), 2, "begins with the client id"),
    (("--tenant", "bad tenant!", "person", "list"), 1, "name of a tenant"),
    (("sandbox", "serve", "/not/there", "--port", "99999"), 2, "65535"),
    (("ehr", "add", "clinic", "file:", "--mapping", "/not/there.csv"), 2, "can't be read"),
    (("ehr", "add", "clinic", "file:", "--storable", "x"), 2, "--storable"),
    (("ehr", "add", "clinic", "file:", "--allow", "x"), 2, "--allow"),
    (("ehr", "add", "clinic", "file:", "--deny", "x"), 2, "--deny"),
    (("ehr", "add", "clinic", "file:", "--search", "x"), 2, "--search"),
    (("ehr", "check", "nowhere"), 1, "no EHR 'nowhere'"),
    (("ehr", "remove", "nowhere"), 1, "no EHR 'nowhere'"),
    (("keys", "create", "a/b"), 2, "key id is made of"),
    (("keys", "create", "a", "--alg", "HS256"), 2, "HS256"),
    (("sync", "--ehr", "nowhere"), 1, "no EHR 'nowhere'"),
    (("plan", "--ehr", "nowhere"), 1, "no EHR 'nowhere'"),
    (("import", "--ehr", "nowhere"), 2, "Missing argument"),
    (("import", CONSENT), 2, "Missing option"),
    (("import", "/not/there.ndjson", "--ehr", "nowhere"), 2, "can't be read"),
    (("import", CONSENT, "--ehr", "nowhere"), 2, "JSON over several lines"),
    (("import", sys.executable, "--ehr", "nowhere"), 2, "is no NDJSON"),
    (("quarantine", "show", "nothing"), 1, "Nothing is quarantined"),
    (("person", "show", ""), 2, "id of the person is empty"),
    (("person", "show", NOBODY), 1, "0 people"),
    (("person", "draft-plan", NOBODY, "--template", "none"), 2, "no template 'none'"),
    (("findings", "show", "nothing"), 1, "no finding"),
    (("findings", "resolve", "nothing"), 2, "Missing option"),
    (("findings", "resolve", "nothing", "--value", "{", "--reason", "x"), 2, "--value is no JSON"),
    (("findings", "resolve", "nothing", "--value", "[]", "--reason", "x"), 2, "--value is no JSON object"),
    (("findings", "resolve", "nothing", "--value", "{}", "--reason", "x"), 1, "no finding"),
    (("consent", "add", "/not/there.json"), 2, "can't be read"),
    (("consent", "add", "/"), 2, "can't be read"),
    (("consent", "revoke", "nothing"), 1, "no consent"),
    (("audit", "query", "secrets"), 2, "no such question"),
    (("audit", "query", "accesses", "--person", NOBODY), 1, "Nobody has an id"),
    (("audit", "query", "accesses", "--since", "yesterday"), 2, "--since is no day or instant"),
    (("sandbox", "serve", "/not/there"), 1, "no such folder"),
    (("sandbox", "connect", "/not/there"), 1, "not being served"),
    (("sandbox", "new", "/"), 1, "not empty"),
]


@pytest.mark.parametrize(("words", "code", "says"), WRONG, ids=[" ".join(map(str, words)) for words, _, _ in WRONG])
def test_what_can_not_be_right_is_told_in_a_sentence(coordinator: Coordinator, words, code, says):
    told = coordinator(*words)
    assert told.code == code
    assert says in told.err
    assert told.err.count("\n") <= 1
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "byte 0", id="empty"),
        pytest.param(b"\xff\xfe{}", "byte", id="no UTF-8"),
        pytest.param(b"{}", "no resourceType", id="no resource"),
        pytest.param(b'{"resourceType":"Patient","id":"p"}', "is a Patient", id="no consent"),
        pytest.param(b'{"resourceType":"Consent","id":"c","status":"fine"}', "not valid FHIR", id="not valid"),
    ],
)
def test_a_file_that_is_no_consent_is_refused(coordinator: Coordinator, tmp_path: Path, content, says):
    file = tmp_path / "c.json"
    file.write_bytes(content)
    told = coordinator("consent", "add", file)
    assert (told.code, told.err.count("\n")) == (1, 1)
    assert says in told.err


def test_a_server_that_is_down_is_told_and_keeps_nobody_waiting(coordinator: Coordinator, tmp_path: Path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/fhir"
    coordinator("ehr", "add", "down", url)
    coordinator("ehr", "add", "files", "file:")
    told = coordinator("sync", "--json")
    assert told.code == 3
    assert list(told.json["problems"]) == ["down"]
    assert list(told.json["ehrs"]) == ["files"]
    checked = coordinator("ehr", "check", "down")
    assert checked.code == 1
    assert "can't connect" in checked.out
    assert coordinator("doctor").code == 1


def test_a_key_that_is_gone_is_the_trouble_of_its_ehr_alone(coordinator: Coordinator, new_world: Path):
    coordinator("keys", "create", "gone", "--alg", "ES384")
    with served(new_world, coordinator.home) as world:
        coordinator("ehr", "add", "iop", world["ehrs"]["iop"], "--smart", f"app,key=gone,token={world['control']}")
        coordinator("ehr", "add", "residential", world["ehrs"]["residential"])
        (coordinator.home / "keys" / "gone.jwk.json").unlink()
        told = coordinator("sync", "--json")
    assert told.code == 3
    assert "no key 'gone'" in told.json["problems"]["iop"]
    assert told.json["ehrs"]["residential"]["seen"] == 2
    assert "key gone, which is not here" in coordinator("doctor").out


def test_a_database_that_is_not_there_is_told(coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COORDINATOR_DATABASE_URL", "postgresql://nobody:a-secret-drawn-by-lot@127.0.0.1:1/none")
    told = coordinator("person", "list")
    assert (told.code, told.err.count("\n")) == (1, 1)
    assert "database can't be reached" in told.err
    doctor = coordinator("doctor", "--json")
    assert doctor.code == 1
    assert "secret" not in told.err + doctor.out
    areas = {line["area"]: line["state"] for line in json.loads(doctor.out)["lines"]}
    assert areas == {"disk": "ok", "database": "fail"}


# ---- EHRs, keys ----------------------------------------------------------------------------------------------------


def test_an_ehr_is_added_listed_replaced_and_removed(coordinator: Coordinator):
    added = coordinator("ehr", "add", "clinic", "file:", "--name", "Clinic", "--identifier", "urn:x|1", "--json").json
    assert (added["organization"], added["part2"], added["roster"]) == ("clinic", True, "all")
    twice = coordinator("ehr", "add", "clinic", "file:")
    assert (twice.code, "already" in twice.err) == (1, True)
    coordinator("ehr", "add", "clinic", "file:", "--replace", "--no-part2", "--roster", "group:g")
    (row,) = coordinator("ehr", "list", "--json").json
    assert (row["part2"], row["roster"]) == (False, "group:g")
    assert "yes" not in coordinator("ehr", "list").out
    assert coordinator("ehr", "remove", "clinic", "--json").json == {"removed": "clinic", "records_kept": 0}
    assert coordinator("ehr", "list", "--json").json == []


def test_an_organization_of_which_nobody_says_so_counts_as_part_2(coordinator: Coordinator):
    """Known to be in a program is itself the secret: what is not known to be open stays closed."""
    assert coordinator("ehr", "add", "clinic", "file:", "--json").json["part2"] is True
    assert "42 CFR Part 2" in coordinator("ehr", "add", "other", "file:").out


def test_what_an_ehr_sent_stays_when_it_is_removed(coordinator: Coordinator, tmp_path: Path):
    coordinator("ehr", "add", "clinic", "file:")
    coordinator("import", ndjson(tmp_path / "a.ndjson", patient(), goal()), "--ehr", "clinic")
    assert coordinator("ehr", "remove", "clinic", "--json").json["records_kept"] == 2
    assert len(coordinator("person", "list", "--json").json) == 1


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_key_is_made_listed_and_published_without_its_private_half(coordinator: Coordinator, algorithm: str):
    name = f"{algorithm}-{coordinator.tenant}"
    assert coordinator("keys", "create", name, "--alg", algorithm).code == 0
    (listed,) = [one for one in coordinator("keys", "list", "--json").json if one["key"] == name]
    assert (listed["algorithm"], listed["state"], listed["age"], listed["ehrs"]) == (algorithm, "ready", "0 days", [])
    (public,) = [key for key in coordinator("keys", "jwks", "--json").json["keys"] if key["kid"] == name]
    assert public["alg"] == algorithm
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(public)
    assert json.loads(coordinator("keys", "jwks").out)["keys"]
    again = coordinator("keys", "create", name)
    assert (again.code, "already" in again.err) == (2, True)


def test_a_check_says_how_an_ehr_is_read_and_written_and_keeps_what_it_learned(
    coordinator: Coordinator, new_world: Path
):
    with served(new_world, coordinator.home) as world:
        coordinator("ehr", "add", "iop", f"{world['ehrs']['iop']}/metadata")
        report = coordinator("ehr", "check", "iop", "--json").json
        words = coordinator("ehr", "check", "iop").out
    pulling = {row["type"]: row["pulling"] for row in report["types"]}
    forms = {row["concept"]: [form["form"] for form in row["forms"]] for row in report["concepts"]}
    assert (report["usable"], report["fhir_version"]) == (True, "4.0.1")
    assert (pulling["Goal"], pulling["MedicationRequest"]) == ("all", "not-served")
    assert (forms["goal"], forms["enrollment"]) == (["native", "none"], ["none"])
    assert all(one["cure"] for one in report["problems"])
    assert "native Goal, then none" in words
    assert coordinator("ehr", "list", "--json").json[0]["checked"] is True


def test_a_world_is_written_served_connected_and_run(coordinator: Coordinator, tmp_path: Path):
    folder = tmp_path / "mine"
    assert "world.toml" in coordinator("sandbox", "new", folder, "--json").json["files"]
    again = coordinator("sandbox", "new", folder)
    assert (again.code, "not empty" in again.err) == (1, True)
    with served(folder, coordinator.home):
        assert coordinator("sandbox", "connect", folder, "--json").json == {"ehrs": 2}
        second = coordinator("sandbox", "connect", folder)
        assert (second.code, "already has EHRs" in second.err) == (1, True)
        first = coordinator("sync", "--json").json
        again_ = coordinator("sync", "--json").json
        full = coordinator("sync", "--full", "--json").json
        (person,) = coordinator("person", "list", "--json").json
        account = coordinator("person", "show", person["person"][:8], "--json").json
        draft = coordinator("person", "draft-plan", person["person"][:8], "--json").json
        drafted = coordinator("person", "draft-plan", person["person"]).out
        doctor = coordinator("doctor", "--json").json
        after = coordinator("plan", "--json").json
    assert next(one["code"] for one in draft["goals"]) == "maintain-abstinence"
    assert ("nothing was written" in drafted, [one for one in after if one["type"] in ("CarePlan", "Goal")]) == (
        True,
        [],
    )
    assert [first["ehrs"][name]["changed"] for name in ("iop", "residential")] == [4, 2]
    assert (again_["changed"], again_["people"]) == (0, 0)
    assert (full["changed"], full["people"], full["ehrs"]["iop"]["changed"]) == (0, 1, 0)
    assert len(account["identities"]) == 2
    assert doctor["ok"]
    assert [line["cure"] for line in doctor["lines"] if line["state"] != "ok" and not line["cure"]] == []
    down = coordinator("sync")
    assert (down.code, "sandbox" in down.err, down.err.count("\n")) == (1, True, 1)


def test_the_plan_tells_what_is_withheld_without_its_content(coordinator: Coordinator, new_world: Path):
    with served(new_world, coordinator.home):
        coordinator("sandbox", "connect", new_world)
        coordinator("sync")
        (row,) = coordinator("plan", "--json").json
        words = coordinator("plan").out
        waiting = coordinator("plan", "--exit-code", "--brief")
    assert {"ehr", "type", "form", "status", "person", "summary", "target", "base", "diff"} <= set(row)
    assert (row["ehr"], row["status"], row["diff"]) == ("residential", "withheld: no-consent", "")
    assert "withheld: no-consent" in words
    assert row["person"][:8] in words
    assert row["person"][:8] in waiting.out
    for content in ("dose", "mg", "2.1", "film"):
        assert content not in row["summary"]
        assert content not in words
    assert waiting.code == 4


def test_an_organization_is_shown_what_it_may_receive_and_nothing_more(coordinator: Coordinator, new_world: Path):
    """The consent of this world goes one way: what residential knows of the IOP is nothing."""
    with served(new_world, coordinator.home):
        coordinator("sandbox", "connect", new_world)
        coordinator("sync")
        (person,) = coordinator("person", "list", "--json").json
        whole, iop, residential = (
            coordinator("person", "show", person["person"], "--json", *words).json
            for words in ((), ("--as", "iop"), ("--as", "residential"))
        )
        stranger = coordinator("person", "show", person["person"], "--as", "nowhere")
        looks = coordinator("audit", "query", "accesses", "--person", person["person"][:8], "--json").json
    assert [one["ehr"] for one in iop["identities"]] == [one["ehr"] for one in whole["identities"]]
    assert [one["ehr"] for one in residential["identities"]] == ["residential"]
    assert "iop/" not in json.dumps(residential)
    assert len(residential["timeline"]) < len(whole["timeline"])
    assert (stranger.code, "no organization 'nowhere'" in stranger.err) == (1, True)
    assert [one["subject"] for one in looks] == ["account", "account as iop", "account as residential"]
    assert {one["actor"] for one in looks} == {"tester"}


# ---- files ---------------------------------------------------------------------------------------------------------


def test_files_are_taken_in_as_if_an_ehr_had_answered(coordinator: Coordinator, tmp_path: Path):
    coordinator("ehr", "add", "clinic", "file:")
    one = ndjson(tmp_path / "a.ndjson", b"\xef\xbb\xbf" + json.dumps(patient()).encode(), b"", goal(), goal("g-2"))
    two = tmp_path / "b.ndjson.gz"
    two.write_bytes(gzip.compress(json.dumps(goal("g-3")).encode() + b"\r\n"))
    first = coordinator("import", one, two, "--ehr", "clinic", "--json")
    again = coordinator("import", one, two, "--ehr", "clinic", "--json")
    assert (first.code, again.code) == (0, 0)
    assert first.json["types"]["Goal"] == {"read": 3, "changed": 3, "unchanged": 0, "quarantined": 0}
    assert again.json["types"]["Goal"] == {"read": 3, "changed": 0, "unchanged": 3, "quarantined": 0}
    assert (first.json["people"], again.json["people"]) == (1, 0)
    assert [one["family"] for one in coordinator("person", "list", "--json").json] == ["Example"]


def test_a_broken_line_never_loses_the_others(coordinator: Coordinator, tmp_path: Path):
    coordinator("ehr", "add", "clinic", "file:")
    broken = [b'{"resourceType":"Goal","id":', b"[1]", goal("g-2", lifecycleStatus="perhaps"), goal("g-3", id=7)]
    file = ndjson(tmp_path / "a.ndjson", patient(), *broken, b"\xff", goal())
    told = coordinator("import", file, "--ehr", "clinic", "--json")
    assert told.code == 3
    assert sum(one["quarantined"] for one in told.json["types"].values()) == 5
    assert told.json["types"]["Goal"]["changed"] == 1
    rows = coordinator("quarantine", "list", "--json").json
    assert [row["place"].partition(":")[0] for row in rows] == [f"a.ndjson line {number}" for number in range(2, 7)]
    assert all(row["reason"] for row in rows)
    assert "perhaps" not in coordinator("quarantine", "list").out
    shown = coordinator("quarantine", "show", rows[2]["key"], "--json").json
    assert shown["body"] == json.dumps(broken[2])
    assert "perhaps" in coordinator("quarantine", "show", rows[2]["key"]).out
    assert coordinator("quarantine", "list", "--ehr", "other", "--json").json == []
    looks = [one["subject"] for one in coordinator("audit", "query", "accesses", "--json").json]
    assert looks == ["quarantine list", "quarantine list", "quarantine", "quarantine", "quarantine list"]


def test_a_packed_file_that_breaks_off_is_told(coordinator: Coordinator, tmp_path: Path):
    coordinator("ehr", "add", "clinic", "file:")
    file = tmp_path / "a.ndjson.gz"
    file.write_bytes(gzip.compress(b"\n".join(json.dumps(goal(f"g-{n}")).encode() for n in range(500)))[:-200])
    told = coordinator("import", file, "--ehr", "clinic")
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert "a.ndjson.gz" in told.err


def test_what_a_file_leaves_out_never_counts_as_gone(coordinator: Coordinator, tmp_path: Path):
    coordinator("ehr", "add", "clinic", "file:")
    coordinator("import", ndjson(tmp_path / "a.ndjson", patient(), goal(), goal("g-2")), "--ehr", "clinic")
    coordinator("import", ndjson(tmp_path / "b.ndjson", patient(), goal()), "--ehr", "clinic")
    coordinator("sync")
    (person,) = coordinator("person", "list", "--json").json
    assert len(coordinator("person", "show", person["person"], "--json").json["plan"]["goals"]) == 2


# ---- consents, audit, help -----------------------------------------------------------------------------------------


def test_a_consent_is_added_listed_and_revoked(coordinator: Coordinator):
    assert coordinator("consent", "add", CONSENT, "--json").json["state"] == "defective"
    (row,) = coordinator("consent", "list", "--json").json
    assert row["problems"]
    assert coordinator("consent", "revoke", row["consent"], "--json").json["state"] == "revoked"
    assert "revoked" in coordinator("consent", "list").out


def test_the_log_is_asked_from_a_day_on(coordinator: Coordinator):
    coordinator("person", "list")
    assert len(coordinator("audit", "query", "accesses", "--since", "2020-01-01", "--json").json) == 1
    assert coordinator("audit", "query", "accesses", "--since", "2999-01-01T00:00:00Z", "--json").json == []
    assert "Accesses" in coordinator("audit", "query", "accesses").out


def test_an_empty_tenant_is_no_trouble(coordinator: Coordinator):
    for words in (("person", "list"), ("findings", "list"), ("plan",), ("ehr", "list"), ("consent", "list"), ("sync",)):
        assert coordinator(*words).code == 0, words
        assert coordinator(*words, "--json").code == 0, words
    assert "ehr add" in coordinator("sync").out


def test_version_and_help_are_told(coordinator: Coordinator):
    assert coordinator("--version").out.startswith("coordinator 0.")
    told = coordinator("--help")
    assert told.code == 0
    assert "Exit codes" in told.out
