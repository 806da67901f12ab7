"""The one MP4 of a lesson to hand out: pictures laid out and encoded in segments, sound mixed, all of it resumable."""
