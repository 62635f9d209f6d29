"""Fields as the database holds them: of no use without the keys, and of no use anywhere else but where they stood."""

import pytest

from coordinator.errors import ConfigurationError
from coordinator.store.seals import MasterKeyFile, SealBroken, Seals, new_master_key

SEALS = Seals(tenant="harbor", secrets={1: b"1" * 32, 2: b"2" * 32}, index=b"i" * 32)
FIELD = b'{"resourceType": "Patient", "name": [{"family": "Ruiz"}]}'
PLACE = ("iop", "Patient", "p-1")


def sealed(seals=SEALS, column="resource_version.body", place=PLACE):
    return seals.seal(column, FIELD, *place)


def test_a_field_comes_back_as_it_was_and_shows_nothing_of_itself():
    assert SEALS.open("resource_version.body", sealed(), *PLACE) == FIELD
    assert b"Ruiz" not in sealed()


def test_a_text_comes_back_as_it_was():
    text = SEALS.seal_text("finding.sentence", "Zoë attended 8.25 h.", "person", "key")
    assert SEALS.open_text("finding.sentence", text, "person", "key") == "Zoë attended 8.25 h."


def test_equal_fields_at_one_place_are_equal_bytes_and_elsewhere_are_not():
    """A run without news writes no row; and two people with the same account can't be seen to have it."""
    assert sealed() == sealed()
    assert sealed() != sealed(place=("iop", "Patient", "p-2"))


@pytest.mark.parametrize(
    "other",
    [
        sealed(place=("iop", "Patient", "p-2")),
        sealed(place=("iop", "Patientp-1", "")),
        sealed(column="quarantine.body"),
        sealed(Seals(tenant="other", secrets={2: b"2" * 32}, index=b"i" * 32)),
        sealed(Seals(tenant="harbor", secrets={2: b"3" * 32}, index=b"i" * 32)),
        sealed(Seals(tenant="harbor", secrets={3: b"2" * 32}, index=b"i" * 32)),
        FIELD,
        b"",
        sealed()[:-1],
        sealed()[:20],
        b"\x02" + sealed()[1:],
        *(sealed()[:at] + bytes([sealed()[at] ^ 1]) + sealed()[at + 1 :] for at in (1, 2, 3, 14, 15, 40, -2)),
    ],
)
def test_what_was_moved_changed_or_put_there_from_outside_is_refused_without_a_word_of_it(other):
    with pytest.raises(SealBroken) as refused:
        SEALS.open("resource_version.body", other, *PLACE)
    assert "Ruiz" not in refused.value.sentence
    assert refused.value.subject == "resource_version.body"


@pytest.mark.parametrize("other", ["plain words", "é", SEALS.seal_text("finding.facts", "x", "person", "key")])
def test_a_text_that_is_not_ours_is_refused(other):
    with pytest.raises(SealBroken):
        SEALS.open_text("finding.sentence", other, "person", "key")


def test_the_newest_key_seals_and_all_of_them_open():
    old = sealed(Seals(tenant="harbor", secrets={1: b"1" * 32}, index=b"i" * 32))
    assert old[1:3] == b"\x00\x01"
    assert sealed()[1:3] == b"\x00\x02"
    assert SEALS.open("resource_version.body", old, *PLACE) == FIELD


def test_what_is_looked_up_is_blind_and_keys_are_not_shown():
    assert SEALS.blind("n|ruiz|1991") == SEALS.blind("n|ruiz|1991") != SEALS.blind("n|ruiz|1992")
    assert "ruiz" not in SEALS.blind("n|ruiz|1991")
    assert "1111" not in repr(SEALS)


def test_a_master_key_wraps_keys_for_what_they_are_about_alone(tmp_path):
    master = MasterKeyFile(tmp_path / "keys" / "master.key", may_make=True)
    wrapped = master.wrap(b"k" * 32, "harbor/fields/1")
    assert b"kkkk" not in wrapped
    assert MasterKeyFile(tmp_path / "keys" / "master.key").unwrap(wrapped, "harbor/fields/1") == b"k" * 32
    with pytest.raises(ConfigurationError, match="another master key"):
        master.unwrap(wrapped, "other/fields/1")
    assert (tmp_path / "keys" / "master.key").stat().st_mode & 0o777 == 0o600


def test_a_master_key_that_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "master.key"
    new_master_key(path)
    before = path.read_bytes()
    new_master_key(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (None, 0o600, "can't be read"),
        (b"not base64!", 0o600, "no master key|can't be read"),
        (b"c2hvcnQ=\n", 0o600, "32 bytes"),
        (b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o644, "Others may read"),
        (b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o640, "Others may read"),
    ],
)
def test_a_master_key_that_can_not_be_trusted_is_refused_with_what_to_do(tmp_path, content, mode, told):
    path = tmp_path / "master.key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigurationError, match=told) as refused:
        MasterKeyFile(path).unwrap(b"x" * 60, "harbor/fields/1")
    assert refused.value.hint
