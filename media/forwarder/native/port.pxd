# The relay's UDP sockets: datagrams in and out in batches, several to one receiver by UDP_SEGMENT where that works.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from media.forwarder.native.checks cimport answer_check
from media.forwarder.native.huge_pages cimport pool_give, pool_take
from media.forwarder.native.outbox cimport outbox_flush
from media.forwarder.native.pace cimport MOST_RECEIVED, Pace, pace_adapt, pace_room
from media.forwarder.native.receiving cimport foresee_taking, take_rtp
from media.forwarder.native.receiving_reports cimport take_rtcp
from media.forwarder.native.reporting cimport run_timers
from media.forwarder.native.sending cimport forward_all
from media.forwarder.native.sockets cimport (
    EAGAIN, EFD_CLOEXEC, EFD_NONBLOCK, EINTR, EINVAL, EIO, EOPNOTSUPP, MSG_DONTWAIT, POLLIN, POLLOUT, add_int, close, eventfd,
    init_mutex, iovec, last_errno, load_int, mmsghdr, monotonic_us, msghdr, pack_address, poll, pollfd, prepare_socket,
    pthread_mutex_destroy, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock, read_received,
    recvmmsg, sendmmsg, set_segment_bytes, sleep_until, sockaddr_storage, unpack_address, usleep, write,
)
from media.forwarder.native.packet_cache cimport MAX_PACKET_BYTES
from media.forwarder.native.state cimport ADDRESS, PEER_LINES, Message, Peer, State
from media.forwarder.native.srtp cimport protection_foresee
from media.forwarder.native.tables cimport table_find
from media.forwarder.native.windows cimport Window, windows_find
from media.forwarder.native.wire cimport prefetch_lines, read32

cdef enum:
    MAX_SOCKETS = 4
    BATCH = 64                      # messages received in one call, each of one or several datagrams of one sender
    INBOX_BYTES = 65_536            # the longest message
    INBOX_STRIDE = 65_536 + 17 * 64     # no power of two, or all would share the same few lines of the cache
    INBOX_CONTROL_BYTES = 64
    SEND_BATCH = 64                 # messages sent in one call
    CONTROL_BYTES = 1 << 20         # STUN and DTLS waiting for Python; what does not fit is dropped and counted
    CONTROL_HEADER_BYTES = 20       # u16 length, address
    FORESEE = 6                     # messages ahead of the one that is taken: their peers, later their streams, are
    FORESEE_STREAM = 3              # fetched from far memory meanwhile
    GIVE_WAY_US = 10
    PATIENCE = 2                    # waits of a millisecond for the kernel in one batch; then what it does not take is lost
    TIMER_US = 10_000

ctypedef struct Port:
    State *state
    int fds[MAX_SOCKETS]
    bint ipv6[MAX_SOCKETS]
    int n_sockets
    int wake_fd                     # tells Python that events or control datagrams wait
    int stop_fd
    int stopping
    bint signalled
    bint gso                        # until the kernel or the route refuses it
    pthread_mutex_t mutex           # held by the thread for one batch at a time, by Python for commands and reading
    int waiting                     # how many wait for it: the thread gives way, or a busy one would never let them in
    mmsghdr inbox[BATCH]
    iovec inbox_parts[BATCH]
    sockaddr_storage inbox_names[BATCH]
    uint8_t inbox_addresses[BATCH * ADDRESS]
    int inbox_peers[BATCH]
    uint8_t inbox_control[BATCH * INBOX_CONTROL_BYTES]
    uint8_t *inbox_bytes
    mmsghdr outgoing[SEND_BATCH]
    iovec outgoing_parts[SEND_BATCH]
    sockaddr_storage outgoing_names[SEND_BATCH]
    uint8_t outgoing_control[SEND_BATCH * 32]
    uint8_t *control
    int64_t control_used
    int64_t next_timer_us
    Pace pace
    int patience                    # how often this batch may still wait for a full socket buffer
    uint32_t dropped[MAX_SOCKETS]   # datagrams that found no room in the socket's buffer, as the kernel counts them
    uint64_t datagrams_in
    uint64_t datagrams_out
    uint64_t sends
    uint64_t unsent                 # datagrams the kernel did not take
    uint64_t control_dropped


cdef inline void take_datagram(State *state, int peer, const uint8_t *data, int length, int64_t now_us) noexcept nogil:
    # One RTP or RTCP datagram (RFC 5761 4) of a peer, -1 if unknown; what it causes waits for `end_batch`.
    state.now_us = now_us
    if peer < 0:
        state.drops.unknown_peer += 1
    elif length < 2 or data[0] >> 6 != 2:
        state.drops.malformed += 1
    elif length > MAX_PACKET_BYTES:
        state.drops.oversized += 1
    elif 192 <= data[1] <= 223:
        take_rtcp(state, peer, data, length, now_us)
    else:
        take_rtp(state, peer, data, length, now_us)


