"""A store keeps connections and settings whole."""

import pytest

from coordinator.care.level_of_care.model import Edition, MappingRow, Role
from coordinator.fhir import DecimalText
from coordinator.sync.records import EhrConnection, SmartAuth

ROW = MappingRow(
    type="Encounter",
    path=("type", "coding"),
    system="https://north.example/types",
    value="IOP",
    concept="level",
    edition=Edition.FOURTH,
    code="2.1",
    role=Role.PROVIDED,
    organization="north",
)
FULL = EhrConnection(
    name="north",
    url="http://127.0.0.1:1/fhir",
    organization="North",
    roster="file:patients.txt",
    patients=("p1", "p2"),
    smart=SmartAuth(
        client_id="c",
        key_id="k",
        scopes=("system/*.rs",),
        token_url="http://127.0.0.1:1/token",
        audience="issuer",
        jwks_url="https://us.example/jwks.json",
        method="client_secret_post",
    ),
    mapping=(
        ROW,
        MappingRow(**{**{name: getattr(ROW, name) for name in ROW.__slots__}, "edition": None, "system": None}),
    ),
    sandbox=True,
    private_network=False,
    options={"budget": {"minute": 60}},
    profile={"read": ["Patient"], "share": DecimalText("0.50")},
)
PLAIN = EhrConnection(name="east", url="http://127.0.0.1:2", organization="East")


async def test_connections_come_back_whole_in_order_of_their_names(store):
    async with store.transaction() as tx:
        for one in (FULL, PLAIN):
            await tx.registry.put_ehr(one)
    async with store.transaction() as tx:
        assert await tx.registry.ehrs() == [PLAIN, FULL]


async def test_a_connection_replaces_that_of_the_same_name(store):
    changed = EhrConnection(name="east", url="http://127.0.0.1:3", organization="East")
    async with store.transaction() as tx:
        await tx.registry.put_ehr(PLAIN)
        await tx.registry.put_ehr(changed)
        assert await tx.registry.ehrs() == [changed]


async def test_a_connection_is_removed_once(store):
    async with store.transaction() as tx:
        await tx.registry.put_ehr(PLAIN)
        assert await tx.registry.remove_ehr("east")
        assert not await tx.registry.remove_ehr("east")
        assert await tx.registry.ehrs() == []


@pytest.mark.parametrize(
    "value",
    [None, True, 7, "text", DecimalText("1.10"), [1, "a"], {"a": {"b": None}}],
    ids=lambda value: repr(value)[:20],
)
async def test_a_setting_comes_back_as_it_was(store, value):
    async with store.transaction() as tx:
        await tx.registry.put_setting("key", "before")
        await tx.registry.put_setting("key", value)
    async with store.transaction() as tx:
        found = await tx.registry.setting("key")
        assert found == value
        assert getattr(found, "text", None) == getattr(value, "text", None)
        assert await tx.registry.setting("other") is None
