"""The command as users run it, in this process; a world served by the command in a process of its own."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coordinator.cli.app import run_command
from coordinator.sandbox.new_world import write_new_world
from coordinator.store import Embedded

COMMAND = Path(sys.executable).with_name("coordinator")


@dataclass(frozen=True)
class Told:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code in {0, 3, 4}, self.err
        return json.loads(self.out)


class Coordinator:
    """The command in one tenant, which is new and empty."""

    def __init__(self, capsys: pytest.CaptureFixture[str], home: Path) -> None:
        self._capsys = capsys
        self.home = home
        self.tenant = f"tenant-{uuid.uuid4()}"

    def __call__(self, *words: object) -> Told:
        self._capsys.readouterr()
        code = run_command(["--tenant", self.tenant, "--actor", "tester", *map(str, words)])
        said = self._capsys.readouterr()
        return Told(code=code, out=said.out, err=said.err)


@pytest.fixture
def home(database: Embedded, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One home for the session: its embedded server runs already, and each test has a tenant of its own."""
    monkeypatch.setenv("COORDINATOR_HOME", str(database.home))
    monkeypatch.setenv("COLUMNS", "200")
    return database.home


@pytest.fixture
def coordinator(home: Path, capsys: pytest.CaptureFixture[str]) -> Coordinator:
    return Coordinator(capsys, home)


@pytest.fixture
def new_world(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    write_new_world(folder)
    return folder


@contextmanager
def served(world: Path, home: Path, *, port: int = 0) -> Iterator[dict[str, Any]]:
    """Serve a world as a user does; yield its addresses."""
    words = [str(COMMAND), "sandbox", "serve", str(world), "--port", str(port), "--json"]
    environment = {"COORDINATOR_HOME": str(home), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
