"""`/.well-known/jwks.json`: our public keys, where EHRs fetch them to check what we sign."""

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import Response

from coordinator.api.ports import PublicKeys
from coordinator.fhir import dumps

# Short against the overlap of a rotation, so that whoever keeps it has the next key long before that one signs.
FRESH_SECONDS = 900


def key_routes(keys: PublicKeys) -> APIRouter:
    """Return the route of the JWKS (RFC 7517), kept for a quarter of an hour, asked anew by its ETag."""
    routes = APIRouter()

    @routes.get("/.well-known/jwks.json")
    async def jwks(request: Request) -> Response:
        body = dumps(keys.jwks())
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"cache-control": f"public, max-age={FRESH_SECONDS}", "etag": tag}
        if tag in (one.strip() for one in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    return routes
