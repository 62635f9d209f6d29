"""A request for care, as the EHR that made or received it holds it."""
