"""How the code is laid out: what each module says, shows, and must not touch."""

import ast
import importlib
from pathlib import Path

import pytest

from tests.house.source import ADAPTERS, CORE_AND_ENGINE, HOUSE, imported, modules, names_used, place, room, uses

MODULES = modules()
ROOMS = sorted(path.parent.name for path in (HOUSE / "coordinator").glob("*/__init__.py"))
CARE = HOUSE / "coordinator" / "care"
CONCEPTS = sorted(path.parent.name for path in CARE.glob("*/__init__.py"))
STAGES = {"pull", "normalize", "match", "decide", "push", "verify"}

CHANCE_AND_CLOCK = (
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "uuid.uuid1", "uuid.uuid4", "random", "secrets", "time.sleep", "time.time", "time.monotonic", "asyncio.sleep",
)  # fmt: skip
WORLD = ("http.client", "http.server", "urllib.request", "open", "input", "pathlib.Path.cwd", "pathlib.Path.home")
ENVIRONMENT = ("os.environ", "os.getenv", "os.putenv")


def found(names: tuple[str, ...], path: Path) -> list[str]:
    return [
        f"{place(path)}:{line} {used}"
        for line, used in uses(path)
        if any(used == name or used.startswith(f"{name}.") for name in names)
    ]


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_module_says_in_a_sentence_what_it_is_for(path: Path):
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    assert len(first.split()) >= 4
    assert first.rstrip().endswith((".", ":", "?"))


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_starts_with_a_paragraph(name: str):
    """What comes in, what goes out, what it must never do."""
    text = (HOUSE / "coordinator" / name / "__init__.py").read_text(encoding="utf-8")
    assert len((ast.get_docstring(ast.parse(text)) or "").split()) >= 25


@pytest.mark.parametrize("name", [name for name in ROOMS if name != "care"])
def test_a_room_shows_a_surface_that_is_there(name: str):
    """`care` shows its concepts, each by its own modules."""
    shown = importlib.import_module(f"coordinator.{name}")
    assert shown.__all__
    assert [one for one in shown.__all__ if not hasattr(shown, one)] == []


def test_clock_and_chance_come_in_through_adapters():
    """A run that is told the time and its chances can be repeated."""
    assert [one for path in MODULES if room(path) not in ADAPTERS for one in found(CHANCE_AND_CLOCK, path)] == []


BY_ITSELF = (
    "coordinator/audit/offline_verifier.py"  # a program that is handed out with a bundle and imports none of ours
)


def test_core_and_engine_do_not_reach_for_the_world():
    core = [path for path in MODULES if room(path) in CORE_AND_ENGINE and place(path) != BY_ITSELF]
    assert [one for path in core for one in found(WORLD, path)] == []


def test_nothing_imports_the_program_that_is_handed_out():
    named = [place(path) for path in MODULES if "import offline_verifier" in path.read_text(encoding="utf-8")]
    assert named == []


def test_only_settings_reads_the_environment():
    assert [one for path in MODULES if room(path) != "settings" for one in found(ENVIRONMENT, path)] == []


def test_only_the_output_of_the_command_line_prints():
    printing = [
        one
        for path in MODULES
        for one in found(("print",), path)
        if place(path) not in {"coordinator/cli/output.py", BY_ITSELF}
    ]
    assert printing == []


@pytest.mark.parametrize("concept", CONCEPTS)
def test_a_concept_of_care_knows_no_other(concept: str):
    """What needs two concepts lives in `reconcile` or `workflow`."""
    others = tuple(f"coordinator.care.{name}" for name in CONCEPTS if name != concept)
    crossing = [
        f"{place(path)} imports {name}"
        for path in (CARE / concept).rglob("*.py")
        for name in imported(path)
        if name.startswith(others) and name.removeprefix("coordinator.care.").split(".")[0] in CONCEPTS
    ]
    assert crossing == []


def test_stages_of_a_run_do_not_call_each_other():
    """`sync/run.py` calls them, so that the order of a run can be read in one place."""
    folder = HOUSE / "coordinator" / "sync"
    crossing = [
        f"{place(path)} imports {name}"
        for path in folder.glob("*.py")
        for name in imported(path)
        if path.stem in STAGES and name.startswith("coordinator.sync.") and name.split(".")[2] in STAGES - {path.stem}
    ]
    assert crossing == []


def test_tests_neither_sleep_nor_patch_what_they_test():
    """A test that needs a patch shows a missing port; one that sleeps is slow today and fails tomorrow."""
    banned = ("time.sleep", "unittest.mock", "mock")
    tests = [path for path in modules("tests") if not place(path).startswith("tests/worlds/")]
    assert [one for path in tests for one in found(banned, path)] == []
    assert [place(path) for path in tests if "monkeypatch" + ".setattr" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("import datetime as dt\ndt.datetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime\nx = datetime.now", "datetime.datetime.now"),
        ("from datetime import datetime as when\nwhen.now()", "datetime.datetime.now"),
        ("from uuid import uuid4", "uuid.uuid4"),
        ("import os.path\nos.environ['A']", "os.environ"),
        ("print('x')", "print"),
    ],
)
def test_the_watch_over_names_is_not_fooled_by_other_names(text: str, used: str):
    assert used in {name for _, name in names_used(text)}
