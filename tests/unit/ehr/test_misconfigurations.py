"""Fifteen ways to connect an EHR wrongly, each against a real server that is set up so: the check names cause and cure.

Where nothing is wrong it names none of them.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from coordinator.cli.doctor_checks import State
from coordinator.cli.doctor_ehrs import lines_of
from coordinator.ehr import Cause, EhrRoom, check_connection, create_key, public_keys
from coordinator.fhir.json_text import dumps
from coordinator.sandbox import Sandbox, ServerTls, read_world, serving
from coordinator.sandbox.control import Control
from coordinator.sandbox.exchange import Asked
from coordinator.sync.records import EhrConnection, SmartAuth
from tests.certificates import Issuer
from tests.unit.ehr.conftest import EHR, RECORDS, WORLD, Clock

READ = '["read", "search-type"]'
WRITE = '["read", "search-type", "create", "update"]'
TYPES = ("EpisodeOfCare", "Encounter", "CarePlan", "Goal", "MedicationRequest", "MedicationStatement", "Communication")
OFFER = f"\n[capability]\nPatient = {READ}\n" + "".join(f"{one} = {WRITE}\n" for one in TYPES)
READ_ONLY = f"\n[capability]\nPatient = {READ}\n" + "".join(f"{one} = {READ}\n" for one in TYPES)
MANY = "".join(f'{{"resourceType": "Patient", "id": "p-{number}"}}\n' for number in range(2, 8))


@dataclass(kw_only=True)
class Scene:
    """A served EHR, and how we are connected to it; a row of the table changes something about either."""

    sandbox: Sandbox
    keys: Path
    clock: Clock
    folder: Path
    smart: SmartAuth = field(default_factory=lambda: SmartAuth(client_id="us", key_id="main"))
    url: str = ""
    options: dict = field(default_factory=dict)
    roster: str = "all"

    def connection(self) -> EhrConnection:
        url = self.url or self.sandbox.ehrs["iop"]
        return EhrConnection(
            name="iop", url=url, organization="riverbend", smart=self.smart, options=self.options, roster=self.roster
        )

    async def tell(self, to: str, **body) -> None:
        asked = Asked(method="POST", path=to, body=dumps({"ehr": "iop", **body}))
        assert Control(self.sandbox.app.served).answer(asked).status == 200

    async def fault(self, **body) -> None:
        await self.tell("fault", **body)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A misconfiguration: how the server is, what is changed, and what the check must say of it."""

    change: Callable[[Scene], object] | None = None
    personality: str = ""
    offer: str = OFFER
    records: str = ""
    cause: Cause
    what: tuple[str, ...]
    cure: tuple[str, ...]
    usable: bool = False


def smart(**changed) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        scene.smart = replace(scene.smart, **changed)

    return change


def base(end: str) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        scene.url = scene.sandbox.ehrs["iop"].removesuffix("/fhir") + end

    return change


def another_token_endpoint(scene: Scene) -> None:
    scene.smart = replace(scene.smart, token_url=scene.sandbox.ehrs["iop"].removesuffix("/fhir") + "/oauth/authorize")


async def another_key_registered(scene: Scene) -> None:
    """The EHR has keys of ours, and the one with which we sign is not among them."""
    await scene.tell("client", client_id="us", jwks=public_keys(scene.folder / "others"))
    scene.smart = replace(scene.smart, jwks_url=f"{scene.sandbox.control}/jwks?ehr=iop&client_id=us")


async def another_key_unseen(scene: Scene) -> None:
    """The same where keys are handed over by a person: nothing can be looked at."""
    await scene.tell("client", client_id="us", jwks=public_keys(scene.folder / "others"))


async def no_jwks(scene: Scene) -> None:
    """The address that the EHR was told leads nowhere, so it has no key of ours."""
    await scene.tell("client", client_id="us", jwks=public_keys(scene.folder / "others"))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        scene.smart = replace(scene.smart, jwks_url=f"http://127.0.0.1:{closed.getsockname()[1]}/jwks.json")


def late_clock(scene: Scene) -> None:
    scene.clock.move(minutes=-7)


def patients_of_a_group(scene: Scene) -> None:
    scene.smart = replace(scene.smart, scopes=("patient/*.rs",))


