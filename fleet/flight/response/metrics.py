"""What answering calls counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_DECIDED_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
_OVERHEAD_S = (10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800)


class CallMetrics:
    """How long decisions take, and how long a caller waits for a drone."""

    def __init__(self) -> None:
        self.decided = Histogram(
            "skybeat_call_decision_seconds",
            "From the picture of the fleet to who is sent",
            buckets=_DECIDED_S,
            registry=None,
        )
        self.overhead = Histogram(
            "skybeat_call_overhead_seconds",
            "From a call to the first drone over it",
            buckets=_OVERHEAD_S,
            registry=None,
        )
        self.nobody = Counter(
            "skybeat_call_nobody", "Decisions that no drone can be sent", registry=None
        )

    def register(self, registry: CollectorRegistry) -> None:
        """Have a registry show them."""
        for collector in (self.decided, self.overhead, self.nobody):
            registry.register(collector)
