"""Levels of care by edition and code, how they rank, and which moves between them are expected."""
