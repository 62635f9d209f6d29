"""Questions about medication records: which product, what dose, which days it covers, whether it counts at all."""

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import assert_never
from zoneinfo import ZoneInfo

from coordinator.care.medication.model import Dose, MedicationRecord, Product, Proof
from coordinator.care.medication.tables import (
    Measure,
    StatusWorth,
    Unit,
    dose_units,
    product_table,
    status_worth,
    timing_codes,
)
from coordinator.fhir import CodeableConcept, Interval, Json, Quantity, day_of, kinds

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

_DAY = "d"
_DOSE = "dose"
_INGREDIENT = "IN"
_DAYS = {"d": 1, "wk": 7}


def product_of(concept: CodeableConcept | None) -> Product | None:
    """Return the product that a concept names by an RxNorm code; what its words say is never trusted.

    A product is told before its bare ingredient. Two products of different ingredients in one concept name none.
    """
    if concept is None:
        return None
    codes = concept.codes_of(RXNORM)
    found = [product for code in codes if (product := product_table().by_code(code.strip())) is not None]
    products = [product for product in found if product.term_type != _INGREDIENT] or found
    if len({product.ingredient for product in products}) != 1:
        return None
    return products[0]


def is_mat(product: Product, *, for_use_disorder: bool = False) -> bool:
    """Say whether a product is medication for addiction treatment.

    An ingredient or a hospital's injection is so only where the caller knows that use, from an OTP or an indication.
    """
    return product.is_mat or (for_use_disorder and product.is_mat_in_context)


def consent_codes(product: Product) -> frozenset[str]:
    """Return the codes by which a consent may name this product: its own and those of its ingredients."""
    return product_table().ingredient_codes(product) | {product.code}


def is_live(record: MedicationRecord) -> bool:
    """Say whether a record counts as evidence; an unknown status of a kind of record does not."""
    worth = _worth(record)
    return worth is not None and worth.counts


def is_current(record: MedicationRecord) -> bool:
    """Say whether a record speaks of the present: an order or statement that goes on, a supply or dose that came."""
    worth = _worth(record)
    return worth is not None and worth.is_current


def is_negated(record: MedicationRecord) -> bool:
    """Say whether the record states that the medicine is not taken or was not given."""
    worth = _worth(record)
    return worth is not None and worth.is_negated


def seen_at(record: MedicationRecord) -> str | None:
    """Return when the record says it happened: a dose that took some time, at its start."""
    return record.at or (record.effective_start if record.proof is Proof.DOSE else None)


def units_compatible(a: Dose, b: Dose) -> bool:
    """Say whether two doses can be compared. They are never added: films and tablets differ in what they give."""
    return (a.unit, a.per) == (b.unit, b.per)


# --- how much ----------------------------------------------------------------------------------------------------


def amount_of(quantity: Quantity | None, product: Product) -> Decimal | None:
    """Return an amount of a product as mg of its first ingredient.

    None where the unit is not known or does not fit the product: a number without a unit could be films or mg.
    """
    if quantity is None or quantity.value is None or quantity.comparator is not None or quantity.value < 0:
        return None
    unit = _unit_of(quantity, product)
    if unit is None:
        return None
    value = quantity.value * unit.factor
    match unit.measure:
        case Measure.MASS:
            return value
        case Measure.VOLUME:
            return _of_volume(value, product)
        case Measure.COUNT:
            if product.strength is None or product.strength_unit != "mg":
                return None
            return value * product.strength
        case _:
            assert_never(unit.measure)


def dose_of(record: MedicationRecord, product: Product) -> Dose | None:
    """Return the dose that a record states, None where it states none that can be read without a guess.

    One administration states the amount of its day, the others an amount per day or per so many days; a long-acting
    product one per dose. As needed, a range, or steps that follow one another are no single dose.
    """
    if record.proof is Proof.DOSE:
        return _given_dose(record, product)
    instructions = record.dosage if isinstance(record.dosage, list) else []
    doses = [_instructed_dose(instruction, product) for instruction in instructions]
    known = [dose for dose in doses if dose is not None]
    if not known or len(known) != len(doses):
        return None
    if len(known) == 1:
        return known[0]
    return _together(known) if _are_concurrent(instructions) else None


def supplied_dose(record: MedicationRecord, product: Product) -> Dose | None:
    """Return what a supply gives for each day (quantity over days), of a long-acting product for each dose."""
    if record.proof is not Proof.SUPPLY:
        return None
    total, days = amount_of(record.quantity, product), supply_days(record)
    if total is None or total == 0:
        return None
    if product.interval_days is not None:
        return Dose(value=_plain(total), unit="mg", per=_DOSE)
    return None if days is None else Dose(value=_plain(total / days), unit="mg", per=_DAY)


def supply_days(record: MedicationRecord) -> int | None:
    """Return for how many days a record's supply is meant, None where it does not say so in whole days."""
    supply = record.days_supply
    if supply is None or supply.value is None or supply.comparator is not None:
        return None
    word = supply.code or supply.unit or _DAY
    days = supply.value * _DAYS.get({"day": "d", "days": "d", "week": "wk", "weeks": "wk"}.get(word, word), 0)
    return int(days) if days > 0 and days == days.to_integral_value() else None


