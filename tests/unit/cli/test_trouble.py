"""Whatever happens, a person reads one sentence without anybody's details, and a program reads an exit code."""

import asyncio
import errno
import json

import httpx
import psycopg
import pytest
import typer

from coordinator.cli.trouble import FAILED, USAGE, WrongWord, tell_trouble, trouble_of
from coordinator.errors import ConfigurationError, InvalidInput, TemporaryEhrError

NAME = "Ana Ruiz"


def caught(action):
    try:
        action()
    except Exception as error:  # noqa: BLE001 - a real one, with its frames
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "says", "code"),
    [
        pytest.param(ConfigurationError("No key.", hint="Make one."), "No key. Make one.", FAILED, id="ours"),
        pytest.param(InvalidInput("Not valid."), "Not valid.", FAILED, id="a file's content"),
        pytest.param(WrongWord("--since is no day."), "--since is no day.", USAGE, id="what was typed"),
        pytest.param(typer.BadParameter("no number"), "no number", USAGE, id="the reader of the command line"),
        pytest.param(OSError(errno.ENOSPC, "No space left", NAME), "disk is full", FAILED, id="disk full"),
        pytest.param(PermissionError(errno.EACCES, "denied", NAME), "permissions", FAILED, id="no permission"),
        pytest.param(OSError(errno.EIO, "Input/output error", NAME), "Input/output error", FAILED, id="other I/O"),
        pytest.param(ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "refused", FAILED, id="server down"),
        pytest.param(psycopg.OperationalError(NAME), "database", FAILED, id="a driver's error that slipped"),
        pytest.param(httpx.ConnectError(NAME), "server", FAILED, id="an exchange that slipped"),
        pytest.param(caught(lambda: json.loads(NAME)), "JSON", FAILED, id="no JSON"),
        pytest.param(caught(b"\xff".decode), "UTF-8", FAILED, id="no UTF-8"),
        pytest.param(MemoryError(), "memory", FAILED, id="memory"),
        pytest.param(KeyboardInterrupt(), "Stopped", FAILED, id="Ctrl-C"),
        pytest.param(caught(lambda: {}[NAME]), "report it", FAILED, id="a fault of ours"),
        pytest.param(
            ExceptionGroup("several", [ExceptionGroup("more", [TemporaryEhrError("No answer.")])]),
            "No answer.",
            FAILED,
            id="the first of several",
        ),
    ],
)
def test_trouble_is_one_sentence_and_an_exit_code(capsys, error, says, code):
    assert tell_trouble(error) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("coordinator: ")
    assert told.err.count("\n") == 1
    assert says in told.err
    assert NAME not in told.err


def test_debugging_shows_the_way_and_not_the_words(capsys):
    """An error's words may repeat what it was given; its frames are our own."""
    error = caught(lambda: asyncio.run(_broken()))
    tell_trouble(error, debug=True)
    told = capsys.readouterr().err
    assert "in _broken" in told
    assert "ValueError" in told
    assert "born 1991" not in told


async def _broken():
    born = "born 1991"
    raise ValueError(born)


def test_an_unexpected_error_names_its_place_in_our_code():
    sentence, _ = trouble_of(caught(lambda: trouble_of(None).nothing))
    assert "AttributeError" in sentence
