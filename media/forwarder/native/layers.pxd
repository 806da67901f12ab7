# Simulcast: which layers are being sent, and which of them each sink and the tap get. They change at key frames.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from media.forwarder.native.events cimport (
    EVENT_LAYER_STALLED, EVENT_LAYER_STARTED, EVENT_LAYER_SWITCHED, EVENT_RESUMED, EVENT_STALLED, EVENT_STARTED, event_room,
    tap_codec, tell, tell_layer, tell_report, tell_tapped, told_tapped,
)
from media.forwarder.native.keyframe cimport carries_h264_parameters, starts_h264_keyframe, starts_vp8_keyframe
from media.forwarder.native.packet_cache cimport Packet, cache_find, cache_payload
from media.forwarder.native.rtp cimport write_rtp_header
from media.forwarder.native.sending cimport forget_waiting, forward_stream, send_pending
from media.forwarder.native.sequence cimport numbering_forward, numbering_restart
from media.forwarder.native.shaping cimport NOTHING_AWAITED, Shaping, Stay, next_shift, note_sent, timeline_offset
from media.forwarder.native.state cimport (
    H264, VP8, Simulcast, Sink, State, Stream, add_index, remove_index, want_keyframe,
)
from media.forwarder.native.vp8 cimport (
    ALL_TEMPORAL, VP8_FORWARD, Vp8Descriptor, vp8_judge, vp8_parse, vp8_restart, vp8_write,
)

cdef enum:
    LAYER_STALL_US = 500_000        # a layer silent for so long while others of its track are not has ended
    LAYER_WATCH_US = 100_000


# --- which layers are sent --------------------------------------------------------------------------------------------

cdef inline bint is_sent(const Stream *stream) noexcept nogil:
    return stream.started and not stream.stalled


cdef inline bint is_left_behind(State *state, const Stream *stream) noexcept nogil:
    # Whether another layer has gone on without this one.
    cdef const Simulcast *track = stream.simulcast
    cdef int i
    for i in range(track.n):
        if state.streams[track.places[i]].last_packet_us - stream.last_packet_us > LAYER_STALL_US:
            return True
    return False


cdef inline int best_layer(State *state, const Simulcast *track, int wanted) noexcept nogil:
    # The place of the wanted layer, or else the next lower one being sent, or else the next higher.
    cdef int layer
    wanted = min(wanted, track.n - 1)
    layer = wanted
    while layer >= 0:
        if is_sent(state.streams[track.places[layer]]):
            return track.places[layer]
        layer -= 1
    layer = wanted + 1
    while layer < track.n:
        if is_sent(state.streams[track.places[layer]]):
            return track.places[layer]
        layer += 1
    return track.places[wanted]


cdef inline void layer_started(State *state, int at, uint32_t timestamp, int64_t now_us) noexcept nogil:
    # The first packet of a layer, or its publisher changed the SSRC; `timestamp` is of that packet.
    cdef Stream *stream = state.streams[at]
    cdef int i
    place_on_timeline(state, at, timestamp + stream.timestamp_offset, now_us)
    for i in range(stream.sinks.n):
        vp8_restart(&state.sinks[stream.sinks.at[i]].shaping.vp8)
    if stream.simulcast.tap_place == at:
        numbering_restart(&stream.simulcast.tap_numbering)
        vp8_restart(&stream.simulcast.tap.vp8)
    layer_lives(state, stream)


cdef inline void layer_lives(State *state, Stream *stream) noexcept nogil:
    cdef Simulcast *track = stream.simulcast
    stream.stalled = False
    tell_track(state, stream)
    tell_layer(state, EVENT_LAYER_STARTED, track.id, stream.layer, -1)
    if track.stalled:
        track.stalled = False
        tell(state, EVENT_RESUMED, track.id)
    choose_again(state, track)


