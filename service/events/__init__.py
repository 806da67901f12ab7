"""Events: famous-teacher lessons and famous-school courses, announced with seats that schools sign up for."""
