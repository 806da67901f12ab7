# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The packet core on a UDP socket of its own: a thread without the GIL receives, forwards and sends in batches.

Only what is not RTP or RTCP (STUN, DTLS) and the core's events cross to Python, over buffers and an eventfd; commands
cross the other way under a mutex that the thread holds for one batch at a time.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from media.forwarder.native.core cimport Core, Message
from media.forwarder.native.sockets cimport (
    EAGAIN, EFD_CLOEXEC, EFD_NONBLOCK, EINTR, EINVAL, EIO, EOPNOTSUPP, MSG_DONTWAIT, POLLIN, POLLOUT, close, eventfd,
    iovec, last_errno, mmsghdr, monotonic_us, msghdr, pack_address, poll, pollfd, pthread_mutex_destroy,
    pthread_mutex_init, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock, read, recvmmsg, sendmmsg,
    set_segment_bytes, sockaddr_storage, unpack_address, usleep, write,
)

cdef enum:
    BATCH = 128                     # datagrams received in one call
    DATAGRAM_BYTES = 2048           # longer ones are cut, and dropped as malformed
    SEND_BATCH = 256                # messages sent in one call
    CONTROL_BYTES = 1 << 20         # STUN and DTLS waiting for Python; what does not fit is dropped
    GATHER_US = 250                 # how long to let packets gather when the last batch was full enough
    GATHER_FROM = 6                 # packets in a batch from which gathering pays
    TIMER_US = 10_000

