"""How a body is marked when it goes out: its label, the notice of 42 CFR 2.32, and the scope of the consent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.access import PART2_LABEL, Label, is_at_least, known_labels, label_of
from coordinator.fhir import Append, Edit, Json, patched, read_document

_DS4P = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition"
_CONSENT = "https://coordinator.example/fhir/Consent"
_WORDS = {"TREAT": "treatment", "HPAYMT": "payment", "HOPERAT": "health care operations"}
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."  # 42 CFR 2.32(a)(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """The label of a body, the consents that it goes out on, for which purpose, and the deployer's own notice."""

    label: Label = field(default_factory=Label)
    consents: tuple[str, ...] = ()
    purpose: str = "TREAT"
    notice: str = ""


def labeled(body: bytes, marking: Marking) -> bytes:
    """Return the body with its label, and on a consent with notice (2.32(a)) and scope (2.32(b)).

    What stands there already stays: a label is only ever raised.
    """
    document = read_document(body)
    present = {str(one) for one in document.all("meta", "security", "code")}
    wanted = marking.label.codes | ({PART2_LABEL} if marking.consents else frozenset())
    edits: list[Edit] = [
        Append(("meta", "security"), _coding(code, marking.consents if code == PART2_LABEL else ()))
        for code in sorted(wanted & known_labels().keys() - present)
    ]
    level = label_of((*wanted, *filter(None, [marking.label.confidentiality])))
    stated = label_of(one for one in present if one in known_labels() and known_labels()[one].role == "confidentiality")
    if not is_at_least(stated, Label(confidentiality=level.confidentiality)):
        edits.append(Append(("meta", "security"), _coding(level.confidentiality, ())))
    if marking.consents:
        notice = _notice(marking)
        if notice not in document.all("meta", "extension"):  # another text, or another consent's scope, is not this
            edits.append(Append(("meta", "extension"), notice))
    return patched(document, edits).raw


def _coding(code: str, consents: Sequence[str]) -> Json:
    known = known_labels()[code]
    extension: list[Json] = [
        {
            "url": f"{_DS4P}/extension-sec-label-related-artifact",
            "valueRelatedArtifact": {"type": "justification", "url": f"{_CONSENT}/{one}"},
        }
        for one in consents
    ]
    coding: dict[str, Json] = {"system": known.system, "code": code, "display": known.display}
    return {"extension": extension, **coding} if extension else coding


def _notice(marking: Marking) -> Json:
    words = _WORDS.get(marking.purpose, f"the purpose {marking.purpose}")
    names = ", ".join(marking.consents)
    scope = f"Disclosed for {words} under the written consent {names}, within its terms, until revoked."
    text = " ".join(filter(None, (NOTICE, marking.notice, scope)))
    return {"url": f"{_DS4P}/extension-display", "valueAnnotation": {"authorString": "coordinator", "text": text}}
