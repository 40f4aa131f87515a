"""What to fly, and why: pure and deterministic, no I/O, no asyncio, no clock of its own."""
