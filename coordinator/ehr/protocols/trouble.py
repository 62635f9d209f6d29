"""What a reply of no use means for whoever asked: may the same request succeed later, or must something change."""

from coordinator.ehr.exchange import Again, Answer, Lost, Reply
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
        )
    if reply.status in BUSY or reply.status == 500:
        return TemporaryEhrError(
            f"{subject}: the EHR answered {reply.status}.",
            operation=operation,
            subject=subject,
            hint="The next run tries again.",
            retry_after=retry_after(reply),
        )
    return _permanent(reply, operation=operation, subject=subject)


def _permanent(answer: Answer, *, operation: str, subject: str) -> PermanentEhrError:
    codes = codes_of(answer.body)
    told = f" ({codes})" if codes else ""
    if answer.is_html:
        message = f"{subject}: got a web page (status {answer.status}), not FHIR."
    elif answer.fault:
        message = f"{subject}: the answer was {answer.fault}."
    else:
        message = f"{subject}: the EHR answered {answer.status}{told}."
    return PermanentEhrError(message, operation=operation, subject=subject, hint=_hint(answer))


def _hint(answer: Answer) -> str:
    if answer.is_html:
        return "The address may be a portal or a website: give the FHIR base, which ends before /metadata."
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
