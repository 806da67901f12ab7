"""The live seam: WebSocket clients on one side, the relay behind the bus on the other."""
