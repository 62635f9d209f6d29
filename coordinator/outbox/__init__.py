"""What we owe each EHR: the difference between what its staff should know and what its records already say.

In come an account as one recipient may know it, that recipient's own records and what it can hold; out go intents, each
a patch of a received document or a new resource, in the best form the EHR can take. Orders are never written, nothing
is owed to an EHR whose own records say it already, and nothing is coerced into a value that an EHR can't hold.
"""

from coordinator.outbox.model import OPEN, Entry, Form, Intent, Status
from coordinator.outbox.owed import owed
from coordinator.outbox.receiver import Receiver

__all__ = ["OPEN", "Entry", "Form", "Intent", "Receiver", "Status", "owed"]
