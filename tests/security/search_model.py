"""A second answer to "may this caller use this element?", written from the regulation's text and not from our code.

It knows nothing of `coordinator`: who holds what, which recipient is of which kind, and what each section says of it.
"""

PROGRAMS = frozenset({"otp", "iop"})  # 42 CFR 2.11: they hold themselves out as treating a substance use disorder
TREATING = frozenset({"iop", "pcp"})  # who has the person as a patient
DIRECTORY = frozenset({"otp", "iop", "pcp", "ced", "plan", "res"})
PERIOD = {
    "run out",
    "revoked",
    "for another recipient",
    "none",
    "of the other program",
}  # nothing of the OTP's in these

# 45 CFR 164.502(b), 164.514(d): what payment and operations need, with the elements that they don't.
NEEDED: dict[str, dict[str, set[str]]] = {
    "HPAYMT": {
        "Patient": {"telecom-of-contacts"},
        "Coverage": set(),
        "EpisodeOfCare": set(),
        "Encounter": {"reasonCode"},
        "Procedure": set(),
        "Medication": set(),
        "MedicationDispense": set(),
        "MedicationAdministration": set(),
    },
    "HOPERAT": {
        "Patient": set(),
        "EpisodeOfCare": set(),
        "Encounter": set(),
        "CarePlan": set(),
        "Goal": set(),
        "Observation": set(),
        "Medication": set(),
        "MedicationRequest": set(),
        "MedicationStatement": set(),
        "MedicationDispense": set(),
        "MedicationAdministration": set(),
    },
}


def may_use(caller: tuple[str, str], source: str, where: tuple[str, str], state: str) -> bool:
    """Say whether a caller (organization, purpose) may use an element (type, top name) of what a source holds."""
    organization, purpose = caller
    type_, element = where
    if organization == source:
        return True  # its own record
    if organization not in DIRECTORY:
        return False  # nobody knows who that is
    if purpose != "TREAT" and (type_ not in NEEDED[purpose] or element in NEEDED[purpose][type_]):
        return False  # the minimum necessary
    if source not in PROGRAMS:  # 45 CFR 164.506(c)(2): treatment of the person, without a consent
        return purpose == "TREAT" and organization in TREATING
    return _is_consented(source, purpose, type_, state)


def _is_consented(source: str, purpose: str, type_: str, state: str) -> bool:
    """42 CFR 2.31, 2.33: a written consent names who discloses, to whom, what, and what for."""
    match state:
        case "in force":
            return source == "otp"
        case "of the other program":
            return source == "iop"
        case "treatment alone":
            return source == "otp" and purpose == "TREAT"
        case "two types alone":
            return source == "otp" and type_ in {"Patient", "Encounter"}
        case _:  # none, another's, run out, revoked (2.31(a)(6), (8)), or a restriction that was agreed to (2.26)
            return False
