# What we use of Linux: sockets with batches of datagrams in and out, UDP segmentation and receive offload, eventfd, a
# mutex, clocks, a thread's priority.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <errno.h>
    #include <netinet/in.h>
    #include <netinet/udp.h>
    #include <poll.h>
    #include <pthread.h>
    #include <sched.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/eventfd.h>
    #include <sys/socket.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>
    #ifndef UDP_SEGMENT
    #define UDP_SEGMENT 103
    #endif
    #ifndef UDP_GRO
    #define UDP_GRO 104
    #endif
    #ifndef SOL_UDP
    #define SOL_UDP 17
    #endif

    static int64_t monotonic_us(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    }

    static void sleep_until(int64_t at_us) {
        struct timespec at = {at_us / 1000000, at_us % 1000000 * 1000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    }

    /* The 18-byte form (IPv6 or v4-mapped, port) of a peer's address, and back. */
    static void pack_address(const struct sockaddr_storage *from, uint8_t *out) {
        if (from->ss_family == AF_INET) {
            const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
            memset(out, 0, 10);
            out[10] = out[11] = 0xff;
            memcpy(out + 12, &v4->sin_addr, 4);
            memcpy(out + 16, &v4->sin_port, 2);
        } else {
            const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
            memcpy(out, &v6->sin6_addr, 16);
            memcpy(out + 16, &v6->sin6_port, 2);
        }
    }

    static socklen_t unpack_address(const uint8_t *packed, int ipv6, struct sockaddr_storage *to) {
        if (ipv6) {
            struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
            memset(v6, 0, sizeof *v6);
            v6->sin6_family = AF_INET6;
            memcpy(&v6->sin6_addr, packed, 16);
            memcpy(&v6->sin6_port, packed + 16, 2);
            return sizeof *v6;
        }
        struct sockaddr_in *v4 = (struct sockaddr_in *)to;
        memset(v4, 0, sizeof *v4);
        v4->sin_family = AF_INET;
        memcpy(&v4->sin_addr, packed + 12, 4);
        memcpy(&v4->sin_port, packed + 16, 2);
        return sizeof *v4;
    }

    /* Attach UDP_SEGMENT to a message whose msg_control has room for CMSG_SPACE(2). */
    static void set_segment_bytes(struct msghdr *message, uint16_t bytes) {
        struct cmsghdr *control;
        message->msg_controllen = CMSG_SPACE(sizeof bytes);
        control = CMSG_FIRSTHDR(message);
        control->cmsg_level = SOL_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof bytes);
        memcpy(CMSG_DATA(control), &bytes, sizeof bytes);
    }

    /* Datagrams of one sender that came together are to be received as one, and datagrams dropped for want of room in
       the socket's buffer to be counted; kernels that cannot do without. Returns the bytes of that buffer. */
    static int prepare_socket(int fd) {
        int one = 1, bytes = 0;
        socklen_t length = sizeof bytes;
        setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one);
        setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
        getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &length);
        return bytes;
    }

    /* The size of each datagram in a received message (the last may be shorter), and how many were dropped before it. */
    static int read_received(struct msghdr *message, int length, uint32_t *dropped) {
        struct cmsghdr *control;
        for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
            if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
                memcpy(&length, CMSG_DATA(control), sizeof length);
            else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL)
                memcpy(dropped, CMSG_DATA(control), sizeof *dropped);
        }
        return length;
    }

    /* Lets the calling thread go before others, at best as a real-time thread of the lowest priority: fair turns would
       make it wait for milliseconds now and then, and nice values count only within a session where the kernel shares
       by sessions. Else by a nice value; it returns whether one of them was allowed. At least short turns (nanoseconds),
       which are for the user to choose since Linux 6.12. */
    static int prefer_thread(int nice, uint64_t turn_ns) {
        struct sched_param lowest = {.sched_priority = 1};
        struct {
            uint32_t size, policy;
            uint64_t flags;
            int32_t nice;
            uint32_t priority;
            uint64_t runtime, deadline, period;
        } wish = {48, SCHED_OTHER, 0, nice, 0, turn_ns, 0, 0};
        if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0) return 1;
        if (syscall(SYS_sched_setattr, 0, &wish, 0) == 0) return 1;
        wish.nice = 0;
        syscall(SYS_sched_setattr, 0, &wish, 0);
        return 0;
    }

    /* Who holds it while a thread of higher priority waits for it runs with that priority. */
    static void init_mutex(pthread_mutex_t *mutex) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        pthread_mutex_init(mutex, &attributes);
        pthread_mutexattr_destroy(&attributes);
    }

    static int last_errno(void) { return errno; }
    static void add_int(int *to, int change) { __atomic_add_fetch(to, change, __ATOMIC_SEQ_CST); }
    static int load_int(const int *from) { return __atomic_load_n(from, __ATOMIC_SEQ_CST); }
    """
    ctypedef unsigned int socklen_t
    ctypedef struct sockaddr_storage "struct sockaddr_storage":
        pass
    ctypedef struct iovec "struct iovec":
        void *iov_base
        size_t iov_len
    ctypedef struct msghdr "struct msghdr":
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    ctypedef struct mmsghdr "struct mmsghdr":
        msghdr msg_hdr
        unsigned int msg_len
    ctypedef struct pollfd "struct pollfd":
        int fd
        short events
        short revents
    ctypedef struct pthread_mutex_t:
        pass

    int MSG_DONTWAIT
    int POLLIN
    int POLLOUT
    int EAGAIN
    int EINTR
    int EINVAL
    int EIO
    int EOPNOTSUPP
    int EFD_NONBLOCK
    int EFD_CLOEXEC

    int64_t monotonic_us() nogil
    void sleep_until(int64_t at_us) nogil
    int prepare_socket(int fd) nogil
    int read_received(msghdr *message, int length, uint32_t *dropped) nogil
    void pack_address(const sockaddr_storage *source, uint8_t *out) nogil
    socklen_t unpack_address(const uint8_t *packed, int ipv6, sockaddr_storage *to) nogil
    void set_segment_bytes(msghdr *message, uint16_t bytes) nogil
    int prefer_thread(int nice, uint64_t turn_ns) nogil
    int last_errno() nogil
    void add_int(int *to, int change) nogil
    int load_int(const int *source) nogil
    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, void *timeout) nogil
    int sendmmsg(int fd, mmsghdr *messages, unsigned int count, int flags) nogil
    int poll(pollfd *fds, unsigned long count, int timeout_ms) nogil
    int eventfd(unsigned int initial, int flags) nogil
    long read(int fd, void *buffer, size_t count) nogil
    long write(int fd, const void *buffer, size_t count) nogil
    int close(int fd) nogil
    int usleep(unsigned int us) nogil
    void init_mutex(pthread_mutex_t *mutex) nogil
    int pthread_mutex_destroy(pthread_mutex_t *mutex) nogil
    int pthread_mutex_lock(pthread_mutex_t *mutex) nogil
    int pthread_mutex_unlock(pthread_mutex_t *mutex) nogil
