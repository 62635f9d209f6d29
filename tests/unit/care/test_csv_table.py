"""Tables are checked as they are loaded, and a bad line is named without repeating its content."""

from decimal import Decimal
from enum import Enum

import pytest

from coordinator.care.csv_table import Row, by_text, indexed, read_rows
from coordinator.errors import ConfigurationError


class Color(Enum):
    """Something to choose from."""

    RED = "red"


def rows(text: str, *columns: str) -> list[Row]:
    return list(read_rows(text, file="t.csv", columns=columns))


def one(**cells: str) -> Row:
    return Row(file="t.csv", line=7, cells=cells)


def test_cells_are_stripped_and_empty_lines_skipped():
    found = rows("a, b \n 1 ,x\n,\n2,y\n", "a", "b")

    assert [row.cells for row in found] == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]
    assert [row.line for row in found] == [2, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n1\n", "t.csv, line 1: it lacks the column b."),
        ("", "t.csv, line 1: it lacks the column a."),
        ("a,b,a\n", "t.csv, line 1: it names a column twice."),
        ("a,b\n1\n", "t.csv, line 2: it has 1 cells where the first line has 2."),
        ('a,b\n"1"x,2\n', "t.csv, line 2: it is not readable as CSV."),
    ],
    ids=["missing column", "empty file", "column twice", "short line", "broken quotes"],
)
def test_a_table_that_can_not_be_used_names_file_and_line(text: str, message: str):
    with pytest.raises(ConfigurationError) as error:
        rows(text, "a", "b")

    assert str(error.value) == message


@pytest.mark.parametrize(
    "read",
    [
        lambda: one(a="").text("a"),
        lambda: one(a="-1").whole("a"),
        lambda: one(a="1.5").whole("a"),
        lambda: one(a="\u0661").whole("a"),
        lambda: one(a="secret").decimal("a"),
        lambda: one(a="NaN").decimal("a"),
        lambda: one(a="-2").decimal("a"),
        lambda: one(a="perhaps").flag("a"),
        lambda: one(a="blue").member("a", Color),
    ],
)
def test_a_bad_cell_is_refused_with_its_place_and_not_repeated(read):
    with pytest.raises(ConfigurationError, match=r"^t\.csv, line 7: a ") as error:
        read()

    assert "secret" not in str(error.value)


def test_cells_become_values():
    row = one(text="x", none="", words="a  b", whole="07", decimal="1.10", flag="verified", color="red")

    assert row.text("text") == "x"
    assert row.optional("none") is None
    assert row.words("words") == ("a", "b")
    assert (row.whole("whole"), row.whole("none")) == (7, None)
    assert (row.decimal("decimal"), row.decimal("none")) == (Decimal("1.10"), None)
    assert row.flag("flag", yes="verified", no="unverified") is True
    assert row.member("color", Color) is Color.RED


def test_a_key_that_stands_twice_is_refused_at_its_second_place():
    table = rows("a,b\nx,1\ny,2\nx,3\n", "a", "b")

    with pytest.raises(ConfigurationError, match=r"^t\.csv, line 4: a stands twice"):
        indexed(table, "a", lambda row: (row.text("a"), row.text("b")))
    assert indexed(table[:2], "a", lambda row: (row.text("a"), row.whole("b"))) == {"x": 1, "y": 2}


@pytest.mark.parametrize(("text", "fault"), [("a,b\nx,1\nx,2\n", "a stands twice"), ("a,b\n,1\n", "a is empty")])
def test_rows_by_the_text_of_a_column_name_that_column_where_it_is_at_fault(text, fault):
    with pytest.raises(ConfigurationError, match=fault):
        by_text(rows(text, "a", "b"), "a", lambda row: row.text("b"))
    assert by_text(rows("a,b\nx,1\ny,2\n", "a", "b"), "a", lambda row: row.whole("b")) == {"x": 1, "y": 2}