cdef inline bint is_answered(State *state, int peer, const uint8_t *data, int length, const uint8_t *address,
                             int64_t now_us) noexcept nogil:
    # Whether it was an ICE check (RFC 7983) of a peer, -1 if unknown, that needs nothing but an answer.
    return peer >= 0 and length > 0 and data[0] <= 3 and answer_check(state, peer, data, length, address, now_us)


cdef inline void end_batch(State *state) noexcept nogil:
    forward_all(state)
    outbox_flush(&state.outbox)


# --- taking in ----------------------------------------------------------------------------------------------------

cdef inline bint port_init(Port *port, State *state) noexcept nogil:
    # False without memory or eventfds; `port_free` is due either way.
    cdef int i
    port.state = state
    port.gso = True
    init_mutex(&port.mutex)
    port.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    port.stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    port.inbox_bytes = <uint8_t *>pool_take(BATCH * INBOX_STRIDE)
    port.control = <uint8_t *>calloc(CONTROL_BYTES, 1)
    if port.wake_fd < 0 or port.stop_fd < 0 or port.inbox_bytes == NULL or port.control == NULL:
        return False
    for i in range(BATCH):
        port.inbox_parts[i].iov_base = port.inbox_bytes + i * INBOX_STRIDE
        port.inbox_parts[i].iov_len = INBOX_BYTES
        port.inbox[i].msg_hdr.msg_name = &port.inbox_names[i]
        port.inbox[i].msg_hdr.msg_iov = &port.inbox_parts[i]
        port.inbox[i].msg_hdr.msg_iovlen = 1
        port.inbox[i].msg_hdr.msg_control = port.inbox_control + i * INBOX_CONTROL_BYTES
    state.outbox.flush = port_flush
    state.outbox.socket = port
    return True


cdef inline void port_add_socket(Port *port, int fd, bint ipv6) noexcept nogil:
    # At most MAX_SOCKETS, before `port_run`.
    cdef int bytes = prepare_socket(fd)
    pace_room(&port.pace, bytes)
    port.fds[port.n_sockets] = fd
    port.ipv6[port.n_sockets] = ipv6
    port.n_sockets += 1


cdef inline void port_free(Port *port) noexcept nogil:
    if port.wake_fd >= 0:
        close(port.wake_fd)
    if port.stop_fd >= 0:
        close(port.stop_fd)
    pthread_mutex_destroy(&port.mutex)
    pool_give(port.inbox_bytes, BATCH * INBOX_STRIDE)
    free(port.control)
    free(port)


cdef inline void signal_fd(int fd) noexcept nogil:
    cdef uint64_t one = 1
    write(fd, &one, 8)


cdef inline void port_run(Port *port) noexcept nogil:
    # The thread: receive, forward, look at the clock, until `port_stop`.
    cdef int received = 0
    cdef int i
    cdef int64_t now_us = 0
    while not load_int(&port.stopping):
        rest(port, now_us + port.pace.window_us if 0 < received < MOST_RECEIVED and port.pace.window_us else 0)
        pthread_mutex_lock(&port.mutex)
        now_us = monotonic_us()
        port.patience = PATIENCE
        received = 0
        for i in range(port.n_sockets):
            received += port_receive(port, i, now_us)
        end_batch(port.state)
        port.pace.datagrams += received
        if now_us >= port.next_timer_us:
            port.next_timer_us = now_us + TIMER_US
            pace_adapt(&port.pace, now_us)
            run_timers(port.state, now_us)
            end_batch(port.state)
        if (port.state.events.used or port.control_used) and not port.signalled:
            port.signalled = True
            signal_fd(port.wake_fd)
        pthread_mutex_unlock(&port.mutex)
        while load_int(&port.waiting):
            usleep(GIVE_WAY_US)


cdef inline void rest(Port *port, int64_t until_us) noexcept nogil:
    # Sleeps while datagrams gather; 0: until there are some. To be woken late is no sleep.
    cdef int64_t begun_us = monotonic_us()
    if until_us == 0:
        wait_for_datagrams(port)
        port.pace.slept_us += monotonic_us() - begun_us
    elif until_us > begun_us:
        sleep_until(until_us)
        port.pace.slept_us += until_us - begun_us


