"""How tests of reconciling ask: evidence in, account out."""

from collections.abc import Callable, Iterable

import pytest

from coordinator.reconcile import Account, Agreed, Decision, Evidence, Policy, reconcile
from tests.builders import NOW, a_policy


@pytest.fixture
def account() -> Callable[..., Account]:
    """Return a function that reconciles evidence on 7 April 2026 in New York."""

    def ask(
        *evidence: Evidence,
        agreed: Agreed | None = None,
        decisions: Iterable[Decision] = (),
        policy: Policy | None = None,
        as_of=NOW,
    ) -> Account:
        return reconcile(evidence, agreed or Agreed(), list(decisions), policy=policy or a_policy(), as_of=as_of)

    return ask
