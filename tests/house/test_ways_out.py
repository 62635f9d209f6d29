"""Each way by which something about a person could come out passes the disclosure function, or is declared inside use.

`tests/ways_out.csv` is the one list: each command, route, job, and each kind of request with a body to an EHR, how it
is held (`disclosure`, `inside` by a role with a reason, `nobody` where it has nothing of a person), and why.
"""

import ast
import csv

import pytest
from typer.main import get_command

from coordinator.cli.app import app
from coordinator.sync.work.records import Work
from tests.house.reach import reached
from tests.house.source import HOUSE, modules, place

HOWS = ("disclosure", "inside", "nobody")
HELP = "add a line to tests/ways_out.csv: how is it held, by disclosure, inside by a role, or nobody's?"
GATES = {("coordinator.disclosure.release", "release"), ("coordinator.disclosure.view", "sight")}
LOOKS = {("coordinator.cli.looks", "note_look"), ("coordinator.audit.event", "audit_row")}
PEOPLE = {("coordinator.sync.gather", "gather"), ("coordinator.sync.gather", "account_of")}
METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "api_route", "websocket", "route"}


def listed():
    with (HOUSE / "tests" / "ways_out.csv").open(encoding="utf-8") as lines:
        return {(row["kind"], row["way"]): row for row in csv.DictReader(lines)}


def commands():
    """Return each command by its words, with the function that does it."""
    found, waiting = {}, [("", get_command(app))]
    while waiting:
        words, one = waiting.pop()
        below = getattr(one, "commands", None)
        if below is None:
            found[words] = (one.callback.__module__, one.callback.__name__)
        else:
            waiting += [(f"{words} {name}".strip(), each) for name, each in below.items()]
    return found


def routes():
    """Return each route of the HTTP door, as METHOD and path, from wherever a path is given to a router."""
    return {
        f"{one.func.attr.upper()} {one.args[0].value}"
        for path in modules("coordinator/api")
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr in METHODS
        and one.args
        and isinstance(one.args[0], ast.Constant)
        and str(one.args[0].value).startswith("/")
    }


def writers():
    """Return the places that make a request other than a GET to an EHR."""
    return {
        place(path)
        for path in modules("coordinator/ehr")
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "Asked"
        for word in one.keywords
        if word.arg == "method" and not (isinstance(word.value, ast.Constant) and word.value.value == "GET")
    }


def ways():
    return {
        *(("command", one) for one in commands()),
        *(("route", one) for one in routes()),
        *(("job", one.value) for one in Work),
        *(("writer", one) for one in writers()),
    }


def test_each_way_out_is_in_the_list_and_nothing_else_is():
    assert sorted(ways() - listed().keys()) == [], HELP
    assert sorted(listed().keys() - ways()) == [], "it is gone: take its line out of tests/ways_out.csv"


def test_each_line_says_how_and_why():
    for row in listed().values():
        assert row["how"] in HOWS, row
        assert len(row["why"].split()) >= 3, row
        assert bool(row["role"]) is (row["how"] == "inside"), row


@pytest.mark.parametrize(("words", "function"), sorted(commands().items()), ids=str)
def test_a_command_does_what_its_line_says(words, function):
    """Read from the code: what a command may come to call."""
    row, calls = listed()["command", words], reached(*function)
    if row["how"] == "disclosure":
        assert calls & GATES, "it is said to pass the disclosure function and never calls it"
    elif row["how"] == "inside":
        assert calls & LOOKS, "who looks at people must be in the audit log"
    else:
        assert not calls & PEOPLE, "it is said to have nothing of people, and gathers what is known of one"


def test_what_leaves_for_an_ehr_is_released_first():
    push = ("coordinator.sync.push", "push")
    assert reached(*push) >= GATES
    assert ("coordinator.ehr.gate", "Gated") in reached("coordinator.ehr.connect", "EhrRoom")


def test_only_push_writes_to_an_ehr():
    """`Ehr.write` is called by the one stage that asks disclosure; what wraps an EHR passes the call on."""
    found = {
        place(path)
        for path in modules()
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr == "write"
        and any(isinstance(each, ast.Attribute | ast.Name) and "may_leave" in ast.unparse(each) for each in one.args)
    }
    assert found == {"coordinator/cli/progress.py", "coordinator/sync/push.py"}
