"""How laws are tested: the same cases in every run, and no clock that a busy machine could trip.

Laws of whole lives are told over 1,000 of them; `make laws EXAMPLES=20000` draws that many, and others each time.
"""

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = os.environ.get("EXAMPLES", "")

settings.register_profile("laws", deadline=None, derandomize=True)
settings.register_profile(
    "lives",
    settings.get_profile("laws"),
    max_examples=int(_EXAMPLES or 1000),
    derandomize=not _EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("laws")
