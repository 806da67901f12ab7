"""The packet core once more in plain Python over libsrtp: the oracle that the native one is compared with."""

from forwarder_oracle.forwarder import PythonForwarder

__all__ = ["PythonForwarder"]
