"""What people say about lessons: timed notes, critiques by rubric, parallel lessons compared, sample lessons chosen."""
