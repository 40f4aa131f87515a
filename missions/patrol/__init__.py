"""The rolling patrol plan: which drone flies over which cells next, and when it leaves."""
