"""Care coordination for people in treatment for substance use, in step with every EHR that knows them."""

__version__ = "0.1.0"
