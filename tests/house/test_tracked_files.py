"""What is committed: it runs anywhere, and says where it came from."""

import re

from tests.house.source import HOUSE, place, tracked_files

DATA = (".csv", ".gz", ".json", ".ndjson", ".xml", ".toml", ".tgz", ".hl7", ".txt")

# Written in pieces, so that this file does not find itself.
REGISTRIES = re.compile(
    "|".join(
        rf"\b{name}[.]{end}\b"
        for name, end in [
            ("py" + "pi", "org"),
            ("python" + "hosted", "org"),
            ("np" + "mjs", "org"),
            ("repo1?[.]mav" + "en", r"(?:apache[.])?org"),
            ("cra" + "tes", "io"),
            ("proxy[.]go" + "lang", "org"),
            ("deb[.]deb" + "ian", "org"),
        ]
    )
    + "|--(?:extra-)?index"
    + "-url |--trusted"
    + "-host "
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.:/}*<-])/(?:wo" + r"rk|ro" + r"ot|fa" + r"rm|opt/whe" + r"els|ho" + r"me/\w+)(?:/|\b)"
)


def test_no_registry_address_or_machine_path_is_written_down():
    """A clone works on another machine, behind another registry."""
    found = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="ignore")
        for pattern in (REGISTRIES, MACHINE_PATHS):
            found += [f"{place(path)}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


def test_every_data_file_has_its_source_and_license_in_the_notice():
    data = [place(path) for path in tracked_files() if path.suffix in DATA and is_ours_to_explain(place(path))]
    unexplained = [name for name in data if not any(name == row or name.startswith(row) for row in notice_paths())]
    assert unexplained == []


def test_every_row_of_the_notice_is_about_something_that_is_there():
    assert [row for row in notice_paths() if not (HOUSE / row).exists()] == []


def test_folders_in_the_notice_end_with_a_slash():
    """So that a row for `tables/` does not speak for `tables.py`, too."""
    assert [row for row in notice_paths() if (HOUSE / row).is_dir() and not row.endswith("/")] == []


def is_ours_to_explain(name: str) -> bool:
    return name.startswith(("coordinator/", "tests/", "docs/"))


def notice_paths() -> list[str]:
    rows = [line.split("|") for line in (HOUSE / "NOTICE").read_text(encoding="utf-8").splitlines() if "|" in line]
    return [row[0].strip() for row in rows if "/" in row[0]]
