# The service as an image: pinned requirements with hashes, no build tools and no root in what runs.
FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# PINS=traces adds what sends traces by OpenTelemetry.
ARG PINS=run
WORKDIR /source
RUN python -m venv /opt/coordinator
COPY requirements/run.txt requirements/traces.txt requirements/
RUN /opt/coordinator/bin/pip install --quiet --require-hashes --requirement "requirements/$PINS.txt"
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY coordinator coordinator
RUN /opt/coordinator/bin/pip install --quiet --no-deps --no-build-isolation .

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/coordinator coordinator
COPY --from=build /opt/coordinator /opt/coordinator
# One sync after another. A sync that fails or is partial (1, 3) is tried again next time; wrong usage (2) ends it.
COPY --chmod=755 <<'SCRIPT' /usr/local/bin/sync-on-schedule
#!/bin/sh
set -u
job=
trap 'kill "$job" 2>/dev/null; wait "$job"; exit 0' TERM INT
while :; do
  coordinator sync --json & job=$!
  wait "$job"; code=$?
  [ "$code" -eq 2 ] && exit 2
  sleep "${SYNC_EVERY_SECONDS:-300}" & job=$!
  wait "$job"
done
SCRIPT
ENV PATH=/opt/coordinator/bin:$PATH PYTHONUNBUFFERED=1 COORDINATOR_HOME=/var/lib/coordinator
USER 10001:10001
WORKDIR /var/lib/coordinator
VOLUME /var/lib/coordinator
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s CMD ["coordinator", "doctor", "--json"]
CMD ["sync-on-schedule"]
