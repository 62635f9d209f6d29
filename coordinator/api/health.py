"""`/healthz` and `/readyz`: is this process alive, and can it work."""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from coordinator.api.ports import Health
from coordinator.fhir import Json

_FRESH = {"cache-control": "no-store"}


def health_routes(health: Health) -> APIRouter:
    """Return the routes that an orchestrator asks.

    Alive says only that this process answers: a database that is down is no reason to kill a worker. Ready asks all.
    """
    routes = APIRouter()

    @routes.get("/healthz")
    async def alive() -> JSONResponse:
        return JSONResponse({"status": "alive"}, headers=_FRESH)

    @routes.get("/readyz")
    async def ready() -> JSONResponse:
        checks = await health.checks()
        is_ready = all(one.is_good for one in checks)
        told: list[Json] = [{"name": one.name, "good": one.is_good, "told": one.told} for one in checks]
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(
            {"status": "ready" if is_ready else "not ready", "checks": told}, status_code=status, headers=_FRESH
        )

    return routes
