"""Journals of received media and the files people watch, made from them without transcoding."""
