"""A written consent under 42 CFR Part 2: who may disclose what to whom, why and until when."""
