"""A contact of care: an individual, group or family session, in person or virtual, or a day of a stay."""
