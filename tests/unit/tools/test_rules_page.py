"""The page of rules says what the tables say."""

from tools.rules_page import PAGE, page


def test_the_page_of_rules_is_the_one_that_the_tables_make():
    """Stale? `python -m tools.rules_page`."""
    assert PAGE.read_text(encoding="utf-8") == page()
