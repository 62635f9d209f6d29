"""The levels of care that records state: read in their edition, with what is open about their codes and roles.

In come the chart and, for what is held against them, stays; out come statements and findings. Nothing here moves the
timeline: only what is provided does, and that is the stays'.
"""
