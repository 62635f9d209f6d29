"""`coordinator demo`: three EHRs that disagree about the same people, brought to one account each, and written back."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from coordinator.cli.demo_counts import counts
from coordinator.cli.demo_report import next_steps, show_played
from coordinator.cli.demo_run import demo_world, play, settings_for_demo
from coordinator.cli.output import print_json
from coordinator.cli.session import AsJson, Session
from coordinator.cli.world_beside import serving_beside


def demo(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="End when it has run; else stay up until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what this is for, on a world that ships with it: nothing outside this machine is asked."""
    session: Session = context.obj
    world = demo_world()
    with _ending_in_order(), settings_for_demo(session) as settings, serving_beside(world) as served:
        with _saying(f"{len(world.ehrs)} EHRs are being read and written …"):
            played = play(world, settings, served, actor=session.actor)
        if as_json:
            print_json(counts(played))
        else:
            console = Console(highlight=False)
            show_played(played, console)
            for line in next_steps(played, is_live=not once):
                console.print(line, soft_wrap=True)
        if not once:
            _wait()


def _saying(words: str) -> AbstractContextManager[object]:
    """Return what shows these words on a terminal, and nowhere else, until its block ends."""
    return Console(stderr=True).status(words, refresh_per_second=4) if sys.stderr.isatty() else nullcontext()


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have the signal to end clean up as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait() -> None:
    """Stay until somebody ends it: that is how a demonstration that stays up is meant to end."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
