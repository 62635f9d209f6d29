"""Workers: do what the queue asks for, in one process of as many as there are, until told to stop.

In come a fleet that fetches jobs, a tenant's store, EHRs and clock, and a place for log lines; out comes work that is
done, or kept with why it was not. A job is only a hint: what is owed stands in the store. It must never decide anything
itself, keep anything that another process would need, or name a person in what it logs.
"""

from coordinator.worker.at_hand import OpenEhrs
from coordinator.worker.log import EVENTS, EventLog
from coordinator.worker.ports import Fleet, Ticking
from coordinator.worker.service import Tally, Worker, until_idle

__all__ = ["EVENTS", "EventLog", "Fleet", "OpenEhrs", "Tally", "Ticking", "Worker", "until_idle"]
