"""What shows that a medicine was ordered, supplied, given or reported, and what MAT product it is."""
