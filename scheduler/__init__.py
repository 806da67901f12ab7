"""The scheduler: periods, calendars, clashes and pairing, as pure functions over values."""
