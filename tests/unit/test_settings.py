"""What the environment says of traces."""

import pytest

from coordinator.settings import read_settings

WHOLE = "http://collector:4318/v1/traces"


@pytest.mark.parametrize(
    ("environment", "traces"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, WHOLE),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}, WHOLE),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other/t"}, "http://other/t"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "COORDINATOR_TRACES_ENDPOINT": "http://b/c"}, "http://b/c"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "TRUE"}, ""),
    ],
)
def test_traces_go_where_our_own_word_or_that_of_opentelemetry_says(environment, traces):
    assert read_settings(environment).traces == traces
