"""Tests of lines: what a school's network lets through, measured by a page and kept for operations."""