ROWS = {
    "wrong base": Row(
        change=base("/portal"),
        cause=Cause.WRONG_BASE,
        what=("answered 404",),
        cure=("up to the end of the FHIR base",),
    ),
    "base without its last segment": Row(
        change=base(""),
        cause=Cause.WRONG_BASE,
        what=("answered 404",),
        cure=("FHIR R4 server answers at http", "/iop/fhir", "--replace"),
    ),
    "wrong token endpoint": Row(
        change=another_token_endpoint,
        cause=Cause.TOKEN_ENDPOINT,
        what=("answered 404", "/oauth/authorize", "/iop/oauth/token", "There our client gets a token"),
        cure=("--replace", "token="),
    ),
    "unregistered kid": Row(
        change=another_key_registered,
        cause=Cause.KEY,
        what=("key main", "is not in http", "which has: their-1, their-2"),
        cure=("coordinator keys jwks", "wait until the EHR has fetched it"),
    ),
    "unregistered kid, keys given by hand": Row(
        change=another_key_unseen,
        cause=Cause.KEY,
        what=("401 (invalid_client)", "does not know client us with key main"),
        cure=("coordinator keys jwks", "client id", "enabled"),
    ),
    "unreachable JWKS": Row(
        change=no_jwks,
        cause=Cause.JWKS,
        what=("public keys can't be fetched from http://127.0.0.1", "can't connect"),
        cure=("the EHR must reach that address",),
    ),
    "clock skew": Row(
        change=late_clock,
        cause=Cause.CLOCK,
        what=("401 (invalid_client)", "clock is 420 s ahead of ours"),
        cure=("NTP",),
    ),
    "wrong aud: the issuer is wanted": Row(
        personality='audience = "issuer"\n',
        cause=Cause.AUDIENCE,
        what=("have aud http", "/oauth/token", "takes the issuer, http"),
        cure=("--smart us,aud=issuer",),
    ),
    "wrong aud: the base is wanted": Row(
        personality='audience = "base"\n',
        cause=Cause.AUDIENCE,
        what=("takes the FHIR base",),
        cure=("--smart us,aud=base",),
    ),
    "wrong aud: the token endpoint is wanted": Row(
        change=smart(audience="base"),
        cause=Cause.AUDIENCE,
        what=("takes the token endpoint",),
        cure=("--smart us,aud=token",),
    ),
    "scope missing": Row(
        personality='granted_scopes = ["system/Patient.rs", "system/Goal.rs", "system/CarePlan.cruds"]\n',
        change=smart(scopes=("system/Patient.rs", "system/Goal.rs", "system/CarePlan.cruds", "system/Encounter.rs")),
        cause=Cause.SCOPE,
        what=("does not cover read of EpisodeOfCare, Encounter,", "asked for: system/Patient.rs"),
        cure=("Ask the EHR's operator for these scopes",),
        usable=True,
    ),
    "scope missing: asked in the other version": Row(
        personality='scope_versions = ["v1"]\n',
        cause=Cause.SCOPE,
        what=("400 (invalid_scope)",),
        cure=("scopes=",),
    ),
    "a proxy answers HTML": Row(
        change=lambda scene: scene.fault(kind="html", status=200),
        cause=Cause.WEB_PAGE,
        what=("web page (status 200)",),
        cure=("proxy", "let this machine pass"),
    ),
    "a proxy answers HTML with a status of its own": Row(
        change=lambda scene: scene.fault(kind="html", status=502),
        cause=Cause.WEB_PAGE,
        what=("gateway or proxy", "status 502"),
        cure=("runs the network",),
    ),
    "a proxy answers HTML to searches alone": Row(
        change=lambda scene: scene.fault(kind="html", status=200, path="Patient"),
        cause=Cause.WEB_PAGE,
        what=("a first search: got a web page",),
        cure=("proxy",),
        usable=True,
    ),
    "a proxy answers HTML where tokens are given": Row(
        change=lambda scene: scene.fault(kind="html", status=403, path="oauth"),
        cause=Cause.WEB_PAGE,
        what=("token endpoint: got a web page (status 403)",),
        cure=("proxy",),
    ),
    "FHIR version DSTU2": Row(
        personality='fhir_version = "1.0.2"\n',
        cause=Cause.FHIR_VERSION,
        what=("R4 is needed", "DSTU2 (1.0.2)"),
        cure=("R4 base",),
    ),
    "FHIR version STU3": Row(
        personality='fhir_version = "3.0.2"\n',
        cause=Cause.FHIR_VERSION,
        what=("R4 is needed", "STU3 (3.0.2)"),
        cure=("R4 base",),
    ),
    "patient-scope only": Row(
        personality="patient_required = true\n",
        cause=Cause.ROSTER,
        what=("answers no search for all patients (status 400)",),
        cure=("--roster group:ID or file:F",),
        usable=True,
    ),
    "patient-scope only: no scope for a system": Row(
        change=patients_of_a_group,
        cause=Cause.SCOPE,
        what=("None of the granted scopes is for a system", "patient/*.rs"),
        cure=("backend services",),
        usable=True,
    ),
    "page cap": Row(
        personality="page_cap = 4\n",
        records=MANY,
        cause=Cause.PAGE_CAP,
        what=("at most 4 records a page", "ask for 200", "50 times"),
        cure=("raise the cap",),
        usable=True,
    ),
    "rate limit": Row(
        change=lambda scene: scene.fault(kind="throttle", after=3, retry_after=900),
        cause=Cause.RATE_LIMIT,
        what=("429", "too many requests", "wait 900 s"),
        cure=("how many requests a minute",),
        usable=True,
    ),
    "rate limit from the first request": Row(
        change=lambda scene: scene.fault(kind="throttle", retry_after=900),
        cause=Cause.RATE_LIMIT,
        what=("429", "too many requests", "wait 900 s"),
        cure=("how many requests a minute",),
    ),
    "rate limit at the token endpoint": Row(
        change=lambda scene: scene.fault(kind="throttle", after=2, retry_after=900),
        cause=Cause.RATE_LIMIT,
        what=("429",),
        cure=("how many requests a minute",),
    ),
    "read-only": Row(
        offer=READ_ONLY,
        cause=Cause.READ_ONLY,
        what=("takes no writes",),
        cure=("scopes to write", "coordinator plan"),
        usable=True,
    ),
    "read-only by its scopes": Row(
        change=smart(scopes=("system/*.rs",)),
        cause=Cause.READ_ONLY,
        what=("takes no writes",),
        cure=("scopes to write",),
        usable=True,
    ),
    "gzip said and not done": Row(
        change=lambda scene: scene.fault(kind="gzip", lie="said"),
        cause=Cause.PACKING,
        what=("not in the encoding that it claims",),
        cure=("Content-Encoding",),
    ),
    "gzip done and not said": Row(
        change=lambda scene: scene.fault(kind="gzip", lie="done"),
        cause=Cause.PACKING,
        what=("packed with gzip and did not say so",),
        cure=("Content-Encoding",),
    ),
}


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("our-keys")
    create_key(folder / "keys", "main", "ES384")
    create_key(folder / "others", "their-1", "ES384")
    create_key(folder / "others", "their-2", "ES384")
    return folder


