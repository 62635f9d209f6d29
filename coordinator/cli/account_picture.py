"""One person's account for a reader at a terminal."""

from coordinator.cli.output import say
from coordinator.fhir import Json


def show_account(value: dict[str, Json]) -> None:
    """Print the account: who, timeline, medication, plan, what is open."""
    say(f"[bold]{value['given']} {value['family']}[/bold], born {value['birth_date']}  (person {value['person']})")
