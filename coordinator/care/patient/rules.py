"""Whether two records are about one person: certain, possible, or no; and why, feature by feature.

Each feature that is known on both sides speaks with the bits of its level of agreement (Fellegi and Sunter: how much
more often that level is seen between records of one person than of two). The sum is held against two thresholds. But
the table of rules is read from the top first, and the first row that fits bounds the result: some pairs look alike and
are two (twins share birth date, home, phone, family name), some look unlike and are one (a name changed by marriage).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from coordinator.care.patient.comparison import Comparison, Feature, Level, compare
from coordinator.care.patient.model import PatientRecord
from coordinator.care.patient.tables import RESULTS, AgreementRule, agreement_rules, thresholds, weights
from coordinator.care.patient.traits import Traits, traits

_REACHES = (Feature.PHONE, Feature.EMAIL, Feature.ADDRESS)
_COLUMNS: Mapping[str, Feature] = {
    "identifier": Feature.IDENTIFIER,
    "single": Feature.SINGLE,
    "born": Feature.BORN,
    "family": Feature.FAMILY,
    "given": Feature.GIVEN,
    "second": Feature.SECOND,
    "suffix": Feature.SUFFIX,
}


class Agreement(Enum):
    """How far two records are about one person."""

    CERTAIN = "certain"
    POSSIBLE = "possible"
    NONE = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From how many bits on a pair is certain, or possible; a tenant may ask for more than the table, not for less."""

    certain: Decimal
    possible: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Whether two records are about one person, and why: the rule that bounds it, the levels and their sum in bits."""

    agreement: Agreement
    rule: str
    comparison: Comparison
    bits: Decimal

    @property
    def weights(self) -> dict[Feature, Decimal]:
        """Return the bits of each feature that is known on both sides."""
        known = {feature: level for feature, level in self.comparison.items() if level is not Level.UNKNOWN}
        return {feature: weight_of(feature, level) for feature, level in known.items()}


def at_least(certain: Decimal | None = None, possible: Decimal | None = None) -> Thresholds:
    """Return the thresholds of the table, raised to those that are given."""
    table = thresholds()
    return Thresholds(
        certain=max(table["certain"], certain or table["certain"]),
        possible=max(table["possible"], possible or table["possible"]),
    )


def agreement(a: PatientRecord, b: PatientRecord) -> Agreement:
    """Return whether two records are about one person."""
    return weigh(traits(a), traits(b), at_least()).agreement


def weigh(one: Traits, other: Traits, limits: Thresholds) -> Weighed:
    """Return whether two records are about one person, and why; the order of the two does not matter."""
    comparison = compare(one, other)
    rule = _rule_for(comparison)
    bits = sum((weight_of(feature, level) for feature, level in comparison.items()), Decimal(0))
    spoken = 2 if bits >= limits.certain else 1 if bits >= limits.possible else 0
    lowest, highest = RESULTS.index(rule.at_least), RESULTS.index(rule.at_most)
    result = RESULTS[min(max(spoken, lowest), highest)]
    return Weighed(agreement=Agreement(result), rule=rule.rule_id, comparison=comparison, bits=bits)


def weight_of(feature: Feature, level: Level) -> Decimal:
    """Return the bits of a level of agreement; what is not in the table says nothing."""
    return weights().get((feature.value, level.value), Decimal(0))


def _rule_for(comparison: Comparison) -> AgreementRule:
    levels = {column: comparison[feature].value for column, feature in _COLUMNS.items()}
    is_reached = any(comparison[one] is Level.SAME for one in _REACHES)
    levels["reach"] = (Level.SAME if is_reached else Level.DIFFERS).value
    return next(rule for rule in agreement_rules() if _fits(rule, levels))


def _fits(rule: AgreementRule, levels: Mapping[str, str]) -> bool:
    return all((levels[column] in named) is only for column, (only, named) in rule.fits.items())
