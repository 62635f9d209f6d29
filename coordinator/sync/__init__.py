"""One run, a file a stage: pull, normalize, match, decide, push, verify.

In come the store, the EHRs and the clock, all as ports; out goes a report. Each stage leaves the store in a state from
which the next run goes on, wherever this one was cut off. It knows neither network nor database.
"""

from coordinator.sync.run import RunReport, run

__all__ = ["RunReport", "run"]
