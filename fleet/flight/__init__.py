"""The life of a drone, the checks before it flies, what brings it home, and who flies what."""