cdef class SocketCore(Core):
    """A packet core that owns the receiving side of a UDP socket; `run` is the body of its thread."""

    cdef pthread_mutex_t mutex
    cdef readonly int wake_fd       # tells Python that events or control datagrams wait
    cdef int stop_fd
    cdef bint signalled
    cdef mmsghdr *inbox
    cdef uint8_t *inbox_bytes
    cdef iovec *inbox_parts
    cdef sockaddr_storage *inbox_names
    cdef mmsghdr *outbox
    cdef iovec *outbox_parts
    cdef sockaddr_storage *outbox_names
    cdef uint8_t *outbox_control
    cdef uint8_t *control
    cdef int64_t control_used
    cdef readonly uint64_t control_dropped
    cdef int64_t next_timer_us

    def __cinit__(self, double wall_minus_monotonic, int64_t arena_bytes=4 * 1024 * 1024, *, int fd, bint ipv6):
        cdef int i
        self.fd = fd
        self.ipv6 = ipv6
        self.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        self.stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        pthread_mutex_init(&self.mutex, NULL)
        self.inbox = <mmsghdr *>calloc(BATCH, sizeof(mmsghdr))
        self.inbox_bytes = <uint8_t *>calloc(BATCH, DATAGRAM_BYTES)
        self.inbox_parts = <iovec *>calloc(BATCH, sizeof(iovec))
        self.inbox_names = <sockaddr_storage *>calloc(BATCH, sizeof(sockaddr_storage))
        self.outbox = <mmsghdr *>calloc(SEND_BATCH, sizeof(mmsghdr))
        self.outbox_parts = <iovec *>calloc(SEND_BATCH, sizeof(iovec))
        self.outbox_names = <sockaddr_storage *>calloc(SEND_BATCH, sizeof(sockaddr_storage))
        self.outbox_control = <uint8_t *>calloc(SEND_BATCH, 32)
        self.control = <uint8_t *>calloc(CONTROL_BYTES, 1)
        if (
            self.inbox == NULL or self.inbox_bytes == NULL or self.inbox_parts == NULL or self.inbox_names == NULL
            or self.outbox == NULL or self.outbox_parts == NULL or self.outbox_names == NULL
            or self.outbox_control == NULL or self.control == NULL
        ):
            raise MemoryError
        if self.wake_fd < 0 or self.stop_fd < 0:
            raise OSError("no eventfd can be had")
        for i in range(BATCH):
            self.inbox_parts[i].iov_base = self.inbox_bytes + i * DATAGRAM_BYTES
            self.inbox_parts[i].iov_len = DATAGRAM_BYTES
            self.inbox[i].msg_hdr.msg_name = &self.inbox_names[i]
            self.inbox[i].msg_hdr.msg_iov = &self.inbox_parts[i]
            self.inbox[i].msg_hdr.msg_iovlen = 1

    def __dealloc__(self):
        if self.wake_fd > 0:
            close(self.wake_fd)
        if self.stop_fd > 0:
            close(self.stop_fd)
        pthread_mutex_destroy(&self.mutex)
        free(self.inbox)
        free(self.inbox_bytes)
        free(self.inbox_parts)
        free(self.inbox_names)
        free(self.outbox)
        free(self.outbox_parts)
        free(self.outbox_names)
        free(self.outbox_control)
        free(self.control)

    def run(self):
        """Forward until `stop`; releases the GIL for good. To be the body of a thread."""
        with nogil:
            self.loop()

    def stop(self):
        """Ask the thread to end; it does within a batch."""
        cdef uint64_t one = 1
        write(self.stop_fd, &one, 8)

    def lock(self):
        """Wait until the thread is between two batches and hold it there; commands and reading need it."""
        with nogil:
            pthread_mutex_lock(&self.mutex)

    def unlock(self):
        """Let the thread go on."""
        pthread_mutex_unlock(&self.mutex)

    def clear_wake(self):
        """Take back the signal of `wake_fd`; to be called, with the lock held, before the buffers are taken."""
        cdef uint64_t count
        read(self.wake_fd, &count, 8)
        self.signalled = False

    def take_control(self):
        """Take the datagrams that are no RTP or RTCP: a list of (datagram, 18-byte address)."""
        cdef int64_t at = 0
        cdef uint16_t length
        taken = []
        while at < self.control_used:
            memcpy(&length, self.control + at, 2)
            taken.append(((<const char *>(self.control + at + 20))[:length], (<const char *>(self.control + at + 2))[:18]))
            at += 20 + length
        self.control_used = 0
        return taken

    def read_traffic(self):
        """Datagrams in and out, calls that sent them, datagrams the kernel refused, whether GSO is used."""
        return self.datagrams_in, self.datagrams_out, self.sends, self.send_errors, self.gso

    # --- the thread ---------------------------------------------------------------------------------------------------

    cdef void loop(self) noexcept nogil:
        cdef pollfd ready[2]
        cdef int received = 0
        cdef int64_t now_us, wait_us
        ready[0].fd = self.fd
        ready[0].events = POLLIN
        ready[1].fd = self.stop_fd
        ready[1].events = POLLIN
        while True:
            now_us = monotonic_us()
            wait_us = self.next_timer_us - now_us
            ready[0].revents = ready[1].revents = 0
            poll(ready, 2, 0 if wait_us <= 0 else <int>(wait_us // 1000 + 1))
            if ready[1].revents:
                return
            if received >= GATHER_FROM and received < BATCH:
                usleep(GATHER_US)
            pthread_mutex_lock(&self.mutex)
            now_us = monotonic_us()
            received = self.receive_batch(now_us) if ready[0].revents else 0
            if now_us >= self.next_timer_us:
                self.next_timer_us = now_us + TIMER_US
                self.run_timers(now_us)
            if (self.events_used or self.control_used) and not self.signalled:
                self.signal_python()
            pthread_mutex_unlock(&self.mutex)

    cdef int receive_batch(self, int64_t now_us) noexcept nogil:
        cdef int count, i, length
        cdef uint8_t address[18]
        cdef const uint8_t *data
        for i in range(BATCH):
            self.inbox[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
        count = recvmmsg(self.fd, self.inbox, BATCH, MSG_DONTWAIT, NULL)
        if count <= 0:
            return 0
        for i in range(count):
            data = self.inbox_bytes + i * DATAGRAM_BYTES
            length = <int>self.inbox[i].msg_len
            pack_address(&self.inbox_names[i], address)
            if length and 128 <= data[0] <= 191:            # RFC 7983
                self.take(data, length, address, now_us)
            elif length:
                self.keep_control(data, length, address)
        self.end_batch(now_us)
        return count

    cdef void keep_control(self, const uint8_t *data, int length, const uint8_t *address) noexcept nogil:
        cdef uint16_t size = <uint16_t>length
        if self.control_used + 20 + length > CONTROL_BYTES:
            self.control_dropped += 1
            return
        memcpy(self.control + self.control_used, &size, 2)
        memcpy(self.control + self.control_used + 2, address, 18)
        memcpy(self.control + self.control_used + 20, data, length)
        self.control_used += 20 + length

    cdef void signal_python(self) noexcept nogil:
        cdef uint64_t one = 1
        self.signalled = True
        write(self.wake_fd, &one, 8)

    cdef void flush(self) noexcept nogil:
        # Sends all messages; GSO ones as one message each, unless the kernel or the route refuses GSO.
        cdef int done = 0
        cdef int count
        while done < self.n_messages:
            count = self.send_some(done)
            if count <= 0:
                break
            done += count
        self.n_messages = 0
        self.arena_used = 0

    cdef int send_some(self, int first) noexcept nogil:
        # Sends up to SEND_BATCH messages from `first` on; returns how many are dealt with (sent or given up).
        cdef int count = min(self.n_messages - first, SEND_BATCH)
        cdef int i, sent, error
        cdef Message *message
        cdef msghdr *header
        if not self.gso:
            return self.send_apart(first)
        for i in range(count):
            message = &self.messages[first + i]
            header = &self.outbox[i].msg_hdr
            memset(header, 0, sizeof(msghdr))
            self.outbox_parts[i].iov_base = self.arena + message.at
            self.outbox_parts[i].iov_len = message.length
            header.msg_name = &self.outbox_names[i]
            header.msg_namelen = unpack_address(message.address, self.ipv6, &self.outbox_names[i])
            header.msg_iov = &self.outbox_parts[i]
            header.msg_iovlen = 1
            if message.segments > 1:
                header.msg_control = self.outbox_control + 32 * i
                set_segment_bytes(header, <uint16_t>message.segment_bytes)
        sent = sendmmsg(self.fd, self.outbox, count, MSG_DONTWAIT)
        self.sends += 1
        if sent > 0:
            for i in range(sent):
                self.datagrams_out += self.messages[first + i].segments
            return sent
        error = last_errno()
        if (error == EIO or error == EINVAL or error == EOPNOTSUPP) and self.messages[first].segments > 1:
            self.gso = False            # for good: this kernel or route cannot
            return self.send_apart(first)
        return self.give_up_or_wait(first, error)

    cdef int send_apart(self, int first) noexcept nogil:
        # One message in datagrams of its own; returns 1 when it is dealt with.
        cdef Message *message = &self.messages[first]
        cdef int count = min(message.segments, SEND_BATCH)
        cdef int i, sent = 0
        cdef int64_t at = message.at
        cdef int64_t end = message.at + message.length
        cdef msghdr *header
        for i in range(count):
            header = &self.outbox[i].msg_hdr
            memset(header, 0, sizeof(msghdr))
            self.outbox_parts[i].iov_base = self.arena + at
            self.outbox_parts[i].iov_len = min(message.segment_bytes, end - at)
            header.msg_name = &self.outbox_names[0]
            header.msg_namelen = unpack_address(message.address, self.ipv6, &self.outbox_names[0])
            header.msg_iov = &self.outbox_parts[i]
            header.msg_iovlen = 1
            at += message.segment_bytes
        sent = sendmmsg(self.fd, self.outbox, count, MSG_DONTWAIT)
        self.sends += 1
        if sent > 0:
            self.datagrams_out += sent
            self.send_errors += count - sent
        else:
            self.send_errors += count
        return 1

    cdef int give_up_or_wait(self, int first, int error) noexcept nogil:
        # A full socket buffer is waited for, at most a millisecond; any other error costs this message only.
        cdef pollfd writable
        if error == EINTR:
            return 0 if self.n_messages == first else self.send_apart(first)
        if error == EAGAIN:
            writable.fd = self.fd
            writable.events = POLLOUT
            writable.revents = 0
            if poll(&writable, 1, 1) > 0:
                return self.send_apart(first)
        self.send_errors += self.messages[first].segments
        return 1
