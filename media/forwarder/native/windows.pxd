# The SSRCs a peer sends, each with its replay window: few and bounded, found again quickly.
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, realloc

from media.forwarder.native.srtp cimport ReplayWindow, replay_init

cdef enum:
    MAX_SSRCS = 64          # of a peer, RTP and RTCP apart; more are dropped
    UNBOUND = -1
    NO_STREAM = -2          # of RTCP windows

ctypedef struct Window:
    uint32_t ssrc
    int stream              # index of the stream it is bound to, UNBOUND or NO_STREAM
    ReplayWindow replay

ctypedef struct Windows:
    Window *entries
    int n
    int room
    int last                # where the last one was found


cdef inline Window *windows_find(Windows *windows, uint32_t ssrc) noexcept nogil:
    cdef int i = windows.last
    if i < windows.n and windows.entries[i].ssrc == ssrc:
        return &windows.entries[i]
    for i in range(windows.n):
        if windows.entries[i].ssrc == ssrc:
            windows.last = i
            return &windows.entries[i]
    return NULL


cdef inline Window *windows_add(Windows *windows, uint32_t ssrc, int stream) noexcept nogil:
    # NULL when there is no room; moves the entries.
    cdef int i
    cdef Window *grown
    cdef Window *entry = NULL
    if windows.n == MAX_SSRCS:          # the SSRC of a stream that is gone makes room
        for i in range(windows.n):
            if windows.entries[i].stream == UNBOUND:
                entry = &windows.entries[i]
                break
        if entry == NULL:
            return NULL
    else:
        if windows.n == windows.room:
            grown = <Window *>realloc(windows.entries, (windows.room + 8) * sizeof(Window))
            if grown == NULL:
                return NULL
            windows.entries = grown
            windows.room += 8
        entry = &windows.entries[windows.n]
        windows.n += 1
    entry.ssrc = ssrc
    entry.stream = stream
    replay_init(&entry.replay)
    return entry


cdef inline void windows_unbind(Windows *windows, int stream) noexcept nogil:
    # The rollover counters stay: the publisher may use the SSRC again for another stream.
    cdef int i
    for i in range(windows.n):
        if windows.entries[i].stream == stream:
            windows.entries[i].stream = UNBOUND


cdef inline void windows_free(Windows *windows) noexcept nogil:
    free(windows.entries)
