# Where the packets of a tapped stream go instead of events: functions of whoever keeps them, called by the packet thread.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

# Times are Unix microseconds. None of them may block, or take longer than copying the packet does.
ctypedef struct PacketTap:
    void *owner
    # Room for an opened RTP packet, NULL if it is not wanted; else `packet_written` must follow at once.
    uint8_t *(*packet_room)(void *owner, int64_t arrival_us, int packet_bytes) noexcept nogil
    void (*packet_written)(void *owner) noexcept nogil
    # A sender report of the publisher.
    void (*report)(void *owner, int64_t arrival_us, uint64_t ntp, uint32_t rtp_timestamp) noexcept nogil
    # What the packets of this payload type are from here on.
    void (*codec)(void *owner, int64_t at_us, int name, int payload_type, uint32_t clock_rate) noexcept nogil