cdef inline void wait_for_datagrams(Port *port) noexcept nogil:
    # Until there are some, or the timer is due, or `port_stop`.
    cdef pollfd ready[MAX_SOCKETS + 1]
    cdef int64_t wait_us = port.next_timer_us - monotonic_us()
    cdef int i
    for i in range(port.n_sockets):
        ready[i].fd = port.fds[i]
        ready[i].events = POLLIN
    ready[port.n_sockets].fd = port.stop_fd
    ready[port.n_sockets].events = POLLIN
    poll(ready, port.n_sockets + 1, 0 if wait_us <= 0 else <int>(wait_us // 1000 + 1))


cdef inline void port_stop(Port *port) noexcept nogil:
    add_int(&port.stopping, 1)
    signal_fd(port.stop_fd)


cdef inline void port_lock(Port *port) noexcept nogil:
    add_int(&port.waiting, 1)
    pthread_mutex_lock(&port.mutex)
    add_int(&port.waiting, -1)


cdef inline int port_receive(Port *port, int at, int64_t now_us) noexcept nogil:
    # All that waits at a socket, up to MOST_RECEIVED; returns the datagrams.
    cdef int received = 0
    cdef int count = BATCH
    cdef int i
    while count == BATCH and received < MOST_RECEIVED:
        for i in range(BATCH):
            port.inbox[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
            port.inbox[i].msg_hdr.msg_controllen = INBOX_CONTROL_BYTES
        count = recvmmsg(port.fds[at], port.inbox, BATCH, MSG_DONTWAIT, NULL)
        for i in range(count):
            find_sender(port, i)
        for i in range(count):
            if i + FORESEE < count:
                foresee_peer(port, i + FORESEE)
            if i + FORESEE_STREAM < count:
                foresee_stream(port, i + FORESEE_STREAM)
            received += take_message(port, at, i, now_us)
    port.datagrams_in += received
    return received


cdef inline void find_sender(Port *port, int i) noexcept nogil:
    cdef uint8_t *address = port.inbox_addresses + i * ADDRESS
    cdef int peer
    pack_address(&port.inbox_names[i], address)
    peer = port.inbox_peers[i] = table_find(&port.state.addresses, address)
    if peer >= 0:
        prefetch_lines(&port.state.peers[peer].rtp_in, PEER_LINES)


cdef inline void foresee_peer(const Port *port, int i) noexcept nogil:
    cdef const Peer *peer
    if port.inbox_peers[i] >= 0:
        peer = port.state.peers[port.inbox_peers[i]]
        protection_foresee(&peer.rtp_in)
        prefetch_lines(peer.rtp_windows.entries, PEER_LINES)


cdef inline void foresee_stream(Port *port, int i) noexcept nogil:
    cdef const uint8_t *data = port.inbox_bytes + i * INBOX_STRIDE
    cdef Window *window
    if port.inbox_peers[i] < 0 or port.inbox[i].msg_len < 12:
        return
    window = windows_find(&port.state.peers[port.inbox_peers[i]].rtp_windows, read32(data + 8))
    if window != NULL and window.stream >= 0:
        foresee_taking(port.state.streams[window.stream])


cdef inline int take_message(Port *port, int at, int i, int64_t now_us) noexcept nogil:
    # The datagrams of one received message, each told apart by its first byte (RFC 7983); returns how many.
    cdef const uint8_t *data = port.inbox_bytes + i * INBOX_STRIDE
    cdef int left = <int>port.inbox[i].msg_len
    cdef uint32_t dropped = port.dropped[at]
    cdef int size = read_received(&port.inbox[i].msg_hdr, left, &dropped)
    cdef int count = 0
    cdef int length
    if dropped != port.dropped[at]:
        port.state.drops.socket_full += <uint32_t>(dropped - port.dropped[at])
        port.dropped[at] = dropped
        port.state.dropped_us = now_us
    while left > 0:
        length = min(size, left)
        if 128 <= data[0] <= 191:
            take_datagram(port.state, port.inbox_peers[i], data, length, now_us)
        elif not is_answered(port.state, port.inbox_peers[i], data, length, port.inbox_addresses + i * ADDRESS,
                             now_us):
            keep_control(port, data, length, port.inbox_addresses + i * ADDRESS)
        data += length
        left -= length
        count += 1
    return count


cdef inline void keep_control(Port *port, const uint8_t *data, int length, const uint8_t *address) noexcept nogil:
    cdef uint16_t size = <uint16_t>length
    cdef uint8_t *at = port.control + port.control_used
    if port.control_used + CONTROL_HEADER_BYTES + length > CONTROL_BYTES:
        port.control_dropped += 1
        return
    memcpy(at, &size, 2)
    memcpy(at + 2, address, ADDRESS)
    memcpy(at + CONTROL_HEADER_BYTES, data, length)
    port.control_used += CONTROL_HEADER_BYTES + length


# --- sending ------------------------------------------------------------------------------------------------------

cdef inline int socket_for(const Port *port, const uint8_t *address) noexcept nogil:
    # Index of the socket of the address's family (an IPv6 one takes v4-mapped addresses, too); -1 if there is none.
    cdef bint is_v4 = memcmp(address, b"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0
    cdef int i
    for i in range(port.n_sockets):
        if port.ipv6[i] != is_v4:
            return i
    for i in range(port.n_sockets):
        if is_v4 and port.ipv6[i]:
            return i
    return -1


cdef inline void address_message(Port *port, int i, const uint8_t *address, bint ipv6, uint8_t *data,
                                 int length) noexcept nogil:
    # Fills in the i-th outgoing message.
    cdef msghdr *header = &port.outgoing[i].msg_hdr
    memset(header, 0, sizeof(msghdr))
    port.outgoing_parts[i].iov_base = data
    port.outgoing_parts[i].iov_len = length
    header.msg_name = &port.outgoing_names[i]
    header.msg_namelen = unpack_address(address, ipv6, &port.outgoing_names[i])
    header.msg_iov = &port.outgoing_parts[i]
    header.msg_iovlen = 1


cdef inline void port_flush(void *opaque) noexcept nogil:
    # Sends all messages.
    cdef Port *port = <Port *>opaque
    cdef int done = 0
    while done < port.state.outbox.n:
        done += send_some(port, done)


cdef inline int send_some(Port *port, int first) noexcept nogil:
    # Sends messages of one socket from `first` on; returns how many are dealt with (sent or given up), at least one.
    cdef Message *messages = port.state.outbox.messages + first
    cdef int room = min(port.state.outbox.n - first, SEND_BATCH)
    cdef int at = socket_for(port, messages[0].address)
    cdef int count = 0
    cdef int i, sent, error
    if at < 0:
        port.unsent += messages[0].segments
        return 1
    if not port.gso and messages[0].segments > 1:
        send_apart(port, at, messages)
        return 1
    while count < room and (port.gso or messages[count].segments == 1) and (
            count == 0 or port.n_sockets == 1 or socket_for(port, messages[count].address) == at):
        address_message(port, count, messages[count].address, port.ipv6[at],
                        port.state.outbox.arena + messages[count].at, messages[count].length)
        if messages[count].segments > 1:
            port.outgoing[count].msg_hdr.msg_control = port.outgoing_control + 32 * count
            set_segment_bytes(&port.outgoing[count].msg_hdr, <uint16_t>messages[count].segment_bytes)
        count += 1
    sent = sendmmsg(port.fds[at], port.outgoing, count, MSG_DONTWAIT)
    port.sends += 1
    if sent > 0:
        for i in range(sent):
            port.datagrams_out += messages[i].segments
        return sent
    error = last_errno()
    if error == EINTR or (error == EAGAIN and wait_for_room(port, at)):
        send_apart(port, at, messages)
    elif messages[0].segments > 1 and (error == EIO or error == EINVAL or error == EOPNOTSUPP):
        # If the datagrams go one by one, it is GSO that this kernel or route refuses: never again.
        if send_apart(port, at, messages):
            port.gso = False
    else:
        port.unsent += messages[0].segments
    return 1


cdef inline bint wait_for_room(Port *port, int at) noexcept nogil:
    # A full socket buffer is waited for, at most a millisecond and a few times a batch.
    cdef pollfd writable
    if port.patience == 0:
        return False
    port.patience -= 1
    writable.fd = port.fds[at]
    writable.events = POLLOUT
    writable.revents = 0
    return poll(&writable, 1, 1) > 0


cdef inline bint send_apart(Port *port, int at, const Message *message) noexcept nogil:
    # One message in datagrams of its own; whether all of them went.
    cdef int64_t begin = message.at
    cdef int64_t end = message.at + message.length
    cdef int count = 0
    cdef int sent
    while begin < end:
        address_message(port, count, message.address, port.ipv6[at], port.state.outbox.arena + begin,
                        <int>min(message.segment_bytes, end - begin))
        begin += message.segment_bytes
        count += 1
    sent = max(sendmmsg(port.fds[at], port.outgoing, count, MSG_DONTWAIT), 0)
    port.sends += 1
    port.datagrams_out += sent
    port.unsent += count - sent
    return sent == count
