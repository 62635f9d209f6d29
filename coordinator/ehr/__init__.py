"""The adapter to EHR servers.

A registered connection comes in; out go pages as they were sent with a grade of how complete they are, records as the
EHR holds them now, and what became of a write. Protocols are generators without socket, clock or chance; the wire is
the only place that knows HTTP. This room must never repeat a write whose outcome is unknown, follow a link or a
redirect to another place, or put a person's details into an error.
"""

from coordinator.ehr.capability import Fact, Says, Statement, TypeFacts, read_statement
from coordinator.ehr.check import ConceptRow, Report, TypeRow, check_connection
from coordinator.ehr.connect import EhrRoom, OpenEhr
from coordinator.ehr.keys import OVERLAP, KeyFolder, KeyName, create_key, public_keys
from coordinator.ehr.problem import Cause, Problem
from coordinator.ehr.protocols.export import Patience as ExportPatience
from coordinator.ehr.strategy import Pulling, Strategy

__all__ = [
    "OVERLAP",
    "Cause",
    "ConceptRow",
    "EhrRoom",
    "ExportPatience",
    "Fact",
    "KeyFolder",
    "KeyName",
    "OpenEhr",
    "Problem",
    "Pulling",
    "Report",
    "Says",
    "Statement",
    "Strategy",
    "TypeFacts",
    "TypeRow",
    "check_connection",
    "create_key",
    "public_keys",
    "read_statement",
]
