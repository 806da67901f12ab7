# Events for Python, as records in one buffer: u32 length | u8 kind | i64 number | body, native byte order.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy

from media.forwarder.native.state cimport Codec, State, Stream
from media.forwarder.native.tap cimport PacketTap

cdef enum:
    EVENT_STARTED = 1               # u32 SSRC, u8 codec name, u8 payload type
    EVENT_STALLED = 2
    EVENT_RESUMED = 3
    EVENT_TAPPED = 4                # i64 arrival in microseconds, packet
    EVENT_REPORT = 5                # i64 arrival in microseconds, u64 NTP, u32 RTP timestamp
    EVENT_PEER_GONE = 6
    EVENT_LAYER_STARTED = 7         # u8 layer
    EVENT_LAYER_STALLED = 8         # u8 layer
    EVENT_LAYER_SWITCHED = 9        # u8 layer, u8 temporal layer
    EVENT_WINDOW = 10               # 9 i64, in the order of ReceiverWindow; times in microseconds, sizes in bytes
    EVENT_ESTIMATE = 11             # i64
    EVENT_PROBED = 12               # 7 i64, in the order of ProbeResult; times in microseconds, sizes in bytes
    RECORD_HEADER_BYTES = 13
    MAX_EVENT_BYTES = 32 * 1024 * 1024


cdef inline uint8_t *event_room(State *state, uint8_t kind, int64_t number, int body_bytes) noexcept nogil:
    # Begins a record and returns where its body goes; NULL (and counted) when Python is too far behind.
    cdef int64_t length = RECORD_HEADER_BYTES + body_bytes
    cdef int64_t wanted = max(state.events.room * 2, 65536)
    cdef uint32_t size = <uint32_t>length
    cdef uint8_t *at
    if state.events.used + length > state.events.room:
        at = NULL if wanted > MAX_EVENT_BYTES else <uint8_t *>realloc(state.events.bytes, wanted)
        if at == NULL:
            state.drops.events_full += 1
            return NULL
        state.events.bytes = at
        state.events.room = wanted
    at = state.events.bytes + state.events.used
    memcpy(at, &size, 4)
    at[4] = kind
    memcpy(at + 5, &number, 8)
    state.events.used += length
    return at + RECORD_HEADER_BYTES


cdef inline void tell(State *state, uint8_t kind, int64_t number) noexcept nogil:
    event_room(state, kind, number, 0)


cdef inline void tell_numbers(State *state, uint8_t kind, int64_t number, const int64_t *numbers,
                              int n) noexcept nogil:
    cdef uint8_t *body = event_room(state, kind, number, n * 8)
    if body != NULL:
        memcpy(body, numbers, n * 8)


cdef inline void tell_layer(State *state, uint8_t kind, int64_t number, int layer, int temporal) noexcept nogil:
    # With the temporal layer only if it is not below 0.
    cdef uint8_t *body = event_room(state, kind, number, 1 + (temporal >= 0))
    if body != NULL:
        body[0] = <uint8_t>layer
        if temporal >= 0:
            body[1] = <uint8_t>temporal


cdef inline void tell_started(State *state, const Stream *stream) noexcept nogil:
    cdef uint8_t *body = event_room(state, EVENT_STARTED, stream.id, 6)
    if body != NULL:
        memcpy(body, &stream.ssrc, 4)
        body[4] = <uint8_t>stream.codecs[stream.codec].name
        body[5] = <uint8_t>stream.codecs[stream.codec].payload_type
    if stream.tapped:
        tap_codec(state, stream.tap_into, &stream.codecs[stream.codec], state.now_us)


# --- what is tapped ---------------------------------------------------------------------------------------------------

cdef inline int64_t unix_us(const State *state, int64_t now_us) noexcept nogil:
    return now_us + <int64_t>(state.wall_minus_monotonic * 1e6)


cdef inline void tap_codec(const State *state, PacketTap *into, const Codec *codec, int64_t now_us) noexcept nogil:
    if into != NULL:
        into.codec(into.owner, unix_us(state, now_us), codec.name, codec.payload_type, codec.clock_rate)


cdef inline uint8_t *tell_tapped(State *state, PacketTap *into, int64_t stream_id, const uint8_t *header,
                                 int header_bytes, const uint8_t *payload, int payload_bytes,
                                 int64_t now_us) noexcept nogil:
    # Returns where the packet stands in the record, to be corrected for what came by RTX; may be NULL. If it is not,
    # `told_tapped` must follow at once.
    cdef uint8_t *at
    if into != NULL:
        at = into.packet_room(into.owner, unix_us(state, now_us), header_bytes + payload_bytes)
    else:
        at = event_room(state, EVENT_TAPPED, stream_id, 8 + header_bytes + payload_bytes)
        if at != NULL:
            memcpy(at, &now_us, 8)
            at += 8
    if at != NULL:
        memcpy(at, header, header_bytes)
        memcpy(at + header_bytes, payload, payload_bytes)
    return at


cdef inline void told_tapped(PacketTap *into) noexcept nogil:
    if into != NULL:
        into.packet_written(into.owner)


cdef inline void tell_report(State *state, PacketTap *into, int64_t stream_id, int64_t now_us, uint64_t ntp,
                             uint32_t rtp_timestamp) noexcept nogil:
    cdef uint8_t *body
    if into != NULL:
        into.report(into.owner, unix_us(state, now_us), ntp, rtp_timestamp)
        return
    body = event_room(state, EVENT_REPORT, stream_id, 20)
    if body != NULL:
        memcpy(body, &now_us, 8)
        memcpy(body + 8, &ntp, 8)
        memcpy(body + 16, &rtp_timestamp, 4)
