# The line to a receiver: what was sent on it and came of it, what waits for it, what probes it. Made when first needed.
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

from media.forwarder.native.pacer cimport Pacer
from media.forwarder.native.probing cimport Probe
from media.forwarder.native.receiver_feedback cimport FeedbackWindow
from media.forwarder.native.sent_log cimport SentLog

ctypedef struct Line:
    Pacer pacer
    Probe probe
    FeedbackWindow window
    int64_t estimate_us             # when a REMB was told last
    SentLog log


cdef inline Line *line_new() noexcept nogil:
    # NULL without memory.
    return <Line *>calloc(1, sizeof(Line))


cdef inline void line_free(Line *line) noexcept nogil:
    if line != NULL:
        free(line.pacer.queue)
        free(line)
