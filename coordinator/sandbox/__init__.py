"""A world to run in: simulated EHRs for demonstrations, tests and bug reports.

A folder comes in that says who there is, what each EHR holds, how it behaves and what happens later; real FHIR R4
servers over loopback HTTP go out, with a control address that moves the world's clock, makes trouble and tells what
was asked. It must never be reached from outside this machine, never look at the wall clock or at chance, and never
know the product that is tested against it.
"""

from coordinator.sandbox.server import Sandbox, SandboxApp, ServerTls, run_until_stopped, serving
from coordinator.sandbox.world import (
    EhrOfWorld,
    MappingRow,
    Organization,
    Policy,
    Program,
    World,
    read_world,
)

__all__ = [
    "EhrOfWorld",
    "MappingRow",
    "Organization",
    "Policy",
    "Program",
    "Sandbox",
    "SandboxApp",
    "ServerTls",
    "World",
    "read_world",
    "run_until_stopped",
    "serving",
]
