"""A headless classroom: joins lessons as a paired room does and sends moving pictures and sound; for demonstrations,
tests and load.
"""

from media.room_client.errors import RoomError
from media.room_client.room_client import RoomClient
from media.room_client.running import RoomOptions, run_room

__all__ = ["RoomClient", "RoomError", "RoomOptions", "run_room"]
