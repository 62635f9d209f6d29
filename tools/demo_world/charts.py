"""The three EHRs while their records are being written, and how a record of each kind looks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .people import Person

Record = dict[str, Any]
Extra = Any  # what a record may say beside what each of its kind does
ZONE = ZoneInfo("America/New_York")
V3 = "http://terminology.hl7.org/CodeSystem"
SNOMED = "http://snomed.info/sct"
DIRECTORY = "https://directory.example/organization"
MINE = "https://coordinator.example/fhir/CodeSystem"

LEVELS = {
    ("3e", "3.5"): "High-intensity residential",
    ("3e", "3.7"): "Medically monitored intensive inpatient",
    ("4e", "2.1"): "Intensive outpatient (IOP)",
}
SESSIONS = {
    "group": ("76168009", "Group psychotherapy (regime/therapy)", "Group session"),
    "individual": ("75516001", "Individual psychotherapy (regime/therapy)", "Individual session"),
    "family": ("51484002", "Family psychotherapy (regime/therapy)", "Family session"),
}


@dataclass(kw_only=True)
class Chart:
    """One EHR: what it holds at the start, and what its clinicians save later."""

    name: str
    key: str
    title: str
    domain: str
    staff: tuple[str, str]
    stamped: bool = True
    start: list[Record] = field(default_factory=list)
    changes: dict[str, list[Record]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def open(self) -> None:
        """Add who runs it."""
        given, family = self.staff[1].split(" ")
        house: Record = {"resourceType": "Organization", "id": self.key}
        house |= {"identifier": [{"system": DIRECTORY, "value": self.key}], "active": True, "name": self.title}
        staff: Record = {"resourceType": "Practitioner", "id": self.staff[0], "active": True}
        staff["name"] = [{"use": "official", "family": family, "given": [given]}]
        self.add(house, "2025-01-02T09:00")
        self.add(staff, "2025-01-02T09:00")

    def add(self, record: Record, at: str) -> None:
        """Keep a record that is there at the start, saved at a local time."""
        meta = {"meta": {"versionId": "1", "lastUpdated": instant(at)}} if self.stamped else {}
        kind, id_, *_ = record.items()
        self.start.append(dict([kind, id_]) | meta | dict(list(record.items())[2:]))

    def later(self, at: str, record: Record) -> None:
        """Keep a record that is saved at a local time after the start, whole."""
        self.changes.setdefault(utc_name(at), []).append(record)

    def deleted(self, at: str, kind: str, id_: str) -> None:
        """Have a record deleted at a local time after the start."""
        self.later(at, {"resourceType": kind, "id": id_, "_deleted": True})

    def next_id(self, kind: str) -> str:
        """Return the next id of a kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{self.domain[:2]}-{kind}-{1000 + self._counts[kind]}"

    def identifier(self, kind: str, id_: str) -> Record:
        """Return the business identifier of a record."""
        return {"identifier": [{"system": f"https://{self.domain}.example/{kind}", "value": id_}]}

    def subject(self, person: Person) -> Record:
        """Return the reference to a person's Patient."""
        return {"reference": f"Patient/{person.number(self.name)}"}

    def by(self) -> Record:
        """Return the reference to the clinician."""
        return {"reference": f"Practitioner/{self.staff[0]}", "display": self.staff[1]}

    def organization(self) -> Record:
        """Return the reference to the organization."""
        return {"reference": f"Organization/{self.key}", "display": self.title}

    def mrn(self, person: Person) -> str:
        """Return the medical record number."""
        number = person.number(self.name)
        return f"RB00{number.rpartition('-')[2]}" if self.name == "riverbend" else number


