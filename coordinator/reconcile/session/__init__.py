"""Sessions of a person, the weeks they add up to, and what in them a person should know of."""
