"""The HTTP API: one router a concept, bearer tokens, streams, and the map's files."""
