# The state of the packet core: peers, the streams they publish, the sinks that carry a stream to a receiver.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from media.forwarder.native.clock cimport PublisherClock
from media.forwarder.native.huge_pages cimport pool_give
from media.forwarder.native.keyframe cimport KeyframeWish, wish_keyframe
from media.forwarder.native.libcrypto cimport EVP_MAC_CTX, OPENSSL_cleanse
from media.forwarder.native.line cimport Line, line_free
from media.forwarder.native.nack cimport MissingList
from media.forwarder.native.packet_cache cimport PacketCache, cache_free
from media.forwarder.native.reception cimport Reception
from media.forwarder.native.resend cimport ResendLimiter
from media.forwarder.native.rtp cimport Extensions
from media.forwarder.native.sequence cimport Numbering, Order
from media.forwarder.native.shaping cimport Shaping, Timeline
from media.forwarder.native.srtp cimport Protection, protection_free
from media.forwarder.native.tables cimport Table
from media.forwarder.native.tap cimport PacketTap
from media.forwarder.native.transport_feedback cimport TransportFeedback, feedback_free
from media.forwarder.native.windows cimport Windows, windows_free

cdef enum:
    MAX_CODECS = 16
    MAX_DECLARED = 16
    MAX_ADDRESSES = 16              # from which one peer may send
    MAX_PENDING = 128               # packets of one stream forwarded together
    MAX_BATCH_STREAMS = 2048
    SINK_LINES = 3                  # of a sink, a peer and a stream that every packet needs
    PEER_LINES = 3
    STREAM_LINES = 5
    CODEC_NAMES = 4
    OPUS = 0
    VP8 = 1
    H264 = 2
    RED = 3                         # Opus, several times
    SENT_NUMBERS = 64               # packets without RTX that can be sent again, a power of two
    MAX_CREDENTIAL = 256            # RFC 8445 5.3
    ADDRESS = 18                    # bytes: IPv6 or v4-mapped, and port
    MAX_LAYERS = 4
    MAX_RID = 16                    # bytes

ctypedef struct Codec:
    int payload_type
    int rtx_payload_type            # -1 if not negotiated
    int name                        # OPUS, VP8, H264 or RED
    uint32_t clock_rate
    bint nack
    bint pli
    bint twcc

ctypedef struct Spent:
    uint32_t ssrc
    int64_t next_index              # first SRTP index not used yet under this SSRC

ctypedef struct SentNumber:         # what a packet sent without RTX had in it that may differ from receiver to receiver
    int64_t out
    uint16_t number                 # transport-wide
    bint red

ctypedef struct Indices:            # a growing list of places in one of State's tables
    int *at
    int n
    int room

# In the three below, what each packet needs stands first and together: with hundreds of lessons all of it comes from far
# memory. They begin at a cache line (`pool_take`).

ctypedef struct Peer:
    # to send
    Sink *due                       # sinks with packets in the batch that is being forwarded
    Peer *next_due
    Protection rtp_out
    bint has_address
    uint8_t address[ADDRESS]        # where to send; the first of `addresses`
    uint32_t transport_number       # last transport-wide number given to what we send
    Line *line                      # NULL while nothing is known of it and nothing asked
    int64_t id
    # to receive
    Protection rtp_in
    Windows rtp_windows
    TransportFeedback feedback
    # the rest
    int n_addresses
    uint8_t addresses[MAX_ADDRESSES * ADDRESS]
    Protection rtcp_in
    Protection rtcp_out
    uint32_t srtcp_index
    uint32_t report_ssrc            # under which we report as a receiver
    char cname[256]
    int cname_bytes
    Windows rtcp_windows
    Indices streams
    Indices sinks
    Spent *spent
    int n_spent
    int room_spent
    int64_t feedback_due_us
    int64_t report_due_us
    PublisherClock clock
    uint8_t ufrag[MAX_CREDENTIAL]   # of its ICE checks; none are answered without
    int ufrag_bytes
    uint8_t password[MAX_CREDENTIAL]
    int password_bytes
    int64_t checked_us              # when we answered one, -1 before

ctypedef struct Sink:
    int64_t id
    int stream
    int peer
    Sink *next_due                  # of the same peer
    Shaping *shaping                # NULL: it gets every packet of its stream as it is
    bint active
    uint32_t ssrc
    uint64_t packets
    uint64_t bytes
    int payload_types[CODEC_NAMES]  # -1: that codec is not sent
    Extensions extensions
    bint two_byte
    bint has_rtx
    bint repeats                    # sound: each packet goes out twice
    int64_t first_out
    SentNumber *sent_numbers        # without RTX: by out modulo SENT_NUMBERS
    ResendLimiter limiter
    Numbering numbering
    # the rest
    uint32_t rtx_ssrc
    int rtx_payload_types[CODEC_NAMES]
    int mid_bytes
    uint8_t mid[256]
    int64_t rtx_next
    uint64_t resent
    uint64_t nacks_received
    uint64_t plis_received
    double fraction_lost
    int64_t packets_lost
    int64_t last_rr_us              # -1 before the first
    int64_t lossy_us                # when the receiver last told of loss
    double rtt_s                    # -1 while unknown
    uint32_t waiting_timestamp      # of the picture that last had to wait,
    int waiting_bytes               # and how much of it did

