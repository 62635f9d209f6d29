"""Whether two records are about one person: certain, possible or none, never by a guess.

Wrong-person links disclose one person's treatment to another's clinic; missed links hide a methadone course. So what is
less than full agreement is a question for a person.
"""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.care.patient.keys import matching_keys, wider_keys
from coordinator.care.patient.model import Address, PatientRecord
from coordinator.care.patient.rules import Agreement, agreement
from coordinator.fhir import Identifier

MRN = Identifier(system="https://riverbend.example/mrn", value="RB003308", type_code="MR")
OTHER_MRN = Identifier(system="https://harborhouse.example/mrn", value="HH-20417", type_code="MR")
SSN = Identifier(system="http://hl7.org/fhir/sid/us-ssn", value="078-05-1120", type_code="SS")
OTHER_SSN = replace(SSN, value="219-09-9999")
HOME = Address(lines=("48 Elm Street",), city="Albany", state="NY", postal_code="12207")
ELSEWHERE = Address(lines=("9 Oak Road",), city="Troy", state="NY", postal_code="12180")

CERTAIN, POSSIBLE, NONE = Agreement.CERTAIN, Agreement.POSSIBLE, Agreement.NONE


def a_person(**fields: Any) -> PatientRecord:
    known: dict[str, Any] = {
        "family": "Ruiz",
        "given": ("Ana", "Maria"),
        "birth_date": "1991-04-12",
        "phones": ("+1-518-555-0141",),
        "addresses": (HOME,),
    }
    return PatientRecord(**(known | fields))


