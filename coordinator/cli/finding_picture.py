"""A finding for a reader at a terminal: how soon, what is so, the values that stand against each other, what to do."""

from collections.abc import Iterator, Mapping

from rich.padding import Padding
from rich.text import Text

from coordinator.cli.json_parts import member, objects, printable, text, texts
from coordinator.fhir import Json

URGENCIES = {"urgent": "bold red", "soon": "yellow", "routine": "cyan"}


def finding_lines(finding: Mapping[str, Json]) -> Iterator[Padding | Text]:
    """Yield the lines of one finding."""
    urgency = text(finding, "urgency")
    yield Text.assemble(
        (urgency, URGENCIES.get(urgency, "")),
        "  ",
        (text(finding, "code"), "bold"),
        (f"  {text(finding, 'key')}", "dim"),
    )
    yield Padding(Text(text(finding, "sentence")), (0, 0, 0, 2), expand=False)
    facts = fact_lines(member(finding, "facts"))
    if facts:
        yield Padding(Text("\n").join(facts), (0, 0, 0, 4), expand=False)
    yield Padding(Text(text(finding, "suggestion"), style="italic"), (0, 0, 0, 2), expand=False)


def fact_lines(facts: Mapping[str, Json]) -> list[Text]:
    """Return the facts behind a sentence: values by EHR where there are any, else each by its name."""
    if isinstance(facts.get("doses"), list):
        return [_dose(one) for one in objects(facts, "doses")]
    values = member(facts, "values")
    if values:
        named: list[Text] = [Text(f"{text(facts, 'field')}:")] if "field" in facts else []
        told = [("last agreed", facts.get("base")), *sorted(values.items())]
        return named + [Text.assemble((f"  {who}: ", "dim"), value_text(value)) for who, value in told]
    return [
        Text(f"{name.replace('_', ' ')}: {value_text(value)}")
        for name, value in facts.items()
        if value not in (None, [])
    ]


def _dose(one: Mapping[str, Json]) -> Text:
    agreeing = texts(one, "agrees_with")
    beside = f", agrees with {', '.join(agreeing)}" if agreeing else ""
    return Text.assemble(
        (f"{text(one, 'ehr')}: ", "dim"), (f"{text(one, 'value')} {text(one, 'unit')}", "bold"), beside
    )


def value_text(value: Json) -> str:
    """Return a value in a few words."""
    match value:
        case None:
            return "nothing"
        case dict() if "value" in value and "unit" in value:
            return f"{value['value']} {value['unit']}"
        case dict():
            return ", ".join(f"{name} {value_text(one)}" for name, one in value.items())
        case list():
            return ", ".join(value_text(one) for one in value)
        case _:
            return printable(str(value))
