"""Laws of consent: no denial, revocation or word that we do not know ever lets more out, and order never matters."""

import copy
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coordinator.access import (
    HeldConsent,
    Inquiry,
    Party,
    Permitted,
    Segment,
    Terms,
    decide,
    high_water,
    is_at_least,
    known_labels,
    label_of,
)
from coordinator.care.consent.mapping import read_consent
from coordinator.disclosure.view import cut
from coordinator.fhir import Identifier
from tests.builders import ACT_CODE, DIRECTORY, FORMS, NOW, REASON, ROLE_CODE, a_consent, document, evidence

ORGANIZATIONS, TYPES, CODES = ("iop", "otp", "pcp"), ("Goal", "Encounter", "MedicationRequest"), ("6813", "1819")
LABELS, PURPOSES = ("42CFRPart2", "SUD", "PSYTHPN"), ("TREAT", "HPAYMT", "HOPERAT", "PATRQT")
IDS = ("C-1", "C-2", "C-3")
TYPE = "http://hl7.org/fhir/resource-types"


def some(values):
    return st.lists(st.sampled_from(values), unique=True, max_size=2)


def _actor(role, organization):
    return {
        "role": {"coding": [{"system": ROLE_CODE, "code": role}]},
        "reference": {"identifier": {"system": DIRECTORY, "value": organization}},
    }


@st.composite
def provisions(draw, kind="deny", depth=2):
    """Return a provision of a kind, with exceptions of the other kind or of the same in it."""
    told = {"type": kind}
    for name, system, values in (
        ("class", TYPE, TYPES),
        ("securityLabel", ACT_CODE, LABELS),
        ("purpose", REASON, PURPOSES),
    ):
        if chosen := draw(some(values)):
            told[name] = [{"system": system, "code": one} for one in chosen]
    if chosen := draw(some(CODES)):
        told["code"] = [{"coding": [{"system": "s", "code": one}]} for one in chosen]
    if draw(st.booleans()):
        told["actor"] = [_actor(draw(st.sampled_from(("CST", "IRCP"))), draw(st.sampled_from(ORGANIZATIONS)))]
    if depth:
        below = draw(st.lists(provisions(draw(st.sampled_from(("deny", "permit"))), depth - 1), max_size=2))
        if below:
            told["provision"] = below
    return told


@st.composite
def bodies(draw):
    """Return a Consent: one that permits, with exceptions, or a restriction."""
    body = a_consent(
        draw(st.sampled_from(IDS)),
        discloser=draw(st.sampled_from(("iop", "iop", "otp"))),
        recipient=draw(st.sampled_from(("pcp", "pcp", "otp"))),
        purposes=draw(st.sampled_from((PURPOSES[:3], ("TREAT",), PURPOSES))),
        types=TYPES,
    )
    if draw(st.integers(0, 5)) == 0:
        body["provision"] = draw(provisions())
    elif exceptions := draw(st.lists(provisions(), max_size=2)):
        body["provision"]["provision"] = exceptions
    return body


def held(body, *, revoked=False):
    record = read_consent(document(body))
    return HeldConsent(record=replace(record, revoked_at=NOW if revoked else None), forms=FORMS)


registries = st.lists(bodies(), min_size=1, max_size=3, unique_by=lambda one: one["id"])
segments = st.builds(
    lambda type_, codes, labels, part2: Segment(
        organization="iop",
        source=Identifier(system=DIRECTORY, value="iop"),
        part2=part2,
        type=type_,
        codes=frozenset(codes),
        labels=frozenset(labels) | ({"42CFRPart2"} if part2 else set()),
    ),
    st.sampled_from(TYPES),
    some(CODES),
    some(LABELS),
    st.sampled_from((True, True, True, False)),
)
answers = st.dictionaries(st.sets(st.sampled_from(IDS), min_size=2).map(frozenset), st.sampled_from(IDS), max_size=2)
PCP = Party(organization="pcp", identifier=Identifier(system=DIRECTORY, value="pcp"), treats=True)


@st.composite
def inquiries(draw):
    terms = Terms(answers=draw(answers))
    purpose = draw(st.sampled_from(("TREAT", "COC", "PATRQT")))
    return Inquiry(actor="system:sync", recipient=PCP, purpose=purpose, at=NOW, terms=terms)


def may(segment, inquiry, consents):
    return isinstance(decide(segment, inquiry, consents), Permitted)


