"""A care team: who takes part in a person's care, in which role, for whom and since when."""
