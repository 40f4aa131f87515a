"""CADs: the port, signed webhooks, and the dispatcher that empties the outbox."""
