"""What one receiver's line carries and what is sent over it: estimate, allocation, fair shares. Pure."""
