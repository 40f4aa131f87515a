"""What a camera over the city would see: ground, a river at a flood board, a crowd."""

from sitl.scene.view import Attitude, View
from sitl.scene.world import Scene, Truth

__all__ = ["Attitude", "Scene", "Truth", "View"]
