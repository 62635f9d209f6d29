"""Write the world of the demonstration: the same input gives the same bytes.

    python tools/make_demo_world.py tests/fixtures/synthea coordinator/sandbox/worlds/demo

The first folder holds synthetic records (its SOURCES.md says whence), the second is made anew. Its files `ehr.toml`,
`world.toml`, `mappings/` and `README.md` are written by hand and stay.
"""

import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from demo_world.charts import Chart, Page, Record
from demo_world.consents import consent
from demo_world.people import ALIKE, PEOPLE
from demo_world.stories import World, tell
from demo_world.synthetic import add_synthetic

SIGNED = "2026-01-05"
ODELL, SHAH, PARK = ("hh-prac-3", "Martin Odell"), ("rb-prac-12", "Priya Shah"), ("lk-prac-7", "Lena Park")
_PART2 = ("harbor", "riverbend")


def charts() -> dict[str, Chart]:
    """Return the three EHRs with nobody in them."""
    made = (
        Chart(
            name="harbor", key="harbor-house", title="Harbor House", domain="harborhouse", staff=ODELL, stamped=False
        ),
        Chart(name="riverbend", key="riverbend", title="Riverbend IOP", domain="riverbend", staff=SHAH),
        Chart(name="lakeside", key="lakeside", title="Lakeside Family Medicine", domain="lakeside", staff=PARK),
    )
    for chart in made:
        chart.open()
    return {chart.name: chart for chart in made}


def consents(held: dict[str, Chart]) -> Iterable[Record]:
    """Yield a consent for each way from a Part 2 program to another EHR that knows the person."""
    for person in PEOPLE.values():
        known = [name for name in held if person.number(name)]
        for source in (name for name in known if name in _PART2 and person.consents):
            for recipient in (name for name in known if name != source):
                yield consent(person, held[source], held[recipient], signed=SIGNED)


def main(synthetic: Path, folder: Path) -> None:
    """Write the folder."""
    held = charts()
    everybody = [*PEOPLE.values(), ALIKE]
    for chart in held.values():
        for person in everybody:
            if person.number(chart.name):
                Page(chart=chart, person=person).patient("2026-01-02T09:00")
    tell(World(**held))
    add_synthetic(synthetic, held["lakeside"], [person for person in everybody if person.lakeside])
    for chart in held.values():
        _write_chart(folder / chart.name, chart)
    _cleared(folder / "consents")
    for one in consents(held):
        (folder / "consents" / f"{one['id']}.json").write_text(_line(one), encoding="utf-8")


def _write_chart(folder: Path, chart: Chart) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ndjson"):
        old.unlink()
    by_type: dict[str, list[Record]] = {}
    for record in chart.start:
        by_type.setdefault(record["resourceType"], []).append(record)
    _cleared(folder / "changes")
    files = {f"{kind}.ndjson": records for kind, records in by_type.items()}
    files |= {f"changes/{name}.ndjson": records for name, records in chart.changes.items()}
    for name, records in files.items():
        (folder / name).write_text("".join(map(_line, records)), encoding="utf-8")


def _cleared(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