# A track that comes in several qualities: each layer is a Stream of its own, in the same tables.
ctypedef struct Simulcast:
    int64_t id
    int n
    int places[MAX_LAYERS]          # of its layers, lowest quality first
    Indices members                 # sinks of all layers
    Timeline timeline
    int64_t asked_us                # when a key frame of any layer was last asked for
    bint started
    bint stalled                    # all layers are
    uint32_t ssrc                   # told for the track: that of the layer that came first
    int name                        # of the codec told
    bint tapped
    PacketTap *tap_into             # NULL: events tell of what is tapped
    int tap_place                   # of the layer the tap is on, -1 before the first
    Numbering tap_numbering
    Shaping tap

ctypedef struct Stream:
    int64_t id
    int peer
    bint video
    bint started                    # there is a source: one SSRC of the publisher, from its first packet on
    bint stalled
    bint tapped
    bint wants_feedback             # transport-wide feedback was negotiated
    bint in_batch                   # has or had packets to forward in this batch
    int n_pending
    uint32_t ssrc
    int codec                       # index into codecs
    uint32_t timestamp_offset
    uint32_t last_timestamp
    Extensions extensions
    int n_codecs
    Simulcast *simulcast            # shared by the layers of a track; NULL for a track of one
    Indices waiting                 # sinks that begin at its next key frame
    PacketCache cache
    Indices sinks
    int64_t last_packet_us          # -1 before the first
    uint64_t packets
    uint64_t bytes
    KeyframeWish wish
    Reception reception
    Order order
    Codec codecs[MAX_CODECS]
    MissingList missing
    int pending[MAX_PENDING]        # packets to forward at the end of the batch
    # of a layer
    int layer
    int rid_bytes
    uint8_t rid[MAX_RID]
    uint32_t common_offset          # of its timestamps to the track's timeline
    int64_t last_keyframe_us        # -1 before the first
    # the rest
    PacketTap *tap_into             # NULL: events tell of what is tapped
    int mid_bytes
    uint8_t mid[256]
    uint32_t declared[MAX_DECLARED]
    int n_declared
    int64_t since_us
    int64_t first                   # ext_seq
    bint has_sr
    uint64_t sr_ntp                 # of the publisher
    uint64_t sr_our_ntp             # the same instant on our clock
    uint32_t sr_rtp
    uint64_t lost
    uint64_t recovered
    uint64_t nacks_sent
    uint64_t plis_sent

# One datagram, or several of equal size for one receiver (the last may be shorter), in the arena.
ctypedef struct Message:
    uint8_t address[ADDRESS]
    int peer
    int64_t at
    int length
    int segment_bytes
    int segments
    bint closed                     # nothing more can be joined to it

ctypedef struct Outbox:
    uint8_t *arena
    int64_t arena_bytes
    int64_t used
    Message *messages
    int n
    int room
    void (*flush)(void *) noexcept nogil    # sends all messages; NULL: they wait to be taken
    void *socket

ctypedef struct Events:
    uint8_t *bytes
    int64_t room
    int64_t used

ctypedef struct Drops:
    uint64_t unknown_peer
    uint64_t unknown_ssrc
    uint64_t unknown_payload_type
    uint64_t malformed
    uint64_t malformed_rtcp
    uint64_t oversized
    uint64_t auth_failed
    uint64_t replayed
    uint64_t too_many_ssrcs
    uint64_t extra_source
    uint64_t late
    uint64_t duplicate
    uint64_t redundant_rtx
    uint64_t unbound_rtx
    uint64_t rtx_padding
    uint64_t seal_failed
    uint64_t pacing_full
    uint64_t events_full
    uint64_t socket_full            # as the kernel counts them: whatever it was

ctypedef struct State:
    Peer **peers
    int room_peers
    int64_t *peers_due_us           # when to look at each again, apart from them so that waiting costs little
    Stream **streams
    int room_streams
    int64_t *streams_due_us
    Sink **sinks
    int room_sinks
    int64_t *sinks_due_us
    Table addresses
    Outbox outbox
    Events events
    Drops drops
    double wall_minus_monotonic
    int64_t now_us                  # of the datagram or timer being dealt with
    int batch_streams[MAX_BATCH_STREAMS]
    int n_batch_streams
    Peer *due_peers                 # with packets in the batch that is being forwarded
    int64_t dropped_us              # when the kernel last told that our socket had overflowed
    uint8_t report[1500]            # RTCP being written
    uint8_t compound[1600]          # RTCP, or a check, being read
    EVP_MAC_CTX *check_mac