ANA = a_person()

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], Agreement]] = {
    # full agreement
    "all agree": ({}, {}, CERTAIN),
    "phone only": ({"addresses": ()}, {}, CERTAIN),
    "address only": ({"phones": ()}, {}, CERTAIN),
    "phone written otherwise": ({"addresses": ()}, {"phones": ("(518) 555.0141 x12",)}, CERTAIN),
    "one of two phones": ({"addresses": ()}, {"phones": ("518-555-0199", "5185550141")}, CERTAIN),
    "address written otherwise": (
        {"phones": ()},
        {"addresses": (Address(lines=("48 Elm St.",), postal_code="12207-1234"),)},
        CERTAIN,
    ),
    "address without a zip code": (
        {"phones": (), "addresses": (replace(HOME, postal_code=""),)},
        {"addresses": (Address(lines=("48 ELM ST",), city="albany", state="ny"),)},
        CERTAIN,
    ),
    "apartment written otherwise": (
        {"phones": (), "addresses": (replace(HOME, lines=("88 Central Avenue, Apt 12",)),)},
        {"addresses": (replace(HOME, lines=("88 Central Ave", "#12")),)},
        CERTAIN,
    ),
    "accents and case": ({"family": "NÚÑEZ"}, {"family": "Nunez"}, CERTAIN),
    "apostrophe and hyphen": ({"family": "O'Brien-Diaz"}, {"family": "O\u2019Brien Diaz"}, CERTAIN),
    "second given name missing": ({}, {"given": ("Ana",)}, CERTAIN),
    "given names in one word": ({}, {"given": ("Ana Maria",)}, CERTAIN),
    "Jr in one chart only": ({}, {"family": "Ruiz Jr."}, CERTAIN),
    # name and birth date alone
    "neither phone nor address known": ({"phones": (), "addresses": ()}, {"phones": (), "addresses": ()}, POSSIBLE),
    "moved, with a new phone": ({}, {"phones": ("518-555-0199",), "addresses": (ELSEWHERE,)}, POSSIBLE),
    "Jr and Sr": ({"family": "Ruiz Jr"}, {"family": "Ruiz Sr"}, POSSIBLE),
    "two social security numbers": ({"identifiers": (SSN,)}, {"identifiers": (OTHER_SSN,)}, POSSIBLE),
    "two record numbers of two EHRs": ({"identifiers": (MRN,)}, {"identifiers": (OTHER_MRN,)}, CERTAIN),
    # shared identifiers
    "identifier shared": ({"identifiers": (MRN,)}, {"identifiers": (OTHER_MRN, MRN)}, CERTAIN),
    "identifier shared, name changed": (
        {"identifiers": (MRN,)},
        {"identifiers": (MRN,), "family": "Diaz", "phones": (), "addresses": ()},
        CERTAIN,
    ),
    "identifier shared, birth dates differ": (
        {"identifiers": (MRN,)},
        {"identifiers": (MRN,), "birth_date": "1961-04-12"},
        POSSIBLE,
    ),
    "identifier shared, birth year fits": (
        {"identifiers": (MRN,)},
        {"identifiers": (MRN,), "birth_date": "1991"},
        CERTAIN,
    ),
    "identifier shared, no birth date": ({"identifiers": (MRN,)}, {"identifiers": (MRN,), "birth_date": None}, CERTAIN),
    "identifier shared, no birth date, a stranger's name": (
        {"identifiers": (MRN,)},
        {"identifiers": (MRN,), "birth_date": None, "family": "Okafor", "given": ("Ben",)},
        POSSIBLE,
    ),
    "same value of another system": (
        {"identifiers": (MRN,), "phones": (), "addresses": ()},
        {"identifiers": (replace(MRN, system="https://x"),)},
        POSSIBLE,
    ),
    "visit number shared": (
        {"identifiers": (replace(MRN, type_code="VN"),), "family": "Diaz", "phones": (), "addresses": ()},
        {"identifiers": (replace(MRN, type_code="VN"),)},
        NONE,
    ),
    "family's member number shared": (
        {"identifiers": (replace(MRN, type_code="MB"),), "given": ("Luis",)},
        {"identifiers": (replace(MRN, type_code="MB"),)},
        NONE,
    ),
    "placeholder number shared": (
        {"identifiers": (replace(SSN, value="999-99-9999"),), "given": ("Luis",)},
        {"identifiers": (replace(SSN, value="999-99-9999"),)},
        NONE,
    ),
    "identifier without a system": (
        {"identifiers": (Identifier(value="7"),), "given": ("Luis",)},
        {"identifiers": (Identifier(value="7"),)},
        NONE,
    ),
    # twins, relatives, namesakes
    "twins": ({"given": ("Luis",)}, {}, NONE),
    "twins without a phone": ({"given": ("Luis",), "phones": ()}, {"phones": ()}, NONE),
    "father and son": ({"birth_date": "1961-09-30"}, {}, NONE),
    "namesake born another day": ({"birth_date": "1991-11-25", "phones": (), "addresses": ()}, {}, NONE),
    "spouses": ({"given": ("Luis",), "birth_date": "1990-01-31"}, {}, NONE),
    "strangers": (
        {"family": "Okafor", "given": ("Ben",), "birth_date": "1985-11-30", "phones": (), "addresses": ()},
        {},
        NONE,
    ),
    "strangers of one house": ({"family": "Okafor", "given": ("Ben",), "birth_date": "1985-11-30"}, {}, NONE),
    "strangers born on one day in one house": (
        {"family": "Okafor", "given": ("Ben",), "phones": ()},
        {"phones": ()},
        NONE,
    ),
    # changed and misspelled names
    "changed surname, same phone": ({"family": "Diaz", "addresses": ()}, {}, POSSIBLE),
    "changed surname, same address": ({"family": "Diaz", "phones": ()}, {}, POSSIBLE),
    "changed surname, nothing to confirm": ({"family": "Diaz", "phones": (), "addresses": ()}, {}, NONE),
    "another name on the same phone": ({"family": "Diaz", "given": ("Luz",), "addresses": ()}, {}, POSSIBLE),
    "letter missing": ({"given": ("Anna",)}, {}, POSSIBLE),
    "letter wrong": ({"given": ("Ane",)}, {}, POSSIBLE),
    "letters exchanged": ({"given": ("Jonh",)}, {"given": ("John",)}, POSSIBLE),
    "initial": ({"given": ("A.",)}, {}, POSSIBLE),
    "letter wrong, nothing to confirm": ({"given": ("Ane",), "phones": (), "addresses": ()}, {}, NONE),
    "short names that differ": ({"given": ("Al",)}, {"given": ("Ed",)}, NONE),
    "names of other lengths": ({"given": ("Anastasia",)}, {}, NONE),
    "two letters wrong": ({"given": ("Ino",)}, {}, NONE),
    # birth dates that nearly agree: common slips of the hand, so a question where phone or address back them
    "day and month swapped": ({"birth_date": "1991-12-04"}, {}, POSSIBLE),
    "day and month swapped, nothing to confirm": (
        {"birth_date": "1991-12-04", "phones": (), "addresses": ()},
        {},
        NONE,
    ),
    "one digit off": ({"birth_date": "1991-04-13"}, {}, POSSIBLE),
    "one digit off, nothing to confirm": ({"birth_date": "1991-04-13", "phones": (), "addresses": ()}, {}, NONE),
    "year of birth only": ({"birth_date": "1991"}, {}, POSSIBLE),
    "month of birth only": ({"birth_date": "1991-04"}, {}, POSSIBLE),
    "another year only": ({"birth_date": "1990"}, {}, NONE),
    "year of birth only, nothing to confirm": ({"birth_date": "1991", "phones": (), "addresses": ()}, {}, NONE),
    # names that are written otherwise
    "short form": ({"given": ("Bob",)}, {"given": ("Robert",)}, POSSIBLE),
    "short form, nothing to confirm": (
        {"given": ("Bob",), "phones": (), "addresses": ()},
        {"given": ("Robert",)},
        POSSIBLE,
    ),
    "two short forms of one name": ({"given": ("Bob",)}, {"given": ("Robbie",)}, NONE),
    "sounds alike": ({"given": ("Steven",)}, {"given": ("Stephen",)}, POSSIBLE),
    "family name sounds alike": ({"family": "Smith", "phones": ()}, {"family": "Smythe"}, POSSIBLE),
    "family name one letter apart": ({"family": "Ruis"}, {}, POSSIBLE),
    "letters of the family name exchanged": ({"family": "Riuz"}, {}, POSSIBLE),
    "hyphen dropped at marriage": (
        {"family": "Ruiz-Okafor", "phones": (), "addresses": ()},
        {"family": "Okafor"},
        POSSIBLE,
    ),
    "former name": (
        {"family": "Diaz", "former_families": ("Ruiz",), "phones": (), "addresses": ()},
        {},
        POSSIBLE,
    ),
    "a name of another script": (
        {"family": "Иванова", "given": ("Анна",)},
        {"family": "Иванова", "given": ("Анна",)},
        CERTAIN,
    ),
    # the mail, and the sex that was recorded
    "email alone backs it": (
        {"phones": (), "addresses": (), "emails": ("Ana.Ruiz@mail.example",)},
        {"emails": ("ana.ruiz@mail.example",)},
        CERTAIN,
    ),
    "no email": (
        {"phones": (), "addresses": (), "emails": ("none@none",)},
        {"emails": ("none@none",)},
        POSSIBLE,
    ),
    "another sex recorded": ({"gender": "male"}, {"gender": "female"}, CERTAIN),
    # more traps
    "twins of two first names": ({"given": ("Ana", "Maria")}, {"given": ("Ana", "Lucia")}, POSSIBLE),
    "second name as an initial": ({"given": ("Ana", "M.")}, {}, CERTAIN),
    "twins under one number": (
        {"identifiers": (MRN,), "given": ("Luis",)},
        {"identifiers": (MRN,)},
        POSSIBLE,
    ),
    "twins, one misspelled": ({"given": ("Luis",), "family": "Ruis"}, {}, NONE),
    "Jr beside the name and Sr in it": ({"suffixes": ("Jr.",)}, {"family": "Ruiz Sr"}, POSSIBLE),
    "number shared, another that a person has once differs": (
        {"identifiers": (MRN, SSN)},
        {"identifiers": (MRN, OTHER_SSN)},
        POSSIBLE,
    ),
    "newborns": ({"given": ("Baby",)}, {"given": ("Baby",)}, NONE),
    "newborns by boy and girl": ({"given": ("BabyBoy",)}, {"given": ("Babygirl",)}, NONE),
    "a newborn and the child with a name": ({"given": ("Baby Boy",)}, {"given": ("Luis",)}, NONE),
    "household phone, another birth date": (
        {"given": ("Luis",), "birth_date": "1965-07-07"},
        {},
        NONE,
    ),
    "mother and daughter of one name": ({"birth_date": "1961-04-30"}, {}, NONE),
    # masked and absent
    "no birth date": ({"birth_date": None}, {}, NONE),
    "placeholder birth date": ({"birth_date": "1900-01-01"}, {"birth_date": "1900-01-01"}, NONE),
    "birth date that is none": ({"birth_date": "12/04/1991"}, {}, NONE),
    "masked name on both": ({"family": "***", "given": ("***",)}, {"family": "***", "given": ("***",)}, NONE),
    "masked family on one": ({"family": "XXXX"}, {}, NONE),
    "redacted name on both": ({"family": "REDACTED"}, {"family": "redacted"}, NONE),
    "no name at all": ({"family": None, "given": ()}, {"family": None, "given": ()}, NONE),
    "no given name": ({"given": ()}, {}, NONE),
    "masked phone on both": (
        {"phones": ("000-000-0000",), "addresses": ()},
        {"phones": ("000-000-0000",), "addresses": ()},
        POSSIBLE,
    ),
    "local phone": ({"phones": ("555-0141",), "addresses": ()}, {"phones": ("555-0141",)}, POSSIBLE),
    "no fixed address on both": (
        {"phones": (), "addresses": (Address(lines=("no fixed address",), postal_code="12207"),)},
        {"addresses": (Address(lines=("no fixed address",), postal_code="12207"),)},
        POSSIBLE,
    ),
    "zip code only": (
        {"phones": (), "addresses": (Address(postal_code="12207"),)},
        {"addresses": (Address(postal_code="12207"),)},
        POSSIBLE,
    ),
}


