"""The story of the simulation on two real FHIR servers through a fault proxy: what holds with models holds there."""

import os

import pytest

from coordinator.ehr import create_key
from tests.simulation.fault_proxy import AFTER, BEFORE
from tests.simulation.peers import tell_on_peers

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SEEDS = int(os.environ.get("PEER_SEEDS", "2"))  # 50 by `make simulate-peers`
MANY = 20  # of so many seeds at least each kind of fault is met


def test_on_two_real_servers_all_invariants_hold_and_all_comes_to_rest(hapi, hapi_of_its_own_way, tmp_path):
    """The second server refuses a stale version with 409 and answers a repeated search from its cache."""
    create_key(tmp_path, "simulated", algorithm="ES384")
    servers = {"iop": hapi, "ced": hapi_of_its_own_way}
    told = [tell_on_peers(seed, keys=tmp_path, servers=servers) for seed in range(SEEDS)]
    failed = [one.report() for one in told if one.broken]
    assert not failed, "\n\n".join(failed[:2])
    met = {kind for one in told for kind in one.trace.reached}
    assert any(kind.startswith("fault: ") for kind in met)
    if len(told) >= MANY:
        wanted = {f"fault: {kind}" for kind in (*BEFORE, *AFTER)} | {"conflict: the EHR refused a stale version"}
        assert wanted <= met, f"in {len(told)} seeds it never came to: {', '.join(sorted(wanted - met))}"