@pytest.fixture
def stage(tmp_path: Path, key_folder: Path, clock: Clock):
    """Serve an EHR, connect to it as a row says, and return the report of the check."""

    async def check(row: Row, *, tls: ServerTls | None = None):
        world = tmp_path / "world"
        (world / "iop").mkdir(parents=True)
        (world / "world.toml").write_text(WORLD)
        (world / "iop/ehr.toml").write_text(EHR + "smart = true\n" + row.personality + row.offer)
        (world / "iop/records.ndjson").write_text(RECORDS + row.records)
        async with serving(read_world(world), tls=tls) as sandbox:
            scene = Scene(sandbox=sandbox, keys=key_folder / "keys", clock=clock, folder=key_folder)
            await scene.tell("client", client_id="us", jwks=public_keys(scene.keys))
            made = row.change(scene) if row.change else None
            if made is not None:
                await made
            room = EhrRoom(clock=clock, keys=scene.keys)
            return await check_connection(room, scene.connection())

    return check


def assert_told(report, row: Row) -> None:
    """The check and the doctor both tell it, in the same words."""
    [problem, *_] = [one for one in report.problems if one.cause is row.cause]
    assert [word for word in row.what if word not in problem.what] == [], problem.what
    assert [word for word in row.cure if word not in problem.cure] == [], problem.cure
    assert report.is_usable == row.usable
    lines = lines_of(report, EhrConnection(name="iop", url="https://ehr.test", organization="riverbend"))
    assert [one.cure for one in lines if one.state is not State.OK and problem.what in one.text] == [problem.cure]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_a_wrong_connection_is_told_with_its_cause_and_its_cure(stage, row):
    report = await stage(row)
    assert_told(report, row)
    assert report.problems[0].cause is row.cause or row.usable


