"""A contact of care: a session as Encounter and Appointment show it, in person or virtual, or a day of a stay."""
