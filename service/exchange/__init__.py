"""Tables in and out: import of spreadsheets with a report line by line, templates, and export in the same shape."""
