"""A running HAPI FHIR server for tests: one per session, on a free port of the loopback address."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

KIT = Path(__file__).parent / "hapi"
LONGEST_START = 900  # seconds; the first start on a machine also builds the server


@pytest.fixture(scope="session")
def hapi() -> Iterator[str]:
    """Return the FHIR base address of a server that starts empty and is shared: use ids of your own."""
    with running_hapi() as base:
        yield base


@pytest.fixture(scope="session")
def hapi_of_its_own_way() -> Iterator[str]:
    """Return the same for a server as HAPI is out of the box: a stale If-Match is 409, searches are cached for 60 s."""
    with running_hapi("--native-conflict", "--search-cache") as base:
        yield base


@contextlib.contextmanager
def running_hapi(*options: str) -> Iterator[str]:
    """Start a server with options of the kit (`--native-conflict`, `--token T`), give its base address, stop it."""
    missing = [command for command in ("java", "mvn", "curl") if not shutil.which(command)]
    if missing:
        pytest.fail(
            f"this test needs a real FHIR server, and {' and '.join(missing)} can't be found: install Java 17, Maven "
            "and curl, or leave such tests out with PEERS=0",
            pytrace=False,
        )
    port = str(_free_port())
    started = subprocess.run(
        [KIT / "start.sh", "--port", port, *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST_START,
    )
    if started.returncode:
        pytest.fail(f"the HAPI server did not start:\n{started.stderr}", pytrace=False)
    try:
        yield f"http://127.0.0.1:{port}/fhir"
    finally:
        subprocess.run([KIT / "stop.sh", "--port", port], check=True, capture_output=True, timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
