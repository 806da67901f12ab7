# Clocks: our NTP time, and one constant offset for each publisher's, the same for all its streams (lip sync).
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef enum:
    NTP_MINUS_UNIX_S = 2_208_988_800U
    MAX_DEVIATION_S = 5             # a publisher whose clock was set anew is measured again rather than believed

ctypedef struct PublisherClock:
    bint measured
    int64_t offset_ntp              # our NTP minus the publisher's, 32.32


cdef inline uint64_t ntp_of(double wall_minus_monotonic, int64_t now_us) noexcept nogil:
    # 64-bit NTP time (32.32).
    cdef double wall = wall_minus_monotonic + now_us / 1e6 + <double>NTP_MINUS_UNIX_S
    cdef uint64_t seconds = <uint64_t>wall
    return (seconds << 32) | <uint64_t>((wall - <double>seconds) * 4294967296.0)


cdef inline uint64_t to_our_clock(PublisherClock *clock, uint64_t ntp, uint64_t arrival_ntp) noexcept nogil:
    # A publisher's NTP time on our clock; the first call fixes the offset.
    cdef int64_t deviation = <int64_t>(ntp + <uint64_t>clock.offset_ntp - arrival_ntp)
    if not clock.measured or not -(<int64_t>MAX_DEVIATION_S << 32) <= deviation <= <int64_t>MAX_DEVIATION_S << 32:
        clock.measured = True
        clock.offset_ntp = <int64_t>(arrival_ntp - ntp)
    return ntp + <uint64_t>clock.offset_ntp


cdef inline uint32_t rtp_at(uint64_t ntp, uint64_t report_ntp, uint32_t report_rtp, uint32_t clock_rate) noexcept nogil:
    # The RTP timestamp at `ntp`, given that `report_rtp` belongs to `report_ntp` on the same clock.
    cdef int64_t elapsed = <int64_t>(ntp - report_ntp)      # 32.32 s
    return report_rtp + <uint32_t>((elapsed >> 32) * clock_rate + ((<uint64_t><uint32_t>elapsed * clock_rate) >> 32))
