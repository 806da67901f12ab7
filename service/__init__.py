"""The service: HTTP and WebSocket API, accounts, booking, recordings, usage log, and the parts that keep them."""
