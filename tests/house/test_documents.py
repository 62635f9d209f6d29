"""What we tell others to type, open or run is there."""

import re
from pathlib import Path

import pytest
import yaml

from tests.house.source import HOUSE, place, tracked_files

DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md" and not place(path).startswith("tests/worlds/")]
DECISIONS = sorted((HOUSE / "docs" / "decisions").glob("*.md"))
TARGETS = re.findall(r"^([a-z-]+):", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
SERVICES = yaml.safe_load((HOUSE / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=place)
def test_make_targets_in_documents_exist(path: Path):
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in named if name not in TARGETS] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=place)
def test_links_in_documents_lead_somewhere(path: Path):
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_help_lists_every_target_that_is_for_people():
    """Targets without a `##` are machinery."""
    text = (HOUSE / "Makefile").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert {"demo", "demo-live", "test", "check", "help"} <= listed


@pytest.mark.parametrize("path", DECISIONS, ids=place)
def test_a_decision_tells_situation_choice_alternatives_and_price(path: Path):
    parts = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert parts == ["Situation", "Choice", "Alternatives", "Price"]


def test_decisions_are_numbered_without_gaps():
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_without_root_on_a_read_only_file_system_and_shows_its_health(name: str):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert int(service["user"].partition(":")[0]) > 0
    assert service["healthcheck"]["test"][0] == "CMD"


def test_the_compose_file_holds_no_secret():
    """Secrets are files that nobody commits."""
    settings = {key for service in SERVICES.values() for key in service.get("environment", {})}
    open_words = [key for key in settings if re.search("PASSWORD|SECRET|TOKEN|URL$", key) and "FILE" not in key]
    assert open_words == []
    assert not [path for path in tracked_files() if place(path).startswith("secrets/")]


def test_images_are_pinned_to_a_version():
    text = (HOUSE / "docker-compose.yml").read_text() + (HOUSE / "Dockerfile").read_text()
    images = [
        name for name in re.findall(r"^\s*(?:image:|FROM) (\S+)", text, re.MULTILINE) if not name.endswith(":local")
    ]
    assert images
    assert [name for name in images if ":" not in name or name.endswith(":latest")] == []