cdef inline bint add_index(Indices *indices, int at) noexcept nogil:
    cdef int *grown
    if indices.n == indices.room:
        grown = <int *>realloc(indices.at, (indices.room * 2 + 4) * sizeof(int))
        if grown == NULL:
            return False
        indices.at = grown
        indices.room = indices.room * 2 + 4
    indices.at[indices.n] = at
    indices.n += 1
    return True


cdef inline bint reserve_index(Indices *indices, int room) noexcept nogil:
    # Makes sure that `add_index` succeeds up to so many.
    cdef int *grown
    if room > indices.room:
        grown = <int *>realloc(indices.at, room * sizeof(int))
        if grown == NULL:
            return False
        indices.at = grown
        indices.room = room
    return True


cdef inline void remove_index(Indices *indices, int at) noexcept nogil:
    cdef int i
    for i in range(indices.n):
        if indices.at[i] == at:
            indices.n -= 1
            memmove(indices.at + i, indices.at + i + 1, (indices.n - i) * sizeof(int))
            return


cdef inline int free_place(void ***places, int64_t **dues, int *room) noexcept nogil:
    # The first empty place of a table of pointers, which grows by half when it is full; -1 without memory.
    cdef int i, wanted
    cdef void **grown
    cdef int64_t *grown_dues
    for i in range(room[0]):
        if places[0][i] == NULL:
            return i
    wanted = room[0] + room[0] // 2 + 16
    grown = <void **>realloc(places[0], wanted * sizeof(void *))
    if grown == NULL:
        return -1
    places[0] = grown
    grown_dues = <int64_t *>realloc(dues[0], wanted * sizeof(int64_t))
    if grown_dues == NULL:
        return -1
    dues[0] = grown_dues
    memset(grown + room[0], 0, (wanted - room[0]) * sizeof(void *))
    i = room[0]
    room[0] = wanted
    return i


cdef inline void free_peer(Peer *peer) noexcept nogil:
    protection_free(&peer.rtp_in)
    protection_free(&peer.rtp_out)
    protection_free(&peer.rtcp_in)
    protection_free(&peer.rtcp_out)
    windows_free(&peer.rtp_windows)
    windows_free(&peer.rtcp_windows)
    feedback_free(&peer.feedback)
    line_free(peer.line)
    free(peer.streams.at)
    free(peer.sinks.at)
    free(peer.spent)
    OPENSSL_cleanse(peer.password, MAX_CREDENTIAL)
    pool_give(peer, sizeof(Peer))


cdef inline void free_stream(Stream *stream) noexcept nogil:
    cache_free(&stream.cache)
    free(stream.sinks.at)
    free(stream.waiting.at)
    pool_give(stream, sizeof(Stream))


cdef inline void free_sink(Sink *sink) noexcept nogil:
    free(sink.limiter.resends)
    free(sink.sent_numbers)
    free(sink.shaping)
    pool_give(sink, sizeof(Sink))


cdef inline int64_t next_index(const Peer *peer, uint32_t ssrc, int64_t fresh) noexcept nogil:
    # Where to begin with an SSRC towards this peer: `fresh`, or behind what was used under it before.
    cdef int i
    for i in range(peer.n_spent):
        if peer.spent[i].ssrc == ssrc:
            return peer.spent[i].next_index
    return fresh


cdef inline bint reserve_spent(Peer *peer, uint32_t ssrc) noexcept nogil:
    # Makes sure that `remember_spent` will succeed for this SSRC.
    cdef int i
    cdef Spent *grown
    for i in range(peer.n_spent):
        if peer.spent[i].ssrc == ssrc:
            return True
    if peer.n_spent == peer.room_spent:
        grown = <Spent *>realloc(peer.spent, (peer.room_spent * 2 + 8) * sizeof(Spent))
        if grown == NULL:
            return False
        peer.spent = grown
        peer.room_spent = peer.room_spent * 2 + 8
    peer.spent[peer.n_spent] = Spent(ssrc, 0)
    peer.n_spent += 1
    return True


cdef inline void remember_spent(Peer *peer, uint32_t ssrc, int64_t next_) noexcept nogil:
    # What was used under an SSRC is never used again with the same keys (RFC 3711 9.1).
    cdef int i
    for i in range(peer.n_spent):
        if peer.spent[i].ssrc == ssrc:
            peer.spent[i].next_index = next_


cdef inline Sink *sink_of_ssrc(State *state, const Peer *peer, uint32_t ssrc) noexcept nogil:
    cdef int i
    for i in range(peer.sinks.n):
        if state.sinks[peer.sinks.at[i]].ssrc == ssrc:
            return state.sinks[peer.sinks.at[i]]
    return NULL


cdef inline void want_keyframe(State *state, int at) noexcept nogil:
    # Someone needs a key frame that begins after what has come so far; no effect on audio.
    cdef Stream *stream = state.streams[at]
    if stream.video:
        wish_keyframe(&stream.wish, stream.order.highest if stream.started else -1)
        state.streams_due_us[at] = 0
