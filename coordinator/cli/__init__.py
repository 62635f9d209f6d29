"""The terminal: commands for integration engineers, care coordinators, privacy and audit officers.

In come words and files; out go tables and pictures on a terminal, JSON with `--json`, one clear sentence on trouble,
and an exit code: 0 ok, 1 failed, 2 usage, 3 partial, 4 something waits. It decides nothing itself.
"""

from coordinator.cli.app import main

__all__ = ["main"]
