"""The timeline of a person's levels of care: out of stays, which moves there were and what is open about them.

In come the chart and the stays of `enrollment`; out come stays with the ends that hold, transitions and findings. It
never invents a day: what follows from partial dates holds for every day that they may mean, or is marked possible.
"""

from coordinator.reconcile.timeline.beside import OTP
from coordinator.reconcile.timeline.model import Timeline, Transition
from coordinator.reconcile.timeline.timeline import timeline_of

__all__ = ["OTP", "Timeline", "Transition", "timeline_of"]
