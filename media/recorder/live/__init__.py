"""Files of a lesson that still runs, a few seconds behind it; when it is over they are made anew and better."""
