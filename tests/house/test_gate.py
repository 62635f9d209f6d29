"""The gate bites: what it should refuse is refused."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import HOUSE

sys.dont_write_bytecode = True
_spec = importlib.util.spec_from_file_location("sizes", HOUSE / ".ci" / "sizes.py")
sizes = importlib.util.module_from_spec(_spec)
sys.modules["sizes"] = sizes
_spec.loader.exec_module(sizes)


def measured(text: str) -> dict[str, int]:
    (node,) = sizes.ast.parse(text).body
    return {one.measure: one.value for one in sizes._of_function(node, "here")}


@pytest.mark.parametrize(
    ("text", "measure", "value"),
    [
        pytest.param("def f() -> None:\n  if a:\n    for b in c:\n      with d:\n        e", "nesting", 3, id="blocks"),
        pytest.param("def f() -> None:\n  if a: b\n  elif c: d\n  elif e: f", "nesting", 1, id="elif is no step"),
        pytest.param("def f() -> None:\n  if a: b\n  else:\n    if c: d\n    e", "nesting", 2, id="else with more"),
        pytest.param("def f() -> None:\n  match a:\n    case 1:\n      if b: c", "nesting", 2, id="match is one step"),
        pytest.param("def f() -> None:\n  try: a\n  except E:\n    if b: c", "nesting", 2, id="except"),
        pytest.param("def f(self, a, b, *, c, d) -> None: ...", "parameters", 4, id="self is not counted"),
        pytest.param("def f(self, a, b, *, c, d) -> None: ...", "positional", 2, id="keyword-only is free"),
        pytest.param("def f(a, b, c): ...", "positional", 3, id="three by position"),
        pytest.param("def __exit__(self, a, b, c): ...", "positional", 0, id="imposed by the language"),
        pytest.param("async def f(a): ...", "untyped returns", 1, id="no return type"),
        pytest.param("def f():\n  a\n\n  b", "function lines", 4, id="lines"),
    ],
)
def test_sizes_measures(text: str, measure: str, value: int):
    assert measured(text)[measure] == value


def test_every_exception_from_a_budget_gives_its_reason():
    assert [row for row in sizes.EXCEPTIONS if len(row[2].split()) < 4 or row[1] not in sizes.MOST] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("fhir", "from coordinator.care import *", "Imports go one way"),
        ("care", "import socket", "Core and engine touch no network"),
        ("sync", "import threading", "Core and engine touch no network"),
        ("matching", "import asyncio", "The core knows no event loop"),
        ("store", "import httpx", "One door: httpx in ehr"),
        ("ehr", "import psycopg", "One door: psycopg"),
        ("audit", "from fhir.resources.R4B.patient import Patient", "One door: fhir.resources"),
        ("ehr", "from starlette.routing import Route", "One door: starlette"),
        ("sandbox", "import rich", "One door: typer and rich"),
        ("sync", "import pydantic", "pydantic at doors only"),
    ],
)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, room: str, line: str, contract: str):
    """Shadow packages with the rooms' names are enough: the contracts read imports, not code."""
    _plant(tmp_path, room, line)
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports as go; sys.exit(go())"]
    told = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert told.returncode == 1
    assert re.search(rf"{re.escape(contract)}.*BROKEN", told.stdout.replace("\n", " "))


def _plant(folder: Path, room: str, line: str) -> None:
    (folder / "pyproject.toml").write_text((HOUSE / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    rooms = [path.parent.name for path in (HOUSE / "coordinator").glob("*/__init__.py")]
    for name in rooms:
        (folder / "coordinator" / name).mkdir(parents=True)
        (folder / "coordinator" / name / "__init__.py").write_text("")
    for name in ("__init__", "clock", "errors", "tracing"):
        (folder / "coordinator" / f"{name}.py").write_text("")
    (folder / "coordinator" / room / "__init__.py").write_text(f"{line}\n")
