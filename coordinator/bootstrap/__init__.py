"""Wiring: the product of one process, made of its adapters.

In come settings; out comes an opened product with store, clock and EHRs, or a tenant connected to a sandbox's world. It
decides nothing: it only puts parts together, and no other room knows all of them.
"""

from coordinator.bootstrap.calls import Calls
from coordinator.bootstrap.clocks import SystemClock, WorldClock, clock_of, world_now
from coordinator.bootstrap.heads import HEAD_SECONDS, HeadDesk, HeadKey, HeadKeys, head_desk_of, head_keys_of
from coordinator.bootstrap.keys import KeysOfFolder
from coordinator.bootstrap.product import Product, keys_of, place_of, product
from coordinator.bootstrap.safety import unsafe_settings, unsafe_tenant
from coordinator.bootstrap.workers import Crew, Order, work
from coordinator.bootstrap.world import connect_world

__all__ = [
    "HEAD_SECONDS",
    "Calls",
    "Crew",
    "HeadDesk",
    "HeadKey",
    "HeadKeys",
    "KeysOfFolder",
    "Order",
    "Product",
    "SystemClock",
    "WorldClock",
    "clock_of",
    "connect_world",
    "head_desk_of",
    "head_keys_of",
    "keys_of",
    "place_of",
    "product",
    "unsafe_settings",
    "unsafe_tenant",
    "work",
    "world_now",
]
