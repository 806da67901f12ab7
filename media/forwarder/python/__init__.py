"""The packet core in plain Python: an oracle for the native one, and the first to carry lessons."""

from media.forwarder.python.forwarder import PythonForwarder

__all__ = ["PythonForwarder"]