@pytest.mark.parametrize(("one", "other", "expected"), CASES.values(), ids=CASES)
def test_records_agree_as_far_as_they_say(one: dict[str, Any], other: dict[str, Any], expected: Agreement):
    assert agreement(a_person(**one), a_person(**other)) is expected


@pytest.mark.parametrize(("one", "other", "expected"), CASES.values(), ids=CASES)
def test_agreement_does_not_depend_on_who_is_asked_first(
    one: dict[str, Any], other: dict[str, Any], expected: Agreement
):
    assert agreement(a_person(**other), a_person(**one)) is expected


@pytest.mark.parametrize(("one", "other", "expected"), CASES.values(), ids=CASES)
def test_records_that_agree_meet_under_a_key(one: dict[str, Any], other: dict[str, Any], expected: Agreement):
    """Only records that meet are compared; a pair that never meets would be missed in silence."""
    first, second = a_person(**one), a_person(**other)
    narrow = set(matching_keys(first)) & set(matching_keys(second))
    wide = set(wider_keys(first)) & set(wider_keys(second))

    if expected is CERTAIN:
        assert narrow
    if expected is POSSIBLE:
        assert narrow or wide


def test_keys_are_identifiers_and_the_name_with_a_full_birth_date():
    record = a_person(family="Núñez Jr", identifiers=(MRN, SSN, Identifier(system="https://x"), Identifier(value="9")))

    assert matching_keys(record) == (
        "d|nunez|ana|1991-04-12",
        "i|http://hl7.org/fhir/sid/us-ssn|078-05-1120",
        "i|https://riverbend.example/mrn|RB003308",
    )


@pytest.mark.parametrize(
    "record",
    [
        a_person(birth_date="1991"),
        a_person(birth_date=None),
        a_person(family="***"),
        a_person(given=()),
        a_person(identifiers=(replace(MRN, use="temp"),), birth_date="1991-04"),
        a_person(identifiers=(replace(MRN, value="unknown"),), birth_date=None),
        a_person(identifiers=(replace(MRN, value="***"),), birth_date=None),
        a_person(identifiers=(replace(MRN, type_code="AN"),), birth_date=None),
        a_person(identifiers=(replace(MRN, type_code="ZZ"),), birth_date=None),
    ],
)
def test_what_is_partial_masked_or_not_a_persons_gives_no_key(record: PatientRecord):
    assert matching_keys(record) == ()


def test_an_identifier_without_a_type_counts_as_its_system_names_the_person():
    assert matching_keys(PatientRecord(identifiers=(replace(MRN, type_code=None),))) == (
        "i|https://riverbend.example/mrn|RB003308",
    )
