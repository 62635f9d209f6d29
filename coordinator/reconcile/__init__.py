"""What to do when systems disagree: from everybody's evidence to one account of a person, with what is open.

In come evidence, agreed states, decisions, a policy and the day; out come the account, findings and the states now
agreed. Pure: the same input in any order gives the same result, and nothing here knows who will be shown it. It never
invents a day or a status, and silence never reads as "stopped".
"""

from coordinator.reconcile.account import Account, reconcile
from coordinator.reconcile.account_json import finding_json
from coordinator.reconcile.model import (
    Agreed,
    Decision,
    Evidence,
    Finding,
    Grade,
    Organization,
    Policy,
    Presence,
    Program,
)

__all__ = [
    "Account",
    "Agreed",
    "Decision",
    "Evidence",
    "Finding",
    "Grade",
    "Organization",
    "Policy",
    "Presence",
    "Program",
    "finding_json",
    "reconcile",
]
