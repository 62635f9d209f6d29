"""Answers bent on their way out: a web page instead, a lie about packing, or a refusal for having asked too often."""

import gzip
from dataclasses import dataclass, replace
from typing import TypeAlias

from coordinator.sandbox.exchange import Answer, Asked, Refusal, answer_refusal

_PAGE = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body>Access is managed.</body></html>"


@dataclass(slots=True, kw_only=True)
class WebPage:
    """A gateway's page in the place of each answer whose path holds `path`."""

    status: int
    path: str = ""

    def bend(self, asked: Asked, answer: Answer) -> Answer:
        """Return what leaves in the place of an answer."""
        if self.path not in asked.path:
            return answer
        return Answer(status=self.status, body=_PAGE, headers=(("content-type", "text/html; charset=utf-8"),))


@dataclass(slots=True, kw_only=True)
class GzipLie:
    """Answers that are said to be packed and are not, or are packed and not said to be."""

    is_done: bool

    def bend(self, _asked: Asked, answer: Answer) -> Answer:
        """Return what leaves in the place of an answer."""
        if self.is_done:
            return replace(answer, body=gzip.compress(answer.body, mtime=0))
        return replace(answer, headers=(*answer.headers, ("content-encoding", "gzip")))


@dataclass(slots=True, kw_only=True)
class Throttle:
    """All but the first requests are refused."""

    after: int
    retry_after: int | None
    asked: int = 0

    def bend(self, _asked: Asked, answer: Answer) -> Answer:
        """Return what leaves in the place of an answer."""
        self.asked += 1
        if self.asked <= self.after:
            return answer
        wait = (("retry-after", str(self.retry_after)),) if self.retry_after is not None else ()
        return answer_refusal(Refusal(429, "throttled", text="Too many requests.", headers=wait))


Bend: TypeAlias = WebPage | GzipLie | Throttle


def bent(bends: list[Bend], asked: Asked, answer: Answer) -> Answer:
    """Return an answer after all that is wrong with the answers of an EHR."""
    for one in bends:
        answer = one.bend(asked, answer)
    return answer
