"""The page of commands says what the commands say."""

from tools.command_reference import PAGE, page


def test_the_page_of_commands_is_the_one_that_the_commands_make():
    """Stale? `python -m tools.command_reference`."""
    assert PAGE.read_text(encoding="utf-8") == page()
