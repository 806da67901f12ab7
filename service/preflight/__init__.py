"""What a machine still lacks before a deployment with these settings serves on it: `three-classrooms check`."""
