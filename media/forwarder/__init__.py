"""The packet core: opens, renumbers, repairs, seals and forwards RTP; it knows streams and sinks, never lessons."""
