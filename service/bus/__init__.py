"""Implementations of the bus between the service and its relays."""
