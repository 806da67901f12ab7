# Transport-wide feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free

from media.forwarder.native.rtcp cimport RTPFB, TRANSPORT_CC_FORMAT, write_feedback_header
from media.forwarder.native.sequence cimport nearest
from media.forwarder.native.wire cimport write16, write24

cdef enum:
    FEEDBACK_NUMBERS = 2048         # arrivals remembered, a power of two
    MAX_STATUSES = 392              # in one packet: 20 + 2 * 56 + 2 * 392 bytes at most
    FEEDBACK_INTERVAL_US = 80_000
    TICK_US = 250
    TICKS_OF_REFERENCE = 256        # 64 ms

ctypedef struct TransportFeedback:
    int64_t *arrivals_us            # by number modulo FEEDBACK_NUMBERS, 0 unknown; NULL before the first
    int64_t highest
    int64_t next                    # first number to report
    uint8_t count                   # of feedback packets
    uint32_t media_ssrc             # of any packet that came


cdef inline void feedback_note(TransportFeedback *feedback, uint16_t number, uint32_t ssrc, int64_t now_us) noexcept nogil:
    cdef int64_t extended, i
    if feedback.arrivals_us == NULL:
        feedback.arrivals_us = <int64_t *>calloc(FEEDBACK_NUMBERS, sizeof(int64_t))
        if feedback.arrivals_us == NULL:
            return
        feedback.highest = <int64_t>number + 0xFFFF         # one cycle up, so that older ones stay positive
        feedback.next = feedback.highest + 1
    feedback.media_ssrc = ssrc
    extended = nearest(feedback.highest, number)
    if extended <= feedback.highest - FEEDBACK_NUMBERS:
        return
    if extended > feedback.highest:
        i = max(feedback.highest + 1, extended - FEEDBACK_NUMBERS + 1)
        while i < extended:
            feedback.arrivals_us[i & (FEEDBACK_NUMBERS - 1)] = 0
            i += 1
        feedback.highest = extended
    elif feedback.arrivals_us[extended & (FEEDBACK_NUMBERS - 1)]:
        return
    feedback.arrivals_us[extended & (FEEDBACK_NUMBERS - 1)] = now_us
    if extended < feedback.next:
        feedback.next = extended    # reordered behind the last report: report again from there


cdef inline int write_transport_feedback(TransportFeedback *feedback, uint32_t sender_ssrc, uint8_t *out) noexcept nogil:
    # One packet for the next numbers, in vectors of seven statuses; returns its bytes, 0 if there is nothing to tell.
    cdef int64_t *arrivals = feedback.arrivals_us
    cdef int64_t base, first, number, ticks, delta, previous, reference
    cdef int statuses, chunk, i, symbol, at
    cdef uint32_t word
    base = max(feedback.next, feedback.highest - FEEDBACK_NUMBERS + 1)
    first = base
    while first <= feedback.highest and arrivals[first & (FEEDBACK_NUMBERS - 1)] == 0:
        first += 1
    feedback.next = first
    if first > feedback.highest:
        return 0
    base = max(base, first - MAX_STATUSES // 2)     # the sender takes what is left out as lost either way
    statuses = <int>min(feedback.highest - base + 1, MAX_STATUSES)
    reference = arrivals[first & (FEEDBACK_NUMBERS - 1)] // (TICK_US * TICKS_OF_REFERENCE)
    previous = reference * TICKS_OF_REFERENCE
    at = 20 + 2 * ((statuses + 6) // 7)
    number = base
    for chunk in range((statuses + 6) // 7):
        word = 0xC000                               # a vector of two-bit statuses
        for i in range(7):
            symbol = 0
            if number < base + statuses and arrivals[number & (FEEDBACK_NUMBERS - 1)]:
                ticks = arrivals[number & (FEEDBACK_NUMBERS - 1)] // TICK_US
                delta = max(-0x8000, min(0x7FFF, ticks - previous))
                previous += delta
                if 0 <= delta <= 0xFF:
                    symbol = 1
                    out[at] = <uint8_t>delta
                    at += 1
                else:
                    symbol = 2
                    write16(out + at, <uint32_t>(delta & 0xFFFF))
                    at += 2
            word |= <uint32_t>symbol << (12 - 2 * i)
            number += 1
        write16(out + 20 + 2 * chunk, word)
    feedback.next = base + statuses
    write16(out + 12, <uint32_t>(base & 0xFFFF))
    write16(out + 14, <uint32_t>statuses)
    write24(out + 16, <uint32_t>(reference & 0xFFFFFF))
    out[19] = feedback.count
    feedback.count += 1
    i = -at & 3
    if i:                                           # RTCP padding (RFC 3550 6.4.1)
        for symbol in range(i - 1):
            out[at + symbol] = 0
        out[at + i - 1] = <uint8_t>i
        at += i
        write_feedback_header(out, RTPFB, TRANSPORT_CC_FORMAT, at, sender_ssrc, feedback.media_ssrc)
        out[0] |= 0x20
        return at
    return write_feedback_header(out, RTPFB, TRANSPORT_CC_FORMAT, at, sender_ssrc, feedback.media_ssrc)


cdef inline void feedback_free(TransportFeedback *feedback) noexcept nogil:
    free(feedback.arrivals_us)
