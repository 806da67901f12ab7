# What a sink gets of its stream: which simulcast layer, how many frames, and the numbers that make one row of it all.
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from media.forwarder.native.clock cimport rtp_at
from media.forwarder.native.sequence cimport Numbering
from media.forwarder.native.vp8 cimport Vp8Numbers

cdef enum:
    NOTHING_AWAITED = -1
    MAX_DISAGREEMENT_S = 1          # of a layer's sender reports with the arrival clock at a switch
    REFERENCE_US = 5_000_000        # how long a layer without new reports keeps the timeline

# What it takes to send packets of one layer again after the sink has gone over to another.
ctypedef struct Stay:
    int stream                      # the layer's place
    Numbering numbering
    Vp8Numbers vp8
    uint32_t timestamp_shift

ctypedef struct Shaping:
    int wanted_layer
    int awaited                     # place of the layer at whose next key frame it begins; NOTHING_AWAITED
    bint on                         # among the sinks of its stream; else nothing is sent
    bint sent                       # anything
    uint32_t timestamp_shift        # receiver's minus the layer's
    uint32_t last_timestamp         # highest sent
    int64_t last_sent_us
    Vp8Numbers vp8
    bint has_past
    Stay past

# One RTP clock for all layers of a simulcast, whose own begin anywhere: RTP time `rtp` is our NTP time `ntp`.
ctypedef struct Timeline:
    bint known
    int place                       # of the layer whose reports keep it
    int64_t at_us
    uint64_t ntp
    uint32_t rtp


cdef inline uint32_t timeline_offset(Timeline *timeline, int place, uint32_t offset, uint64_t ntp, uint32_t rtp,
                                     uint32_t clock_rate, int64_t now_us) noexcept nogil:
    # A sender report of a layer came: where its RTP time lies on the timeline. `offset`: where it was taken to lie.
    if timeline.known and timeline.place != place:
        offset = rtp_at(ntp, timeline.ntp, timeline.rtp, clock_rate) - rtp
        if now_us - timeline.at_us < REFERENCE_US:
            return offset
    timeline[0] = Timeline(True, place, now_us, ntp, rtp + offset)
    return offset


cdef inline uint32_t next_shift(const Shaping *shaping, uint32_t timestamp, uint32_t offset, uint32_t clock_rate,
                                int64_t now_us) noexcept nogil:
    # The shift for a layer that begins at `timestamp`, `offset` from the timeline: receivers never see time go back,
    # nor leap when reports are wrong.
    cdef uint32_t expected, out = timestamp + offset
    cdef int64_t most = <int64_t>clock_rate * MAX_DISAGREEMENT_S
    cdef int64_t astray
    if shaping.sent:
        expected = shaping.last_timestamp + <uint32_t>((now_us - shaping.last_sent_us) * clock_rate // 1_000_000)
        astray = <int32_t>(out - expected)
        if not -most < astray < most:
            out = expected
        if <int32_t>(out - shaping.last_timestamp) <= 0:
            out = shaping.last_timestamp + 1
    return out - timestamp


cdef inline void note_sent(Shaping *shaping, uint32_t timestamp, int64_t now_us) noexcept nogil:
    if not shaping.sent or <int32_t>(timestamp - shaping.last_timestamp) > 0:
        shaping.last_timestamp = timestamp
        shaping.last_sent_us = now_us
        shaping.sent = True