async def test_a_right_connection_has_none_of_these_problems(stage):
    report = await stage(Row(cause=Cause.OTHER, what=(), cure=(), usable=True))
    assert report.problems == ()
    assert report.is_usable


async def test_no_check_changes_anything_or_asks_for_a_person(stage, key_folder, clock, tmp_path):
    asked = []

    async def tell(scene: Scene) -> None:
        asked.append(scene.sandbox)

    await stage(Row(change=tell, personality="page_cap = 4\n", records=MANY, cause=Cause.PAGE_CAP, what=(), cure=()))
    log = asked[0].app.served.log("iop")
    assert {(row.method, row.path.partition("?")[0].rpartition("/")[2]) for row in log} == {
        ("GET", "metadata"),
        ("GET", "smart-configuration"),
        ("POST", "token"),
        ("GET", "Patient"),
    }
    assert not any("name" in row.path for row in log)


# --- TLS ------------------------------------------------------------------------------------------------------------


def trusting(issuer: Issuer) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        scene.options = {"tls": {"ca": str(issuer.file)}}

    return change


CERTIFICATES = {
    "expired TLS": (
        {"ended": True},
        True,
        Row(cause=Cause.CERTIFICATE, what=("certificate has expired",), cure=("operator must renew it",)),
    ),
    "TLS for another host": (
        {"address": "127.0.0.9"},
        True,
        Row(cause=Cause.CERTIFICATE, what=("certificate is for another address",), cure=("by the name",)),
    ),
    "TLS of an unknown issuer": (
        {},
        False,
        Row(cause=Cause.CERTIFICATE, what=("issued by nobody whom this machine trusts",), cure=("--tls ca=FILE",)),
    ),
}


@pytest.mark.parametrize(("issued", "is_trusted", "row"), CERTIFICATES.values(), ids=CERTIFICATES.keys())
async def test_a_certificate_that_does_not_hold_is_told_with_its_cause_and_its_cure(
    stage, issuer, issued, is_trusted, row
):
    files = issuer.issue("iop", **issued)
    change = trusting(issuer) if is_trusted else None
    report = await stage(replace(row, change=change), tls=ServerTls(certificate=files.certificate, key=files.key))
    assert_told(report, row)


async def test_an_issuer_of_the_houses_own_is_trusted_where_its_file_is_given(stage, issuer):
    files = issuer.issue("iop")
    tls = ServerTls(certificate=files.certificate, key=files.key)
    report = await stage(Row(change=trusting(issuer), cause=Cause.OTHER, what=(), cure=()), tls=tls)
    assert report.problems == ()


@pytest.mark.parametrize("shows", [True, False], ids=["shown", "not shown"])
async def test_where_an_ehr_asks_for_our_certificate_it_is_shown(stage, issuer, shows):
    files, ours = issuer.issue("iop"), issuer.issue("us")
    tls = ServerTls(certificate=files.certificate, key=files.key, clients=issuer.file)

    def change(scene: Scene) -> None:
        mine = {"cert": str(ours.certificate), "key": str(ours.key)} if shows else {}
        scene.options = {"tls": {"ca": str(issuer.file), **mine}}

    report = await stage(Row(change=change, cause=Cause.OTHER, what=(), cure=()), tls=tls)
    if shows:
        assert report.problems == ()
        return
    [problem] = report.problems
    assert "connection broke" in problem.what  # the alert that would tell why is lost with the connection
    assert "--tls cert=FILE,key=FILE" in problem.cure


@pytest.mark.parametrize("name", ["ca", "cert"])
async def test_a_file_of_tls_that_can_not_be_used_is_told(stage, tmp_path, name):
    (tmp_path / "x.pem").write_text("no certificate")

    def change(scene: Scene) -> None:
        scene.options = {"tls": {name: str(tmp_path / "x.pem")}}

    report = await stage(Row(change=change, cause=Cause.OTHER, what=(), cure=()))
    assert "the file x.pem for TLS" in report.problems[0].what
    assert "PEM" in report.problems[0].cure


def test_the_reference_tells_of_each_cause():
    page = Path("docs/reference/ehr-check.md").read_text()
    assert [one.value for one in Cause if f"| `{one.value}` |" not in page] == []
