"""The organisation tree and what schools arrange in it: classes, subjects, grades, bells and terms."""
