"""What each command shares: options, the opened product, and how trouble is told."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import typer

from coordinator.bootstrap import Product, product
from coordinator.errors import CoordinatorError
from coordinator.settings import Settings, settings_of_process

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

OK, FAILED, USAGE, PARTIAL, WAITING = 0, 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who asks, in which tenant."""

    settings: Settings
    actor: str


def session_of(*, tenant: str = "", actor: str = "") -> Session:
    """Return the session of this process; the actor is the operating system's user unless one is named."""
    return Session(settings=settings_of_process(tenant=tenant), actor=actor or f"operator:{_user()}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def with_product(context: typer.Context, work: Callable[[Product, str], Awaitable[T]]) -> T:
    """Run work with the product and the actor, and return what it returns."""
    session: Session = context.obj

    async def run() -> T:
        async with product(session.settings) as opened:
            return await work(opened, session.actor)

    return asyncio.run(run())


def told(command: Callable[[], None]) -> int:
    """Run a command line; return its exit code, with trouble told in a sentence."""
    try:
        command()
    except CoordinatorError as trouble:
        sys.stderr.write(f"coordinator: {trouble.sentence}\n")
        return FAILED
    except (KeyboardInterrupt, BrokenPipeError):
        return FAILED
    return OK
