"""An assessment: who assessed, when, with which instrument, how each dimension was rated, which level it indicates."""
