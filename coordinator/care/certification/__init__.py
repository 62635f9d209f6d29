"""A certification: a clinician's word that a level of care is needed, good for a time and then to be renewed."""
