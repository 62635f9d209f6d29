"""A bill: what was charged for care, as the provider wrote it and as the payer answered."""
