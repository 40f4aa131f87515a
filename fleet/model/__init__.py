"""The words that every other part of ``fleet`` shares: pure data, no I/O."""
