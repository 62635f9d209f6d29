"""Keys are kept where only we read them, and published without what is secret."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from coordinator.ehr import KeyFolder, create_key, public_keys
from coordinator.errors import ConfigurationError, InvalidInput
from tests.builders import NOW

SECRET = {"d", "p", "q", "dp", "dq", "qi", "k"}


def test_keys_are_kept_for_our_eyes_only(tmp_path):
    folder = tmp_path / "keys"
    create_key(folder, "main", "ES384")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()] == [0o600]


def test_what_is_published_tells_the_public_part_alone(keys):
    published = public_keys(keys)["keys"]
    assert [(one["kid"], one["alg"], one["use"], one["kty"]) for one in published] == [
        ("ec", "ES384", "sig", "EC"),
        ("rsa", "RS384", "sig", "RSA"),
    ]
    assert not SECRET & {name for one in published for name in one}


def test_keys_are_named_with_their_algorithm_and_an_absent_folder_has_none(keys, tmp_path):
    assert [(one.key_id, one.algorithm) for one in KeyFolder(keys).names()] == [("ec", "ES384"), ("rsa", "RS384")]
    assert KeyFolder(tmp_path / "none").names() == []
    assert public_keys(tmp_path / "none") == {"keys": []}


def test_a_key_is_never_overwritten(tmp_path):
    create_key(tmp_path, "main", "ES384")
    before = (tmp_path / "main.jwk.json").read_bytes()
    with pytest.raises(InvalidInput, match="already"):
        create_key(tmp_path, "main", "ES384")
    assert (tmp_path / "main.jwk.json").read_bytes() == before


@pytest.mark.parametrize("key_id", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_key_id_is_a_plain_name(tmp_path, key_id):
    with pytest.raises(InvalidInput):
        create_key(tmp_path, key_id, "ES384")
    assert list(tmp_path.iterdir()) == []


def test_only_what_smart_asks_for_is_made(tmp_path):
    with pytest.raises(InvalidInput, match="RS384, ES384"):
        create_key(tmp_path, "main", "HS256")


USELESS = {
    "cut off": "{",
    "no object": "[]",
    "another kind": json.dumps(OctKey.generate_key(256).as_dict(private=True)),
    "public only": json.dumps(ECKey.generate_key("P-384").as_dict(private=False)),
    "another curve": json.dumps(ECKey.generate_key("P-256").as_dict(private=True)),
}


@pytest.mark.parametrize("text", USELESS.values(), ids=USELESS.keys())
def test_a_file_that_holds_no_useful_key_is_told_by_its_name(tmp_path, text):
    (tmp_path / "main.jwk.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"main\.jwk\.json") as problem:
        KeyFolder(tmp_path).private("main")
    assert problem.value.hint


def test_a_key_made_elsewhere_signs_by_its_kind(tmp_path):
    (tmp_path / "theirs.jwk.json").write_text(json.dumps(RSAKey.generate_key(2048).as_dict(private=True)))
    assert KeyFolder(tmp_path).names()[0].algorithm == "RS384"


# --- rotated and retired --------------------------------------------------------------------------------------------

DAY = timedelta(days=1)


def kids(folder: Path) -> list[str]:
    return [key["kid"] for key in public_keys(folder)["keys"]]


def test_the_next_key_is_published_at_once_and_signs_when_the_overlap_is_over(tmp_path: Path):
    create_key(tmp_path, "main", "ES384", now=NOW)
    folder = KeyFolder(tmp_path)
    made = folder.rotate("main", overlap=DAY, now=NOW)
    assert (made.key_id, made.algorithm, kids(tmp_path)) == ("main-2", "ES384", ["main-2", "main"])
    assert [folder.signing("main", NOW + by)[0] for by in (timedelta(0), DAY - timedelta(seconds=1), DAY)] == [
        *("main", "main", "main-2"),
    ]
    assert {one.key_id: (one.signs(NOW), one.signs(NOW + DAY)) for one in folder.names()} == {
        "main": (True, False),
        "main-2": (True, True),
    }


def test_a_retired_key_is_out_of_the_jwks_and_what_named_it_goes_on_with_the_next(tmp_path: Path):
    create_key(tmp_path, "main", "ES384", now=NOW)
    folder = KeyFolder(tmp_path)
    folder.rotate("main", overlap=DAY, now=NOW)
    with pytest.raises(InvalidInput, match="still signs"):
        folder.retire("main", now=NOW)
    folder.retire("main", now=NOW + DAY)
    assert kids(tmp_path) == ["main-2"]
    assert '"d"' not in (tmp_path / "main.jwk.json").read_text()
    assert folder.signing("main", NOW + DAY)[0] == "main-2"
    folder.rotate("main-2", overlap=timedelta(0), now=NOW + DAY)
    folder.retire("main-2", now=NOW + DAY)
    assert (folder.signing("main", NOW + DAY)[0], folder.known()) == ("main-3", ["main-2", "main-3", "main"])
    for gone in (
        lambda: folder.private("main"),
        lambda: folder.retire("main", now=NOW),
        lambda: folder.signing("x", NOW),
    ):
        with pytest.raises(ConfigurationError, match="no key"):
            gone()


def test_a_key_that_was_retired_without_a_next_one_is_known_no_more(tmp_path: Path):
    create_key(tmp_path, "main", "ES384")
    folder = KeyFolder(tmp_path)
    folder.retire("main", now=NOW)
    assert (folder.known(), folder.names()) == ([], [])
    with pytest.raises(ConfigurationError, match="no key"):
        folder.signing("main", NOW)
    with pytest.raises(InvalidInput, match="already"):
        create_key(tmp_path, "main", "ES384")  # an EHR may still hold the old key under this id


def test_a_key_has_one_next_key_at_a_time(tmp_path: Path):
    create_key(tmp_path, "k-1", "ES384")
    folder = KeyFolder(tmp_path)
    assert folder.rotate("k-1", overlap=DAY, now=NOW).key_id == "k-2"
    with pytest.raises(InvalidInput, match="next key already"):
        folder.rotate("k-1", overlap=DAY, now=NOW)
    with pytest.raises(ConfigurationError, match="no key"):
        folder.rotate("none", overlap=DAY, now=NOW)


def test_keys_and_secrets_are_readable_by_their_owner_alone_whatever_is_done_with_them(tmp_path: Path):
    folder = KeyFolder(tmp_path / "keys")
    folder.put_secret("test-server", "one")
    folder.put_secret("test-server", "two")
    create_key(tmp_path / "keys", "main", "ES384", now=NOW)
    folder.rotate("main", overlap=DAY, now=NOW)
    assert (folder.secret("test-server"), folder.secrets()) == ("two", ["test-server"])
    files = list((tmp_path / "keys").iterdir())
    assert sorted(one.name for one in files) == ["main-2.jwk.json", "main.jwk.json", "test-server.secret"]
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}


@pytest.mark.parametrize("name", ["none", "../x", ""])
def test_a_secret_that_is_not_there_is_told(tmp_path: Path, name):
    with pytest.raises(ConfigurationError, match="no secret"):
        KeyFolder(tmp_path).secret(name)
