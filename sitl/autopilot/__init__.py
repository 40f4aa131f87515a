"""The embedded vehicle: it speaks what PX4 speaks, and flies without PX4."""
