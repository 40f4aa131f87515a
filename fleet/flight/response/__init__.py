"""Calls: who is sent, how they fly there, and what becomes of it."""
