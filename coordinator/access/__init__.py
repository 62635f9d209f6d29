"""Who may see or send what: the decision, and nothing else.

In come a recipient, a purpose, the segment of data and the consents of the person it is about; out goes a permit with
its ground, or a refusal with its reason. Unknown means no. It never sends, logs or stores anything.
"""

from coordinator.access.decision import (
    PART2_LABEL,
    Denied,
    Ground,
    HeldConsent,
    Permitted,
    Segment,
    Verdict,
    decide,
    next_change,
)

__all__ = ["PART2_LABEL", "Denied", "Ground", "HeldConsent", "Permitted", "Segment", "Verdict", "decide", "next_change"]