cdef inline void layer_stalled(State *state, Stream *stream) noexcept nogil:
    cdef Simulcast *track = stream.simulcast
    cdef int i
    stream.stalled = True
    tell_layer(state, EVENT_LAYER_STALLED, track.id, stream.layer, -1)
    for i in range(track.n):
        if is_sent(state.streams[track.places[i]]):
            choose_again(state, track)
            return
    track.stalled = True
    tell(state, EVENT_STALLED, track.id)


cdef inline void tell_track(State *state, const Stream *stream) noexcept nogil:
    # The track has started, or changed its codec.
    cdef Simulcast *track = stream.simulcast
    cdef uint8_t *body
    if track.started and track.name == stream.codecs[stream.codec].name:
        return
    if not track.started:
        track.ssrc = stream.ssrc
    track.started = True
    track.name = stream.codecs[stream.codec].name
    body = event_room(state, EVENT_STARTED, track.id, 6)
    if body != NULL:
        memcpy(body, &track.ssrc, 4)
        body[4] = <uint8_t>track.name
        body[5] = <uint8_t>stream.codecs[stream.codec].payload_type
    if track.tapped:
        tap_codec(state, track.tap_into, &stream.codecs[stream.codec], state.now_us)


cdef inline void place_on_timeline(State *state, int at, uint32_t timestamp, int64_t now_us) noexcept nogil:
    # Until its first sender report a layer is placed by arrival, behind the layer that came last.
    cdef Stream *stream = state.streams[at]
    cdef Stream *other
    cdef const Simulcast *track = stream.simulcast
    cdef int64_t newest_us = -1
    cdef int i
    for i in range(track.n):
        other = state.streams[track.places[i]]
        if other != stream and other.started and other.last_packet_us > newest_us:
            newest_us = other.last_packet_us
            stream.common_offset = other.last_timestamp + other.common_offset + <uint32_t>(
                (now_us - newest_us) * stream.codecs[stream.codec].clock_rate // 1_000_000) - timestamp


cdef inline void note_layer_report(State *state, int at, int64_t now_us) noexcept nogil:
    # A sender report of the layer came. Who is on the layer keeps the mapping he has.
    cdef Stream *stream = state.streams[at]
    cdef Simulcast *track = stream.simulcast
    stream.common_offset = timeline_offset(
        &track.timeline, at, stream.common_offset, stream.sr_our_ntp, stream.sr_rtp + stream.timestamp_offset,
        stream.codecs[stream.codec].clock_rate, now_us)
    if track.tapped and track.tap_place == at:
        tell_track_report(state, stream, now_us)


# --- who gets which ---------------------------------------------------------------------------------------------------

cdef inline void choose_again(State *state, Simulcast *track) noexcept nogil:
    # Layers have begun or ended, or the tap was opened.
    cdef int i, best
    for i in range(track.members.n):
        choose_layer(state, track.members.at[i])
    if track.tapped:
        best = best_layer(state, track, track.n - 1)
        if track.tap.awaited != best and track.tap_place != best:
            want_keyframe(state, best)
        track.tap.awaited = NOTHING_AWAITED if track.tap_place == best else best


cdef inline void choose_layer(State *state, int sink_at) noexcept nogil:
    # Lets the sink wait for the layer it is to have, unless it is there.
    cdef Sink *sink = state.sinks[sink_at]
    cdef Shaping *shaping = sink.shaping
    cdef Simulcast *track = state.streams[sink.stream].simulcast
    cdef int best = sink.stream if track == NULL else best_layer(state, track, shaping.wanted_layer)
    if shaping.awaited == best:
        return
    await_nothing(state, sink_at)
    if shaping.on and sink.stream == best:
        return
    shaping.awaited = best
    add_index(&state.streams[best].waiting, sink_at)    # room was reserved
    if sink.active:
        want_keyframe(state, best)


cdef inline void await_nothing(State *state, int sink_at) noexcept nogil:
    cdef Shaping *shaping = state.sinks[sink_at].shaping
    if shaping.awaited != NOTHING_AWAITED:
        remove_index(&state.streams[shaping.awaited].waiting, sink_at)
        shaping.awaited = NOTHING_AWAITED


cdef inline void hold_sink(State *state, int sink_at) noexcept nogil:
    # Nothing is sent until the next key frame.
    cdef Sink *sink = state.sinks[sink_at]
    if sink.shaping.on:
        remove_index(&state.streams[sink.stream].sinks, sink_at)
        sink.shaping.on = False
    choose_layer(state, sink_at)
    want_keyframe(state, sink.shaping.awaited)


cdef inline bint is_awaited(State *state, const Stream *stream, int at) noexcept nogil:
    # Whether a key frame of the layer is still needed by someone.
    cdef int i
    for i in range(stream.waiting.n):
        if state.sinks[stream.waiting.at[i]].active:
            return True
    return stream.simulcast != NULL and stream.simulcast.tapped and stream.simulcast.tap.awaited == at


# --- at a key frame ---------------------------------------------------------------------------------------------------

cdef inline bint may_begin(const Stream *stream, const uint8_t *payload, int length, int64_t place,
                           uint32_t timestamp) noexcept nogil:
    # Whether a receiver can begin with this packet: an H.264 picture without the parameters sent before it cannot.
    cdef int name = stream.codecs[stream.codec].name
    cdef const Packet *before
    if name == VP8:
        return starts_vp8_keyframe(payload, length)
    if name != H264 or not starts_h264_keyframe(payload, length):
        return False
    before = cache_find(&stream.cache, place - 1)
    return carries_h264_parameters(payload, length) or (before != NULL and before.timestamp != timestamp)


cdef inline bint begin_layer(State *state, int at, const uint8_t *payload, int length, int64_t place,
                             uint32_t timestamp, int64_t now_us) noexcept nogil:
    # To be called before a packet is kept: if a key frame begins here, all that wait for it go over. Whether any did.
    cdef Stream *stream = state.streams[at]
    cdef Simulcast *track = stream.simulcast
    cdef bint any_
    if not may_begin(stream, payload, length, place, timestamp):
        return False
    stream.last_keyframe_us = now_us
    any_ = stream.waiting.n > 0
    if any_:
        forward_stream(state, stream)       # what came before is not for them
    while stream.waiting.n:
        move_sink(state, stream.waiting.at[0], at, timestamp, now_us)
    if track != NULL and track.tapped and track.tap.awaited == at:
        move_tap(state, at, timestamp, now_us)
        any_ = True
    return any_


cdef inline void move_sink(State *state, int sink_at, int to, uint32_t timestamp, int64_t now_us) noexcept nogil:
    cdef Sink *sink = state.sinks[sink_at]
    cdef Shaping *shaping = sink.shaping
    cdef Stream *stream = state.streams[to]
    cdef Stream *before = state.streams[sink.stream]
    await_nothing(state, sink_at)
    if shaping.on:
        forward_stream(state, before)
        remove_index(&before.sinks, sink_at)
    forget_waiting(state, sink)
    if sink.numbering.n_steps:
        shaping.past = Stay(sink.stream, sink.numbering, shaping.vp8, shaping.timestamp_shift)
        shaping.has_past = True
    numbering_restart(&sink.numbering)
    vp8_restart(&shaping.vp8)
    shaping.vp8.temporal = shaping.vp8.wanted_temporal
    shaping.timestamp_shift = next_shift(shaping, timestamp, stream.common_offset,
                                         stream.codecs[stream.codec].clock_rate, now_us)
    shaping.on = True
    sink.stream = to
    add_index(&stream.sinks, sink_at)       # room was reserved
    state.sinks_due_us[sink_at] = 0         # its reports have a new mapping
    tell_layer(state, EVENT_LAYER_SWITCHED, sink.id, stream.layer, shaping.vp8.temporal)


cdef inline void catch_up(State *state, int at, int64_t place) noexcept nogil:
    # A key frame that began with a packet that came late: what followed it has come before it.
    cdef Stream *stream = state.streams[at]
    cdef int64_t last = stream.order.highest + stream.order.shift
    cdef const Packet *packet
    cdef Sink *sink
    cdef int i
    forward_stream(state, stream)
    while place < last:
        place += 1
        packet = cache_find(&stream.cache, place)
        if packet == NULL or cache_payload(&stream.cache, packet) == NULL:
            continue
        stream.pending[0] = <int>(place & (stream.cache.n_packets - 1))
        stream.n_pending = 1
        for i in range(stream.sinks.n):
            sink = state.sinks[stream.sinks.at[i]]
            if (sink.shaping != NULL and sink.active and state.peers[sink.peer].has_address
                    and sink.numbering.n_steps and place > sink.numbering.highest):
                send_pending(state, sink, stream)
        stream.n_pending = 0
        if (stream.simulcast != NULL and stream.simulcast.tap_place == at
                and place > stream.simulcast.tap_numbering.highest):
            tap_packet(state, stream, packet)


# --- the recorder's own row of packets --------------------------------------------------------------------------------

cdef inline void move_tap(State *state, int to, uint32_t timestamp, int64_t now_us) noexcept nogil:
    cdef Stream *stream = state.streams[to]
    cdef Simulcast *track = stream.simulcast
    track.tap.awaited = NOTHING_AWAITED
    track.tap_place = to
    track.tap.timestamp_shift = next_shift(&track.tap, timestamp, stream.common_offset,
                                           stream.codecs[stream.codec].clock_rate, now_us)
    track.tap.vp8.temporal = track.tap.vp8.wanted_temporal = ALL_TEMPORAL
    numbering_restart(&track.tap_numbering)
    vp8_restart(&track.tap.vp8)
    tell_track(state, stream)
    if stream.has_sr:
        tell_track_report(state, stream, stream.reception.sr_us)


cdef inline void tap_packet(State *state, const Stream *stream, const Packet *packet) noexcept nogil:
    # Tells of a packet of the layer the tap is on, under the tap's numbers and without header extensions.
    cdef Simulcast *track = stream.simulcast
    cdef const uint8_t *payload = cache_payload(&stream.cache, packet)
    cdef uint8_t header[12]
    cdef uint8_t *told
    cdef Vp8Descriptor descriptor
    cdef int64_t picture = 0
    cdef int64_t highest = track.tap_numbering.highest
    cdef bint newest = track.tap_numbering.n_steps == 0 or packet.place > highest
    cdef int64_t out = numbering_forward(&track.tap_numbering, packet.place)
    if out < 0:
        return
    write_rtp_header(header, packet.pad_bytes != 0, False, packet.marker, stream.codecs[stream.codec].payload_type,
                     <uint16_t>out, packet.timestamp + track.tap.timestamp_shift, track.ssrc)
    note_sent(&track.tap, packet.timestamp + track.tap.timestamp_shift, packet.arrival_us)
    told = tell_tapped(state, track.tap_into, track.id, header, 12, payload, packet.payload_bytes + packet.pad_bytes,
                       packet.arrival_us)
    if packet.codec == VP8 and vp8_parse(payload, packet.payload_bytes, &descriptor):
        if vp8_judge(&track.tap.vp8, &descriptor, newest, &picture) == VP8_FORWARD and told != NULL:
            vp8_write(told + 12, &descriptor, &track.tap.vp8, picture)
    if told != NULL:
        told_tapped(track.tap_into)


cdef inline void tell_track_report(State *state, const Stream *stream, int64_t arrival_us) noexcept nogil:
    cdef const Simulcast *track = stream.simulcast
    tell_report(state, track.tap_into, track.id, arrival_us, stream.sr_ntp,
                stream.sr_rtp + stream.timestamp_offset + track.tap.timestamp_shift)
