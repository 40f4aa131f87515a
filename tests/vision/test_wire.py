"""What the controller tells a worker to watch."""

from __future__ import annotations

from typing import Any

import pytest

from vision.wire import Watch

LANDING = {
    "key": "bridge/d01", "site": "", "source": "tcp://x:1", "drone": "d01",
    "position": [117.648, 24.5102], "station_url": None,
    "detector": {"kind": "marker", "marker_id": 7, "size_m": 0.7, "dock": "x"},
}  # fmt: skip


@pytest.mark.parametrize(
    "changes", [{"drone": None}, {"detector": {"kind": "crowd"}}, {"drone": 3}]
)
def test_a_watch_without_its_subject_is_refused(changes: dict[str, Any]) -> None:
    Watch.model_validate(LANDING)
    with pytest.raises(ValueError, match=r"drone|detector"):
        Watch.model_validate(LANDING | changes)
