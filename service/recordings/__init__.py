"""Recordings of lessons: made from journals after the lesson, kept in an object store, shown to those entitled."""
