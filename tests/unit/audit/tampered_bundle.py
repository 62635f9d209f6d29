"""Ways to tamper with a bundle of the log, whichever log it was made of: files in, changed files out."""

import json

from coordinator.audit import signer_of

STRANGER = signer_of("log", bytes(32))


def lines(files):
    return [json.loads(line) for line in files["events.ndjson"].splitlines()]


def written(files, events):
    return {**files, "events.ndjson": "\n".join(json.dumps(one) for one in events).encode()}


def changed_with_its_hash(files):
    first, *others = lines(files)
    return written(files, [{**first, "actor": "nobody", "stored": None}, *others])


def claimed(files):
    """Show another event beside the hash of the true one."""
    first, *others = lines(files)
    return written(files, [{**first, "actor": "nobody", "leaf": first["stored"]}, *others])


def removed(files):
    return written(files, lines(files)[1:])


def doubled(files):
    return written(files, [*lines(files), lines(files)[-1]])


def swapped(files):
    first, second, *others = lines(files)
    return written(files, [{**second, "seq": first["seq"]}, {**first, "seq": second["seq"]}, *others])


def resigned(files):
    return {**files, "keys.txt": STRANGER.verifier.text.encode()}


def with_a_head_of_one_more(files, size):
    return {**files, "head.txt": files["head.txt"].replace(b"\n%d\n" % size, b"\n%d\n" % (size + 1))}


def proofs_of(files, change):
    told = json.loads(files["proofs.json"])
    told["inclusion"] = {seq: change(one) for seq, one in told["inclusion"].items()}
    told["consistency"] = [{**one, "proof": change(one["proof"])} for one in told["consistency"]]
    return {**files, "proofs.json": json.dumps(told).encode()}
