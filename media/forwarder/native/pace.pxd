# How long datagrams may gather before the packet thread takes them: not at all when there are few, longer the fuller the
# core is. Each wake-up and each send call costs more than a packet, and what gathers shares them.
from libc.stdint cimport int64_t

cdef enum:
    GATHER_FROM_PER_S = 1500        # datagrams from which it pays; a lone lesson is served packet by packet
    WINDOW_US = 700
    CALM_WINDOW_US = 1700           # below CALM_PERCENT: batches are small, and done in no time
    CALM_PERCENT = 25
    MAX_WINDOW_US = 8000
    CROWDED_PERCENT = 70            # of the time that the thread does not sleep: from here on the window grows,
    EASY_PERCENT = 66               # and below this it shrinks again, so that what is gathered longer is needed
    LOOK_US = 20_000                # how long is looked at before the window changes
    MOST_RECEIVED = 1024            # datagrams taken in before they are forwarded: what they need stays in the cache
    DATAGRAM_ROOM_BYTES = 2304      # what one takes of a socket's buffer, as the kernel counts
    ROOM_SHARE = 4                  # one part in so many of that buffer may be filled on purpose

ctypedef struct Pace:
    int64_t window_us               # 0: none
    int64_t datagrams               # since the last look, to be counted by the caller
    int64_t looked_us
    int64_t slept_us                # since the last look, to be counted by the caller
    int64_t room                    # datagrams that may gather


cdef inline void pace_room(Pace *pace, int buffer_bytes) noexcept nogil:
    # The smallest of the sockets' receive buffers counts.
    cdef int64_t room = max(1, buffer_bytes // (DATAGRAM_ROOM_BYTES * ROOM_SHARE))
    pace.room = min(pace.room, room) if pace.room else room


cdef inline void pace_adapt(Pace *pace, int64_t now_us) noexcept nogil:
    # To be called every now and then. What the thread waits for its core counts as work: gathering helps against it, too.
    cdef int64_t passed_us = now_us - pace.looked_us
    cdef int64_t percent, least_us, most_us
    if passed_us < LOOK_US:
        return
    percent = 100 - pace.slept_us * 100 // passed_us
    if pace.datagrams * 1_000_000 < GATHER_FROM_PER_S * passed_us:
        pace.window_us = 0
    else:
        if percent >= CROWDED_PERCENT:
            pace.window_us = min(pace.window_us + pace.window_us // 4, MAX_WINDOW_US)
        elif percent < EASY_PERCENT:
            pace.window_us -= pace.window_us // 8
        least_us = CALM_WINDOW_US if percent < CALM_PERCENT else WINDOW_US
        most_us = min(pace.room, MOST_RECEIVED) * passed_us // pace.datagrams
        pace.window_us = min(max(pace.window_us, least_us), most_us)
    pace.datagrams = 0
    pace.looked_us = now_us
    pace.slept_us = 0
