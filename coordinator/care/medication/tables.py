"""The tables of medication: products, the words for amounts and times, and what each status is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache

from coordinator.care.csv_table import Row, indexed, packaged_rows
from coordinator.care.medication.model import Product, Proof

_PACKAGE = "coordinator.care.medication"
_INGREDIENT = "IN"
_ANY_FORM = "*"


class Measure(Enum):
    """What a unit measures."""

    MASS = "mass"
    VOLUME = "volume"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A word for an amount: mass in mg, volume in mL, or a count of the forms it may be said of."""

    measure: Measure
    factor: Decimal
    forms: frozenset[str]

    def counts(self, form: str) -> bool:
        """Say whether this word may be said of a product form: a film is not a tablet."""
        return self.measure is Measure.COUNT and (_ANY_FORM in self.forms or form in self.forms)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWorth:
    """What a status says of a record: does it count, speak of the present, say that nothing was taken."""

    counts: bool
    is_current: bool
    is_negated: bool


@dataclass(frozen=True, slots=True)
class ProductTable:
    """The products by code, and the ingredients by name."""

    products: Mapping[str, Product]
    ingredients: Mapping[str, str]

    def by_code(self, code: str) -> Product | None:
        """Return the product of an RxNorm code, None where the table does not have it."""
        return self.products.get(code)

    def ingredient_codes(self, product: Product) -> frozenset[str]:
        """Return the codes of the product's ingredients, as far as the table has them."""
        names = product.ingredient.split("/")
        return frozenset(self.ingredients[name] for name in names if name in self.ingredients)


@cache
def product_table() -> ProductTable:
    """Return the checked product table. Raises ConfigurationError with file and line of a bad row."""
    columns = (
        *("code", "name", "term_type", "ingredient", "form", "use", "strength_value", "strength_unit", "volume_ml"),
        *("interval_days", "least_days", "interval_most", "is_mat", "source", "status"),
    )
    rows = packaged_rows(_PACKAGE, "moud_rxnorm.csv", columns)
    products = indexed(rows, "code", lambda row: (row.text("code"), product_row(row)))
    ingredients = {one.ingredient: one.code for one in products.values() if one.term_type == _INGREDIENT}
    return ProductTable(products, ingredients)


def product_row(row: Row) -> Product:
    """Return one line of the product table."""
    strength, unit = row.decimal("strength_value"), row.optional("strength_unit")
    if (strength is None) != (unit is None):
        raise row.bad("strength_unit", "and strength_value belong together")
    if unit not in {None, "mg", "mg/mL", "mg/h"}:
        raise row.bad("strength_unit", "is none of: mg, mg/mL, mg/h")
    mat = row.text("is_mat")
    if mat not in {"yes", "no", "context"}:
        raise row.bad("is_mat", "is none of: yes, no, context")
    return Product(
        code=row.text("code"),
        name=row.text("name"),
        term_type=row.text("term_type"),
        ingredient=row.text("ingredient"),
        form=row.text("form"),
        use=row.text("use"),
        strength=strength,
        strength_unit=unit,
        interval_days=row.whole("interval_days"),
        is_mat=mat == "yes",
        verified=row.flag("status", yes="verified", no="unverified"),
        is_mat_in_context=mat == "context",
        volume_ml=row.decimal("volume_ml"),
        least_days=row.whole("least_days"),
        interval_most=row.whole("interval_most"),
    )


@cache
def dose_units() -> Mapping[str, Unit]:
    """Return the words for amounts, in small letters."""
    rows = packaged_rows(_PACKAGE, "dose_units.csv", ("unit", "measure", "factor", "forms"))
    return indexed(rows, "unit", lambda row: (row.text("unit").casefold(), unit_row(row)))


def unit_row(row: Row) -> Unit:
    """Return one line of the words for amounts."""
    factor = row.decimal("factor")
    if not factor:
        raise row.bad("factor", "is empty or zero")
    forms = frozenset(row.cells["forms"].split("|")) - {""}
    known = {product.form for product in product_table().products.values()} | {_ANY_FORM}
    if forms - known:
        raise row.bad("forms", "names a form that the product table does not have")
    return Unit(measure=row.member("measure", Measure), factor=factor, forms=forms)


@cache
def timing_codes() -> Mapping[str, tuple[int, int]]:
    """Return the codes for how often: times, and in how many days."""
    rows = packaged_rows(_PACKAGE, "timing_codes.csv", ("code", "frequency", "days"))
    return indexed(rows, "code", lambda row: (row.text("code"), (positive(row, "frequency"), positive(row, "days"))))


def positive(row: Row, column: str) -> int:
    """Return a cell as a whole number above zero."""
    value = row.whole(column)
    if not value:
        raise row.bad(column, "is empty or zero")
    return value


@cache
def status_worth() -> Mapping[tuple[Proof, str], StatusWorth]:
    """Return what each status of each kind of record is worth."""
    rows = packaged_rows(_PACKAGE, "medication_statuses.csv", ("type", "status", "counts", "current", "negated"))
    return indexed(rows, "status", lambda row: ((row.member("type", Proof), row.text("status")), _worth(row)))


def _worth(row: Row) -> StatusWorth:
    return StatusWorth(counts=row.flag("counts"), is_current=row.flag("current"), is_negated=row.flag("negated"))
