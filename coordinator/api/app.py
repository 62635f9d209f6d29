"""The application: routers put together, and whatever goes wrong told as an OperationOutcome."""

from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from coordinator.errors import CoordinatorError, InvalidInput, NotFound, RefusedByPolicy, StoreError
from coordinator.fhir import Json

_FHIR_JSON = "application/fhir+json"
_STATUS: tuple[tuple[type[CoordinatorError], HTTPStatus, str], ...] = (
    (InvalidInput, HTTPStatus.BAD_REQUEST, "invalid"),
    (NotFound, HTTPStatus.NOT_FOUND, "not-found"),
    (RefusedByPolicy, HTTPStatus.FORBIDDEN, "forbidden"),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE, "transient"),
    (CoordinatorError, HTTPStatus.SERVICE_UNAVAILABLE, "exception"),
)


def create_app(*routers: APIRouter) -> FastAPI:
    """Return the application of these routers; it shows no pages about itself."""
    app = FastAPI(title="coordinator", docs_url=None, redoc_url=None, openapi_url=None)
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(CoordinatorError, _told)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unread)
    return app


async def _told(_request: Request, error: Exception) -> JSONResponse:
    """Answer an error of ours with its own sentence, which holds no person's details."""
    status, code = next((status, code) for kind, status, code in _STATUS if isinstance(error, kind))
    sentence = error.sentence if isinstance(error, CoordinatorError) else ""
    return _outcome(status, code, sentence)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
    code = "not-found" if status is HTTPStatus.NOT_FOUND else "not-supported"
    return _outcome(status, code, f"{status.phrase}. There are /healthz, /readyz, /metrics and /.well-known/jwks.json.")


async def _unread(_request: Request, _error: Exception) -> JSONResponse:
    # The library's words repeat what was sent, and that can be a person's.
    return _outcome(HTTPStatus.BAD_REQUEST, "invalid", "The request can't be read as it is.")


def _outcome(status: HTTPStatus, code: str, text: str) -> JSONResponse:
    issue: dict[str, Json] = {"severity": "error", "code": code, "diagnostics": text}
    body: dict[str, Json] = {"resourceType": "OperationOutcome", "issue": [issue]}
    return JSONResponse(body, status_code=status, media_type=_FHIR_JSON)
