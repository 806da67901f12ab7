"""Classrooms and the devices that stand in them: rooms, pairing by code, device tokens."""