@dataclass(kw_only=True)
class Page:
    """What one EHR holds of one person, while it is being written."""

    chart: Chart
    person: Person

    def add(self, record: Record, at: str) -> None:
        """Keep a record that is there at the start, saved at a local time."""
        self.chart.add(record, at)

    def later(self, at: str, record: Record) -> None:
        """Keep a record that is saved at a local time after the start, whole."""
        self.chart.later(at, record)

    def subject(self) -> Record:
        """Return the reference to the person's Patient."""
        return self.chart.subject(self.person)

    def patient(self, at: str) -> None:
        """Add the Patient."""
        street, city, zip_code = self.person.home
        self.add(
            {
                "resourceType": "Patient",
                "id": self.person.number(self.chart.name),
                "identifier": [
                    {
                        "use": "usual",
                        "type": concept(f"{V3}/v2-0203", "MR", "Medical record number"),
                        "system": f"https://{self.chart.domain}.example/mrn",
                        "value": self.chart.mrn(self.person),
                        "assigner": {"display": self.chart.title},
                    }
                ],
                "active": True,
                "name": [{"use": "official", "family": self.person.family, "given": [self.person.given]}],
                "telecom": [{"system": "phone", "value": self.person.phone, "use": "mobile"}],
                "gender": self.person.gender,
                "birthDate": self.person.born,
                "address": [
                    {
                        "use": "home",
                        "line": [street],
                        "city": city,
                        "state": "NY",
                        "postalCode": zip_code,
                        "country": "US",
                    }
                ],
                "managingOrganization": self.chart.organization(),
            },
            at,
        )

    def stay(self, id_: str, level: tuple[str, str], *, start: str, end: str = "", status: str = "") -> None:
        """Add the EpisodeOfCare of a stay."""
        edition, code = level
        period = {"start": start} | ({"end": end} if end else {})
        self.chart.add(
            {
                "resourceType": "EpisodeOfCare",
                "id": id_,
                **self.chart.identifier("episode", id_),
                "status": status or ("finished" if end else "active"),
                "type": [
                    concept(f"{V3}/episodeofcare-type", "da", "Drug and alcohol rehabilitation"),
                    concept(f"{MINE}/asam-{edition}", code, LEVELS[level])
                    | {"text": f"ASAM {code} ({edition[0]}{'rd' if edition[0] == '3' else 'th'} edition)"},
                ],
                "patient": self.subject(),
                "managingOrganization": self.chart.organization(),
                "period": period,
                "careManager": self.chart.by(),
            },
            f"{start[:10]}T10:00",
        )

    def contact(
        self, id_: str, *, class_: tuple[str, str], type_: Record, hours: tuple[str, str], **more: Extra
    ) -> Record:
        """Return an Encounter between two local times; `episode`, `status` and `disposition` as they apply."""
        episode = {"episodeOfCare": [{"reference": f"EpisodeOfCare/{more['episode']}"}]} if more.get("episode") else {}
        left = (
            {"hospitalization": {"dischargeDisposition": concept(f"{V3}/discharge-disposition", *more["disposition"])}}
            if more.get("disposition")
            else {}
        )
        return {
            "resourceType": "Encounter",
            "id": id_,
            **self.chart.identifier("encounter", id_),
            "status": more.get("status", "finished"),
            "class": {"system": f"{V3}/v3-ActCode", "code": class_[0], "display": class_[1]},
            "type": [type_],
            "subject": self.subject(),
            **episode,
            "participant": [{"individual": self.chart.by()}],
            "period": {"start": instant(hours[0]), "end": instant(hours[1])},
            **left,
            "serviceProvider": self.chart.organization(),
        }

    def night(self, day: str, *, episode: str, home: bool = False, id_: str = "") -> None:
        """Add a day of an overnight stay, on the last of which the person goes home."""
        type_ = concept(SNOMED, "185347001", "Encounter for problem (procedure)")
        made = self.contact(
            id_ or self.chart.next_id("e"),
            class_=("IMP", "inpatient encounter"),
            type_=type_,
            hours=(f"{day}T08:00", f"{day}T{'11:30' if home else '20:00'}"),
            episode=episode,
            disposition=("home", "Home") if home else None,
        )
        self.chart.add(made, f"{day}T20:00")

    def session(self, kind: str, begin: str, hours: float, *, episode: str, **more: Extra) -> Record:
        """Return a session that begins at a local time; `virtual`, `status` and `disposition` as they apply."""
        code, display, text = SESSIONS[kind]
        end = (datetime.fromisoformat(begin) + timedelta(hours=hours)).isoformat(timespec="minutes")
        return self.contact(
            more.get("id_") or self.chart.next_id("e"),
            class_=("VR", "virtual") if more.get("virtual") else ("AMB", "ambulatory"),
            type_=concept(SNOMED, code, display) | {"text": text},
            hours=(begin, end),
            episode=episode,
            status=more.get("status", "finished"),
            disposition=more.get("disposition"),
        )

    def goal(self, id_: str, text: str, *, due: str, start: str, **more: str) -> Record:
        """Return a Goal; `status` and `achievement` where they are not as at its start."""
        code = more.get("achievement", "in-progress")
        return {
            "resourceType": "Goal",
            "id": id_,
            "lifecycleStatus": more.get("status", "active"),
            "achievementStatus": concept(f"{V3}/goal-achievement", code, code.replace("-", " ").title()),
            "category": [concept(f"{V3}/goal-category", "behavioral", "Behavioral")],
            "description": {"text": text},
            "subject": self.subject(),
            "startDate": start,
            "target": [{"dueDate": due}],
        }

    def plan(self, id_: str, goals: Iterable[str], *, start: str, activities: Sequence[str]) -> Record:
        """Return a CarePlan with its goals and activities."""
        category = concept(
            "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
            "assess-plan",
            "Assessment and Plan of Treatment",
        )
        return {
            "resourceType": "CarePlan",
            "id": id_,
            **self.chart.identifier("careplan", id_),
            "status": "active",
            "intent": "plan",
            "category": [category],
            "title": "Substance use treatment plan",
            "subject": self.subject(),
            "period": {"start": start},
            "created": start,
            "author": {"reference": f"Practitioner/{self.chart.staff[0]}"},
            "goal": [{"reference": f"Goal/{goal}"} for goal in goals],
            "activity": [
                {"detail": {"kind": "ServiceRequest", "code": {"text": text}, "status": "in-progress"}}
                for text in activities
            ],
        }


def concept(system: str, code: str, display: str) -> Record:
    """Return a CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def instant(local: str) -> str:
    """Return a local time with the offset that holds on that day; a day as it is."""
    if "T" not in local:
        return local
    return datetime.fromisoformat(local).replace(tzinfo=ZONE).isoformat(timespec="seconds")


def utc_name(local: str) -> str:
    """Return the name of the file for what is saved at a local time."""
    moment = datetime.fromisoformat(local).replace(tzinfo=ZONE).astimezone(ZoneInfo("UTC"))
    return moment.strftime("%Y-%m-%dT%H-%MZ")


def days(first: str, count: int, *, step: int = 1) -> list[str]:
    """Return days from the first on."""
    begin = date.fromisoformat(first)
    return [str(begin + timedelta(days=step * number)) for number in range(count)]


def weekdays(first: str, last: str, wanted: Iterable[int]) -> list[str]:
    """Return the days from first to last that fall on the wanted days of the week, Monday being 0."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    every = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
    return [str(day) for day in every if day.weekday() in set(wanted)]
