"""Write docs/reference/cli.md from the tree of commands: `python -m tools.command_reference`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any  # what typer makes of a command is typed by no name that it exports

import typer

from coordinator.cli.app import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"

_HEAD = """# The command line

Made from the commands themselves by `python -m tools.command_reference`; a test sees to it that both agree.

Every command takes `--json` and then prints one line of JSON. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done in
part (an EHR could not be reached, a record was quarantined), 4 something waits (with `--exit-code`). Trouble is one
sentence on standard error that says what to do. Progress is shown on a terminal only.

| variable | is |
|---|---|
| `COORDINATOR_HOME` | the folder of the embedded database and the keys |
| `COORDINATOR_DATABASE_URL`, `COORDINATOR_DATABASE_URL_FILE` | another PostgreSQL (16 or newer), or the file that holds its address |
| `COORDINATOR_TENANT` | the tenant, where `--tenant` does not name one |
| `COORDINATOR_MASTER_KEY_FILE` | the file of the key under which all is sealed; else `master.key` in `COORDINATOR_HOME` |
| `COORDINATOR_ENV` | `production`: a master key that is named; nothing starts that is unsafe (`docs/explanation/security.md`) |
| `COORDINATOR_TRACES_ENDPOINT` | where traces are sent by OTLP over HTTP; else OpenTelemetry's own variables count |
| `COORDINATOR_DEBUG` | `1`: with trouble also the way there in the code, without content |
"""


def page() -> str:
    """Return the page."""
    root = typer.main.get_command(app)
    return "\n".join([_HEAD, *_parts(root, "coordinator")]).rstrip() + "\n"


def _parts(command: Any, path: str) -> Iterator[str]:
    """Yield the part of a command and, where it groups others, theirs."""
    below: dict[str, Any] = getattr(command, "commands", {})
    yield f"## `{path}`\n" if below else f"### `{_usage(command, path)}`\n"
    yield f"{_text(command.help)}\n"
    rows = [row for one in command.params if (row := _row(one)) is not None]
    if rows:
        yield "\n".join(["| | | |", "|---|---|---|", *rows]) + "\n"
    for name, one in below.items():
        yield from _parts(one, f"{path} {name}")


def _usage(command: Any, path: str) -> str:
    words = [one.metavar or one.name.upper() for one in command.params if one.param_type_name == "argument"]
    return " ".join([path, *words, "[OPTIONS]"])


def _row(parameter: Any) -> str | None:
    if parameter.name == "help" or getattr(parameter, "hidden", False):
        return None
    if parameter.param_type_name == "argument":
        names, takes = f"`{parameter.metavar or parameter.name.upper()}`", "needed" if parameter.required else ""
    else:
        words = [*parameter.opts, *parameter.secondary_opts]
        names = ", ".join(f"`{one}`" for one in words)
        takes = f"`{parameter.metavar}`" if parameter.metavar else ""
        takes += " needed" if parameter.required else ""
    return f"| {names} | {_cell(takes)} | {_cell(_text(parameter.help))} |"


def _text(help_: str | None) -> str:
    paragraphs = (help_ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|").replace("\n\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
