"""Files of an export, read line by line with bounded memory, from hosts that we were told to trust."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from coordinator.ehr.exchange import Asked, Base, origin
from coordinator.ehr.wire import Interrupted, Streamed, Streaming

LONGEST_LINE: Final = 32 << 20  # one record; a line without an end would fill memory
LINES_AT_ONCE: Final = 500
MOST_REDIRECTS: Final = 2
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD: Final = frozenset({400, 401, 403, 404, 410})  # expired, or never ours
_NDJSON: Final = "application/fhir+ndjson"


class NotFetched(Exception):
    """A file could not be read to its end; the text says why and names no address. `for_good`: trying again is vain."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """Fetches files. The token goes to the EHR's own host alone, and only where the EHR asks for it.

    `hosts` are further hosts whose files may be fetched: some EHRs lead on to a signed address of a store.
    """

    base: Base
    wire: Streaming
    sign: Callable[[Asked], Awaitable[Asked]] | None = None
    hosts: Collection[str] = ()

    async def lines(self, url: str, *, with_token: bool) -> AsyncGenerator[list[bytes], None]:
        """Yield the lines of a file, some at a time. Raises NotFetched."""
        for _ in range(MOST_REDIRECTS + 1):
            moved: list[str] = []
            async with aclosing(self._lines_at(url, moved, with_token=with_token)) as batches:
                async for batch in batches:
                    yield batch
            if not moved:
                return
            url = moved[0]
        raise NotFetched("it leads from address to address", for_good=True)

    async def _lines_at(self, url: str, moved: list[str], *, with_token: bool) -> AsyncGenerator[list[bytes], None]:
        """Yield the lines at an address; where it leads on, put the next address into `moved`."""
        self._refuse(url)
        asked = Asked(method="GET", url=url, place="export file", headers={"accept": _NDJSON})
        if with_token and self.sign is not None and self.base.holds(url):
            asked = await self.sign(asked)
        try:
            async with self.wire.stream(asked) as answer:
                moved += _leads_to(answer, url)
                async for batch in _batches(answer.parts, is_empty=bool(moved)):
                    yield batch
        except Interrupted as trouble:
            raise NotFetched(str(trouble)) from trouble

    def _refuse(self, url: str) -> None:
        """Refuse an address that is not the EHR's nor of a host that the operator named. Raises NotFetched."""
        if self.base.holds(url):
            return
        scheme, host, _ = origin(url)
        if scheme != "https" or host not in self.hosts or "@" in url.partition("://")[2].partition("/")[0]:
            raise NotFetched("it is at a host that is not the EHR's; `ehr add --file-host` names one", for_good=True)


def _leads_to(answer: Streamed, url: str) -> list[str]:
    """Return where an answer leads on to; none where it holds the file itself. Raises NotFetched."""
    if answer.status in _REDIRECTS:
        return [urljoin(url, answer.headers.get("location", ""))]
    if answer.status != 200:
        raise NotFetched(f"status {answer.status}", for_good=answer.status in _FOR_GOOD)
    return []


async def _batches(parts: AsyncIterator[bytes], *, is_empty: bool) -> AsyncGenerator[list[bytes], None]:
    """Yield lines that hold something. Raises NotFetched for one that does not end."""
    lines: list[bytes] = []
    rest = b""
    if is_empty:
        return
    async for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        lines += [line for line in map(bytes.strip, whole) if line]
        if len(rest) > LONGEST_LINE:
            raise NotFetched("a line has no end")
        if len(lines) >= LINES_AT_ONCE:
            yield lines
            lines = []
    lines += [rest.strip()] if rest.strip() else []
    if lines:
        yield lines
