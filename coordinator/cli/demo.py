"""`coordinator demo`: three EHRs that disagree about the same people, brought to one account each, and written back."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from coordinator.cli.demo_counts import counts
from coordinator.cli.demo_report import next_steps, show_played
from coordinator.cli.demo_run import Played, demo_world, play, settings_for_demo
from coordinator.cli.output import print_json
from coordinator.cli.session import AsJson, Session
from coordinator.cli.world_beside import serving_beside
from coordinator.errors import ConfigurationError

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def demo(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="End when it has run; else stay up until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what this is for, on a world that ships with it: nothing outside this machine is asked."""
    session: Session = context.obj
    if session.settings.production:
        raise ConfigurationError(
            "The demonstration does not run in production: its people are invented.",
            hint="Unset COORDINATOR_ENV, or use another machine.",
        )
    world = demo_world()
    with _ending_in_order(), settings_for_demo(session) as settings, serving_beside(world) as served:
        with _saying(f"{len(world.ehrs)} EHRs are being read and written …"):
            played = play(world, settings, served, actor=session.actor)
        with nullcontext() if once else suppress(KeyboardInterrupt):  # that is how one that stays up is meant to end
            _tell(played, as_json=as_json, is_live=not once)
            if not once:
                threading.Event().wait()


def _tell(played: Played, *, as_json: bool, is_live: bool) -> None:
    if as_json:
        print_json(counts(played))
        return
    console = Console(highlight=False)
    show_played(played, console)
    for line in next_steps(played, is_live=is_live):
        console.print(line, soft_wrap=True)


def _saying(words: str) -> AbstractContextManager[object]:
    """Return what shows these words on a terminal, and nowhere else, until its block ends."""
    return Console(stderr=True).status(words, refresh_per_second=4) if sys.stderr.isatty() else nullcontext()


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have the signals to end, and that the terminal has gone, clean up as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {which: signal.signal(which, _interrupt) for which in _ENDING}
    try:
        yield
    finally:
        for which, how in before.items():
            signal.signal(which, how)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
