"""What the dispatcher counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)


class CadMetrics:
    """Counters of deliveries, by CAD."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "skybeat_cad_attempts",
            "Deliveries tried, by CAD and result",
            ["cad", "result"],
            registry=registry,
        )
        self.commit_to_ack = Histogram(
            "skybeat_cad_commit_to_ack_seconds",
            "From the commit of a change to its acknowledgement",
            ["cad"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.capture_to_ack = Histogram(
            "skybeat_cad_capture_to_ack_seconds",
            "From the capture of the frame to the acknowledgement of the incident it opened",
            ["cad"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.waiting = Gauge(
            "skybeat_outbox_waiting", "Notices not acknowledged yet", ["cad"], registry=registry
        )
        self.oldest = Gauge(
            "skybeat_outbox_oldest_seconds",
            "Age of the oldest notice that waits",
            ["cad"],
            registry=registry,
        )
