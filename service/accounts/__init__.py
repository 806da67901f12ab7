"""People: accounts, roles, passwords, sessions, and who somebody is when a request comes in."""
