"""Labels: old spellings, what goes with a code, the high-water mark, and rows of the table that are wrong."""

import pytest

from coordinator.access import Label, high_water, is_at_least, known_labels, label_of
from coordinator.access.labels import known_label, speaks_of_part2
from coordinator.care.csv_table import Row
from coordinator.errors import ConfigurationError

CELLS = {"code": "X", "system": "s", "role": "policy", "rank": "", "spelled": "", "least": "", "part2": "no"}

LABELED = {
    "nothing": ([], "", set()),
    "a confidentiality alone": (["N"], "N", set()),
    "the stricter of two": (["N", "V", "R"], "V", set()),
    "unrestricted is the laxest": (["U", "N"], "N", set()),
    "what goes with a sensitivity": (["SUD"], "R", {"SUD"}),
    "notes are very restricted": (["PSYTHPN", "N"], "V", {"PSYTHPN"}),
    "an older word": (["ETH"], "R", {"SUD"}),
    "the retired spelling": (["NORDSLCD"], "", {"NORDSCLCD"}),
    "a code that is not known": (["local-code"], "", {"local-code"}),
}


@pytest.mark.parametrize(("codes", "confidentiality", "kept"), LABELED.values(), ids=LABELED)
def test_a_label_is_what_its_codes_come_to(codes, confidentiality, kept):
    assert label_of(codes) == Label(confidentiality=confidentiality, codes=frozenset(kept))


def test_the_label_of_a_whole_is_the_high_water_mark():
    parts = [label_of(["N", "MH"]), label_of(["OPIOIDUD"]), label_of([])]
    assert high_water(parts) == Label(confidentiality="R", codes=frozenset({"MH", "OPIOIDUD"}))
    assert high_water([]) == Label()
    assert high_water([label_of(["U"]), label_of(["L"])]).confidentiality == "L"


COMPARED = {
    "the same": (["R", "SUD"], ["R", "SUD"], True),
    "stricter": (["V"], ["R"], True),
    "laxer": (["N"], ["R"], False),
    "none at all": ([], ["U"], False),
    "a code less": (["R"], ["SUD"], False),
}


@pytest.mark.parametrize(("whole", "part", "enough"), COMPARED.values(), ids=COMPARED)
def test_a_label_is_as_strict_as_another_in_each_respect(whole, part, enough):
    assert is_at_least(label_of(whole), label_of(part)) is enough


@pytest.mark.parametrize(
    ("codes", "told"),
    [(["42CFRPart2"], True), (["ETH"], True), (["SPI"], True), (["MH", "R"], False), (["unknown"], False), ([], False)],
)
def test_a_label_may_tell_of_part_2(codes, told):
    assert speaks_of_part2(codes) is told


def test_a_role_that_is_not_known_names_file_and_line():
    with pytest.raises(ConfigurationError, match="line 7: role is none of: confidentiality, policy"):
        known_label(Row(file="labels.csv", line=7, cells=CELLS | {"role": "wish", "meaning": "x"}))


def test_what_we_write_of_a_label_is_its_system_and_its_first_words():
    assert known_labels()["ETH"].display == "substance abuse information sensitivity"
    assert known_labels()["R"].system.endswith("v3-Confidentiality")
    assert known_labels()["U"].rank < known_labels()["V"].rank
