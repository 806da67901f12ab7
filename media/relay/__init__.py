"""The relay: sockets, ICE-lite, DTLS and SDP around the lesson rooms and the packet core."""
