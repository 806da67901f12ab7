"""What can go wrong when a recording is made.

RecordingError: the recording cannot be made; its text says why.
    ProductError: a file was written but did not stand its check; making it again may help, its journals are needed.
JournalError (media.recorder.journal_format): one journal is damaged; it is left out with a warning.
"""


class RecordingError(Exception):
    """No recording can be made from the journals."""


class ProductError(RecordingError):
    """A file that was made is not what was meant to be in it."""
