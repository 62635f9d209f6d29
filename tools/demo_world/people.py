"""Who lives in the world of the demonstration: all of them invented, in and around Albany, with numbers 555-01xx."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person, and the number under which each EHR knows the person ('' where it does not)."""

    key: str
    family: str
    given: str
    gender: str
    born: str
    phone: str
    home: tuple[str, str, str]  # street, city, ZIP code
    harbor: str = ""
    riverbend: str = ""
    lakeside: str = ""
    consents: bool = True

    @property
    def name(self) -> str:
        """Return the name as a form prints it."""
        return f"{self.given} {self.family}"

    def number(self, ehr: str) -> str:
        """Return the number under which an EHR knows the person."""
        return {"harbor": self.harbor, "riverbend": self.riverbend, "lakeside": self.lakeside}[ehr]


def _person(line: str, *, consents: bool = True) -> Person:
    key, name, gender, born, phone, home, numbers = (part.strip() for part in line.split("|"))
    given, family = name.rsplit(" ", 1)
    street, city, zip_code = (part.strip() for part in home.rsplit(",", 2))
    harbor, riverbend, lakeside = (number.replace("-", "") for number in numbers.split())
    return Person(
        key=key,
        family=family,
        given=given,
        gender=gender,
        born=born,
        phone=f"+1-518-555-{phone}",
        home=(street, city, zip_code),
        harbor=harbor and f"HH-{harbor}",
        riverbend=riverbend and f"rb-p-{riverbend}",
        lakeside=lakeside and f"lk-{lakeside}",
        consents=consents,
    )


_ROWS = """
ruiz      | Ana Ruiz       | female | 1991-04-12 | 0141 | 48 Elm Street, Albany, 12207               | 20417 3308 60177
novak     | Ella Novak     | female | 1990-06-14 | 0118 | 230 Lark Street, Albany, 12210             | -     3174 60233
ito       | Gwen Ito       | female | 1988-08-19 | 0127 | 71 Madison Avenue, Albany, 12202           | -     3222 60251
okafor    | Ben Okafor     | male   | 1985-11-30 | 0162 | 9 Washington Avenue Apt 3, Albany, 12210   | 20388 3290 60198
hale      | Dmitri Hale    | male   | 1979-08-21 | 0105 | 514 Central Avenue, Albany, 12206          | 20441 -    60120
reyes     | Omar Reyes     | male   | 1982-02-03 | 0133 | 27 Quail Street, Albany, 12203             | 20402 3105 60142
liu       | Grace Liu      | female | 1995-12-09 | 0156 | 88 Delaware Avenue, Delmar, 12054          | 20433 -    60264
brooks    | Jamal Brooks   | male   | 2001-05-17 | 0149 | 12 Second Street, Troy, 12180              | -     3315 -
vega      | Tomás Vega     | male   | 1987-01-25 | 0122 | 7 Broadway, Watervliet, 12189              | -     3040 60213
lindqvist | Nora Lindqvist | female | 1958-09-14 | 0101 | 155 New Scotland Avenue, Albany, 12208     | -     3282 60088
ortiz     | Samuel Ortiz   | male   | 1999-04-30 | 0167 | 318 Hamilton Street, Albany, 12210         | 20377 3276 60239
weiss     | Hannah Weiss   | female | 1993-06-21 | 0144 | 5 Pine Street, Rensselaer, 12144           | 20369 3297 60247
"""
_WITHOUT_CONSENT = """
mensah    | Kofi Mensah    | male   | 1969-03-28 | 0171 | 340 State Street, Schenectady, 12305       | 20425 3301 60109
ferrari   | Lucia Ferrari  | female | 1974-10-02 | 0110 | 65 Remsen Street, Cohoes, 12047            | -     3268 60155
cole      | Maya Cole      | female | 1992-07-09 | 0138 | 19 Hudson Avenue, Albany, 12210            | 20436 -    -
"""

PEOPLE = {
    **{one.key: one for one in map(_person, _ROWS.strip().splitlines())},
    **{one.key: one for one in (_person(line, consents=False) for line in _WITHOUT_CONSENT.strip().splitlines())},
}
"""By key. Who signed no consent is known elsewhere, but what Part 2 programs know of them stays there."""

ALIKE = replace(
    PEOPLE["cole"],
    key="cole-lakeside",
    phone="+1-518-555-0183",
    home=("402 Union Street", "Schenectady", "12305"),
    harbor="",
    lakeside="lk-60271",
)
"""The same name and birth date, another telephone and address: perhaps Maya Cole who moved, perhaps somebody else."""
