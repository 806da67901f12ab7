"""What people changed through the API, who and when: written with the change itself, and never changed afterwards."""
