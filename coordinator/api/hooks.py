"""`/hooks/TENANT/EHR`: an EHR says that something changed; that wakes its pull, and nothing in the body is believed."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Response
from starlette.exceptions import HTTPException

from coordinator.api.ports import Waking


def hook_routes(waking: Waking) -> APIRouter:
    """Return the route of notifications. Whoever lacks the secret can't tell which EHRs there are."""
    routes = APIRouter()

    @routes.post("/hooks/{tenant}/{ehr}", status_code=HTTPStatus.NO_CONTENT)
    async def called(
        tenant: str, ehr: str, x_coordinator_hook: Annotated[str, Header(max_length=200)] = ""
    ) -> Response:
        # The body is never read: what changed is for the pull to see. EHRs want an answer within two seconds.
        if not x_coordinator_hook or not await waking.wake(tenant, ehr, x_coordinator_hook):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return routes
