"""What a reply of no use means for whoever asked: may the same request succeed later, or must something change."""

from coordinator.ehr.exchange import MISPACKED, UNASKED, Again, Answer, Lost, Reply
from coordinator.ehr.protocols.outcomes import codes_of
from coordinator.ehr.protocols.retry import BUSY, retry_after
from coordinator.errors import EhrError, PermanentEhrError, TemporaryEhrError


def trouble(reply: Reply, *, operation: str, subject: str) -> EhrError:
    """Return the error for a reply; it names status and codes, never an address with a query or words of a body."""
    if isinstance(reply, Lost):
        kind = PermanentEhrError if reply.again is Again.NEVER else TemporaryEhrError
        return kind(
            f"{subject}: no answer ({reply.reason}).",
            operation=operation,
            subject=subject,
            hint=reply.hint or "Check the address and whether the EHR is up; the next run tries again.",
        ).coded(reply.code or "unreachable")
    if reply.status in BUSY or reply.status == 500:
        wait = retry_after(reply)
        what, hint, code = _busy(reply, wait)
        return TemporaryEhrError(
            f"{subject}: {what}.", operation=operation, subject=subject, hint=hint, retry_after=wait
        ).coded(code)
    return _permanent(reply, operation=operation, subject=subject)


def _busy(answer: Answer, wait: float | None) -> tuple[str, str, str]:
    """Return message, hint and code for an answer that may be another one later."""
    if answer.status == 429:
        asked = f" and asks us to wait {wait:.0f} s" if wait else ""
        hint = (
            "Ask its operator how many requests a minute this client may make; the next run goes on where this ended."
        )
        return f"the EHR answered 429: too many requests for its limit{asked}", hint, "rate-limit"
    if answer.is_html:
        what = f"a gateway or proxy in between answered with a web page (status {answer.status}), not the EHR"
        return (
            what,
            "Ask whoever runs the network whether this machine may call it; the next run tries again.",
            "web-page",
        )
    return f"the EHR answered {answer.status}", "The next run tries again.", "unreachable"


def _permanent(answer: Answer, *, operation: str, subject: str) -> PermanentEhrError:
    codes = codes_of(answer.body)
    told = f" ({codes})" if codes else ""
    if answer.is_html:
        message = f"{subject}: got a web page (status {answer.status}), not FHIR."
    elif answer.fault:
        message = f"{subject}: the answer was {answer.fault}."
    elif answer.is_xml and answer.status == 200:
        message = f"{subject}: the answer is in XML, though JSON was asked for."
    elif answer.is_packed_unsaid:
        message = f"{subject}: the answer was packed with gzip and did not say so."
    else:
        message = f"{subject}: the EHR answered {answer.status}{told}."
    error = PermanentEhrError(message, operation=operation, subject=subject, hint=_hint(answer))
    return error.coded(_code(answer))


def _code(answer: Answer) -> str:
    if answer.is_html:
        return "web-page"
    if answer.fault in (MISPACKED, UNASKED) or answer.is_packed_unsaid:
        return "packing"
    return {401: "sign-in", 403: "scope", 404: "wrong-base", 407: "web-page"}.get(answer.status, "")


def _hint(answer: Answer) -> str:
    if answer.is_html and answer.status in (200, 404):
        return (
            "The address may be a portal or a website: give the FHIR base, which ends before /metadata; "
            "or a proxy in between asks to sign in: let this machine pass it."
        )
    if answer.is_html or answer.status == 407:
        return "A proxy or gateway in between answers: ask whoever runs the network to let this machine pass."
    if answer.fault in (MISPACKED, UNASKED) or answer.is_packed_unsaid:
        return "A gateway in between mixes up Content-Encoding: have it pass answers on as the EHR packed them."
    if answer.is_xml and answer.status == 200:
        return "Ask whether the EHR speaks JSON at this base; a gateway in between may drop the header Accept."
    if 300 <= answer.status < 400:
        return "The EHR sends us to another address, which is not followed: register the address it really has."
    if answer.status == 401:
        return (
            "The EHR does not accept our token: check client id, scopes and that the client is enabled for this site."
        )
    if answer.status == 403:
        return "The client may not do this: ask for the scope, or check tenant and site in the address."
    if answer.status == 404:
        return "Nothing is there: check the address, up to the end of the FHIR base."
    return "Run `coordinator ehr check` for this EHR."
