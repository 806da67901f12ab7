"""Terms, school days, weekly series and their dated lessons, and how they leave as iCalendar files."""
