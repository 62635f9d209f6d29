"""A care plan with its goals and activities."""
