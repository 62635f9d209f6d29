"""A bundle: events with the proof that they are what was logged, checked by one small file that goes with them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from coordinator.audit.head import Verifier, read_head
from coordinator.audit.log import prove_consistency, prove_inclusion
from coordinator.audit.model import LoggedEvent, StoredHead
from coordinator.audit.ports import Log
from coordinator.fhir import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_READ_ME = """What is in this bundle

events.ndjson   an event a line: its place, its columns, and the FHIR AuditEvent as it was logged
head.txt        the head of the log, signed: how many events, and the root of the tree over them
keys.txt        the keys that sign it; compare them with what you were told by another way
proofs.json     for each event the hashes that lead from it to the root (RFC 9162), and from earlier heads to this one
verify.py       checks all of that: read it, then run `python verify.py` with the name of the bundle
                (it needs Python 3.11 and the package `cryptography`, and neither a network nor our program)
"""


async def bundle(
    log: Log,
    events: Sequence[LoggedEvent],
    head: StoredHead,
    *,
    verifiers: Sequence[Verifier],
    earlier: Sequence[str] = (),
) -> dict[str, bytes]:
    """Return the files of a bundle, by name: these events with their proof under a head.

    Raises BadHead for an earlier head that none of these keys signed.
    """
    inside = [one for one in events if one.seq < head.size]
    is_whole = sorted(one.seq for one in inside) == list(range(head.size))
    inclusion: dict[str, Json] = {}
    for one in () if is_whole else inside:
        inclusion[str(one.seq)] = [each.hex() for each in await prove_inclusion(log, one.seq, head.size)]
    consistency: list[Json] = []
    for note in earlier:
        old = read_head(note, verifiers).size
        proof = await prove_consistency(log, old, head.size) if 0 < old <= head.size else []
        consistency.append({"head": note, "proof": [each.hex() for each in proof]})
    proofs = {"is_whole": is_whole, "inclusion": inclusion, "consistency": consistency}
    ordered = sorted(inside, key=lambda one: one.seq)
    return {
        "README.txt": _READ_ME.encode(),
        "events.ndjson": b"".join(_line(one) for one in ordered),
        "head.txt": head.note.encode(),
        "keys.txt": "".join(f"{one.text}\n" for one in verifiers).encode(),
        "proofs.json": json.dumps(proofs, indent=1).encode(),
        "verify.py": files("coordinator.audit").joinpath("offline_verifier.py").read_bytes(),
    }


def _line(event: LoggedEvent) -> bytes:
    if event.pruned_by is not None:
        told = {"seq": event.seq, "pruned_by": event.pruned_by, "leaf": event.leaf.hex()}
    else:
        columns = asdict(event.row) | {
            "at": (event.row.at - _EPOCH) // timedelta(microseconds=1),
            "body": event.row.body.decode(errors="backslashreplace"),
        }
        told = {"seq": event.seq, **columns, "stored": event.leaf.hex()}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
