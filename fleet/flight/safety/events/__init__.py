"""What may happen to a drone: small pure functions of a view that say what they see, or None."""
