"""Keys are kept where only we read them, and published without what is secret."""

import json
import stat

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from coordinator.ehr import KeyFolder, create_key, public_keys
from coordinator.errors import ConfigurationError, InvalidInput

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
