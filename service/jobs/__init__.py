"""Background jobs through taskiq: in-memory broker on one machine."""