def supply_interval(
    record: MedicationRecord, product: Product | None, *, zone: ZoneInfo, injection_days: int | None = None
) -> Interval | None:
    """Return the days that a supply or a dose covers, None where it covers none that are known to the day.

    A supply covers its days from the day it was handed over; a dose its own day, a long-acting one the interval of
    its product, or `injection_days` where the tenant chose that for the products whose interval is a range.
    Raises BadDate.
    """
    text = seen_at(record)
    if text is None or not is_live(record) or record.proof not in {Proof.SUPPLY, Proof.DOSE}:
        return None
    begin = day_of(text, zone)
    days = supply_days(record)
    if record.proof is Proof.DOSE:
        days = _lasting_days(product, injection_days)
    if not begin.is_day or days is None:
        return None
    return Interval(first=begin.first, last=begin.first + timedelta(days=days - 1))


def _lasting_days(product: Product | None, injection_days: int | None) -> int:
    if product is None or product.interval_days is None:
        return 1
    if injection_days is not None and product.interval_most is not None:
        return injection_days
    return product.interval_days


def _worth(record: MedicationRecord) -> StatusWorth | None:
    return status_worth().get((record.proof, record.status or ""))


def _unit_of(quantity: Quantity, product: Product) -> Unit | None:
    """Return the unit that code and words of a quantity name, None where they contradict each other or the product."""
    words = [_unit_word(text) for text in (quantity.code, quantity.unit) if text]
    units = [dose_units()[word] for word in words if word in dose_units()]
    if not units or len({(unit.measure, unit.factor) for unit in units}) != 1:
        return None
    counted = units[0].measure is Measure.COUNT
    return None if counted and not all(unit.counts(product.form) for unit in units) else units[0]


def _unit_word(text: str) -> str:
    return text.strip().rstrip(".").casefold().removesuffix("(s)")


def _of_volume(value: Decimal, product: Product) -> Decimal | None:
    if product.strength is None:
        return None
    if product.strength_unit == "mg/mL":
        return value * product.strength
    return None if product.volume_ml is None else value * product.strength / product.volume_ml


def _given_dose(record: MedicationRecord, product: Product) -> Dose | None:
    dosage = record.dosage if isinstance(record.dosage, dict) else {}
    amount = amount_of(kinds.QUANTITY.read(dosage.get("dose")), product)
    if not amount:
        return None
    return Dose(value=_plain(amount), unit="mg", per=_DAY if product.interval_days is None else _DOSE)


def _instructed_dose(instruction: Json, product: Product) -> Dose | None:
    if not isinstance(instruction, dict) or _is_as_needed(instruction):
        return None
    amount = _instructed_amount(instruction, product)
    if not amount:
        return None
    if product.interval_days is not None:
        return Dose(value=_plain(amount), unit="mg", per=_DOSE)
    often = _how_often(instruction.get("timing"))
    if often is None:
        return None
    times, days = often
    return Dose(value=_plain(amount * times), unit="mg", per=_DAY if days == 1 else f"{days}{_DAY}")


def _is_as_needed(instruction: dict[str, Json]) -> bool:
    return instruction.get("asNeededBoolean") is True or instruction.get("asNeededCodeableConcept") is not None


def _instructed_amount(instruction: dict[str, Json], product: Product) -> Decimal | None:
    """Return the one amount of an instruction; an ordered and a calculated amount must agree."""
    entries = instruction.get("doseAndRate")
    amounts = {
        amount_of(kinds.QUANTITY.read(entry.get("doseQuantity")), product) if isinstance(entry, dict) else None
        for entry in (entries if isinstance(entries, list) else [])
    }
    return amounts.pop() if len(amounts) == 1 else None


def _how_often(timing: Json) -> tuple[int, int] | None:
    """Return how many times in how many days, None where that is not one answer."""
    if not isinstance(timing, dict):
        return None
    repeat = timing.get("repeat")
    if isinstance(repeat, dict) and ("period" in repeat or "frequency" in repeat):
        return _repeated(repeat)
    concept = kinds.CONCEPT.read(timing.get("code"))
    words = [*(coding.code for coding in concept.codings), concept.text] if concept else []
    found = {timing_codes()[word.strip().upper()] for word in words if word and word.strip().upper() in timing_codes()}
    return found.pop() if len(found) == 1 else None


_UNCERTAIN_REPEAT = frozenset({"frequencyMax", "periodMax", "countMax", "dayOfWeek"})


def _repeated(repeat: dict[str, Json]) -> tuple[int, int] | None:
    if _UNCERTAIN_REPEAT & repeat.keys():
        return None
    frequency, period = repeat.get("frequency", 1), kinds.DECIMAL.read(repeat.get("period"))
    if type(frequency) is not int or frequency < 1 or period is None or period < 1 or period != int(period):
        return None
    count = int(period)
    unit = repeat.get("periodUnit")
    if unit == "h":
        return (frequency * (24 // count), 1) if count <= 24 and 24 % count == 0 else None
    days = _DAYS.get(unit, 0) * count if isinstance(unit, str) else 0
    return (frequency, days) if days else None


def _are_concurrent(instructions: list[Json]) -> bool:
    """Say whether instructions apply together: FHIR counts those of one sequence number so, others as steps."""
    numbers = [instruction.get("sequence") if isinstance(instruction, dict) else None for instruction in instructions]
    return numbers[0] is not None and all(number == numbers[0] for number in numbers)


def _together(doses: list[Dose]) -> Dose | None:
    """Return the sum of instructions for one product, such as a film in the morning and two at night."""
    first = doses[0]
    if not all(units_compatible(first, dose) for dose in doses):
        return None
    return Dose(value=_plain(sum((dose.value for dose in doses), Decimal(0))), unit=first.unit, per=first.per)


def _plain(value: Decimal) -> Decimal:
    """Return a number to the hundredth of a milligram, without zeros that say nothing."""
    rounded = Decimal(value).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN).normalize()
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded
