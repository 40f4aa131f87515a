"""People who hide others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from missions.geo import LocalFrame
from vision.camera import Pose, View
from vision.crowd.ground import Sight, Zone, look
from vision.crowd.occlusion import corrected_density
from vision.crowd.people import WIDTH_OF_HEIGHT

MIDDLE = (117.648, 24.51018)


@pytest.fixture
def sight(hover: Callable[..., Any]) -> Sight:
    """A zone of 20 m by 12 m, seen from 25 m away and 15 m up."""
    frame = LocalFrame(*MIDDLE)
    zone = Zone.of([tuple(frame.to_lonlat(*c)) for c in ((-10, -6), (10, -6), (10, 6), (-10, 6))])
    pose = Pose.from_metadata(hover(0.0))
    assert pose is not None
    return look(zone, View.of(pose, 960, 540, zone.frame))


def crowd(sight: Sight, people: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of all people of a random crowd, and of those of whom more than half is not hidden."""
    rng = np.random.default_rng(seed)
    ground = rng.uniform([-10, -6], [10, 6], (people, 2))
    ground = ground[np.argsort(ground[:, 1])]  # nearest first
    feet = sight.view.plane_to_pixels(ground)
    tall = sight.heights(feet)
    wide = WIDTH_OF_HEIGHT * tall
    boxes = np.column_stack([feet[:, 0] - wide / 2, feet[:, 1] - tall, wide, tall, np.ones(people)])
    covered = np.zeros((540, 960), bool)
    shown = []
    for box in boxes:
        x, y, w, h = (max(0, round(v)) for v in box[:4])
        part = covered[y : y + h, x : x + w]
        if part.size and part.mean() < 0.5:
            shown.append(box)
        covered[y : y + h, x : x + w] = True
    return boxes, np.array(shown)


@pytest.mark.parametrize("people", [10, 40, 80, 160, 240])
def test_nearer_to_the_truth_than_the_plain_count(sight: Sight, people: int) -> None:
    area = sight.seen.area
    plain, better = [], []
    for seed in range(5):
        _, shown = crowd(sight, people, seed)
        plain.append(len(shown))
        better.append(corrected_density(sight, shown) * area)
    assert abs(np.mean(better) - people) <= abs(np.mean(plain) - people) + 0.12 * people
    # it stays a low figure: three quarters of one person a square metre
    assert 0.72 * people <= np.mean(better) <= 1.2 * people


def test_never_less_than_was_counted(sight: Sight) -> None:
    boxes, _ = crowd(sight, 60, 1)
    assert corrected_density(sight, boxes) >= len(boxes) / sight.seen.area


def test_nobody_is_nobody(sight: Sight) -> None:
    assert corrected_density(sight, np.zeros((0, 5))) == 0
