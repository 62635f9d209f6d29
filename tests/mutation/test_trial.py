"""The trial of mutants: what it must have emptied before a mutated function is asked anew."""

from coordinator.care.level_of_care.model import Edition, Level
from coordinator.reconcile.timeline.beside import compatible
from tests.mutation.__main__ import PACKAGES
from tests.mutation.trial import caches_of_the_product


def test_what_a_function_of_the_core_remembers_is_emptied():
    iop = Level(edition=Edition.FOURTH, code="2.1")
    compatible(iop, iop)
    for empty in caches_of_the_product(PACKAGES):
        empty()
    assert compatible.cache_info().currsize == 0