@given(segments, inquiries(), registries, st.integers(0, 2), provisions())
def test_adding_a_denial_to_a_consent_never_lets_more_out(segment, inquiry, registry, at, denial):
    """Law: who denies something more is never told to have permitted something by it."""
    more = copy.deepcopy(registry)
    more[at % len(more)]["provision"].setdefault("provision", []).append(denial)
    if registry[at % len(registry)]["provision"]["type"] == "permit" and may(
        segment, inquiry, [held(one) for one in more]
    ):
        assert may(segment, inquiry, [held(one) for one in registry])


@given(segments, inquiries(), registries, provisions(depth=0))
def test_adding_a_restriction_never_lets_more_out(segment, inquiry, registry, denial):
    """Law: a promise to keep something back only ever keeps back."""
    promise = a_consent("R-9") | {"provision": denial}
    consents = [held(one) for one in registry]
    if may(segment, inquiry, [*consents, held(promise)]):
        assert may(segment, inquiry, consents)


@given(segments, inquiries(), registries, st.integers(0, 2))
def test_revoking_a_consent_never_lets_more_out(segment, inquiry, registry, at):
    """Law: who takes a consent back does not permit anything by it, not even what its exceptions kept back."""
    at %= len(registry)
    if registry[at]["provision"]["type"] == "deny":
        return  # to end a restriction is to let out what it kept back
    after = [held(one, revoked=n == at) for n, one in enumerate(registry)]
    if may(segment, inquiry, after):
        assert may(segment, inquiry, [held(one) for one in registry])


@given(segments, inquiries(), registries, st.randoms(use_true_random=False))
def test_the_order_of_consents_does_not_matter(segment, inquiry, registry, chance):
    """Law: the same consents give the same verdict in whatever order they lie."""
    consents = [held(one) for one in registry]
    shuffled = list(consents)
    chance.shuffle(shuffled)
    assert decide(segment, inquiry, shuffled) == decide(segment, inquiry, consents)


def _provisions_in(provision):
    yield provision
    for one in provision.get("provision", []):
        yield from _provisions_in(one)


WORDS = st.sampled_from(
    [
        ("dataPeriod", {"start": "2026-01-01"}),
        ("data", [{"meaning": "related"}]),
        ("documentType", [{"code": "x"}]),
        ("modifierExtension", [{"url": "https://x.example", "valueBoolean": True}]),
        ("purpose", [{"display": "what for?"}]),
        ("securityLabel", [{"display": "which?"}]),
        ("class", [{"system": "https://x.example", "code": "y"}]),
        ("code", [{"text": "something"}]),
        ("actor", [_actor("XYZ", "pcp")]),
    ]
)


@given(segments, inquiries(), registries, WORDS, st.integers(0, 9))
def test_a_word_that_is_not_known_never_lets_more_out(segment, inquiry, registry, word, at):
    """Law: unknown means no, wherever in a consent it stands."""
    more = copy.deepcopy(registry)
    places = [place for one in more for place in _provisions_in(one["provision"])]
    place, (name, value) = places[at % len(places)], word
    place[name] = [*place.get(name, []), *value] if isinstance(value, list) else value
    if may(segment, inquiry, [held(one) for one in more]):
        assert may(segment, inquiry, [held(one) for one in registry])


label_codes = st.lists(st.sampled_from([*known_labels(), "HIV", "unknown"]), max_size=4)


@given(st.lists(label_codes, max_size=4))
def test_the_label_of_a_whole_is_at_least_that_of_each_part(parts):
    """Law: the high-water mark; and a whole labeled twice is labeled once."""
    labels = [label_of(one) for one in parts]
    whole = high_water(labels)
    assert all(is_at_least(whole, one) for one in labels)
    assert high_water([whole, *labels]) == whole


@given(label_codes, label_codes)
def test_the_label_of_more_codes_is_at_least_that_of_fewer(few, more):
    """Law: another label never makes data less protected."""
    assert is_at_least(label_of([*few, *more]), label_of(few))


@given(st.sets(st.sampled_from(("text", "note", "reasonCode", "status", "nothing"))), st.booleans())
def test_cutting_twice_is_cutting_once(cuts, has_note):
    """Law: what was cut is not there to be cut again, and nothing else goes with it."""
    tree = {"resourceType": "Encounter", "id": "e", "status": "finished", "reasonCode": [{"text": "why"}]}
    whole = evidence(tree | ({"note": [{"text": "x"}]} if has_note else {}))
    once = cut(whole, frozenset(cuts))
    assert cut(once, frozenset(cuts)) == once
    assert set(whole.document.tree) - set(once.document.tree) == cuts & set(whole.document.tree)
