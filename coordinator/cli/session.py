"""What each command shares: options, the opened product, and how trouble is told."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated, TypeVar

import typer

from coordinator.bootstrap import HEAD_SECONDS, Product, head_desk_of, product
from coordinator.cli.trouble import FAILED, OK, PARTIAL, USAGE, WAITING, WrongWord
from coordinator.errors import CoordinatorError
from coordinator.settings import Settings, settings_of_process

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON.")]

__all__ = [
    "FAILED",
    "OK",
    "PARTIAL",
    "USAGE",
    "WAITING",
    "AsJson",
    "Session",
    "WrongWord",
    "instant",
    "session_of",
    "sign_head",
    "with_product",
]


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
        async with product(session.settings, told=_warn) as opened:
            done = await work(opened, session.actor)
            await sign_head(opened, at_most_each=HEAD_SECONDS)
            return done

    return asyncio.run(run())


def _warn(sentence: str) -> None:
    sys.stderr.write(f"coordinator: {sentence}\n")


async def sign_head(opened: Product, *, at_most_each: int = 0) -> None:
    """Sign a head of the audit log where anything has come since the last one; trouble with it stops nobody."""
    try:
        await head_desk_of(opened.settings, opened.store, opened.clock).sign(at_most_each=at_most_each)
    except CoordinatorError as problem:
        sys.stderr.write(f"coordinator: {problem.sentence}\n")


def instant(text: str, option: str, *, zone: tzinfo) -> datetime:
    """Return the instant that was typed; a day is its beginning, a time without offset is of this zone.

    Raises WrongWord.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "Give one such as 2026-04-07 or 2026-04-07T12:00:00Z."
        raise WrongWord(f"{option} is no day or instant.", hint=hint) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
