"""Media: the relay that forwards encoded packets, the recorder that keeps them, and a headless classroom."""
