/* The clients of the benchmark in one loop on one core: publishers that send on a timetable or as fast as the server
   takes it, and receivers that count. All clients share one socket: client i has the i-th address from the first on, so that one
   recvmmsg serves thousands, and UDP_GRO gives a server's GSO sends in one piece. Only samples are decrypted. */
#include "generator.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STALL_NS 30000000LL
#define NAP_NS 30000LL
#define LONG_LOOP_NS 500000LL                           /* our own work in one turn takes less: others had the core */

Generator *generator_new(int fd, int legs, int streams, uint32_t first_address) {
    Generator *g = calloc(1, sizeof(Generator));
    if (!g) return NULL;
    g->fd = fd;
    g->first_address = first_address;
    g->legs = legs;
    g->streams = streams;
    g->leg = calloc(legs, sizeof(Leg));
    g->stream = calloc(streams, sizeof(Stream));
    g->delays_us = calloc(DELAY_BUCKETS, sizeof(uint32_t));
    g->orders[0] = calloc(streams, sizeof(int));
    g->orders[1] = calloc(streams, sizeof(int));
    g->in_bytes = malloc((size_t)IN_MESSAGES * IN_BYTES);
    g->out_bytes = malloc((size_t)OUT_MESSAGES * OUT_BYTES);
    g->control = malloc(CONTROL_BYTES);
    g->sample_every = 1;
    for (int i = 0; i < IN_MESSAGES; i++) {
        g->in_part[i].iov_base = g->in_bytes + (size_t)i * IN_BYTES;
        g->in_part[i].iov_len = IN_BYTES;
        g->in[i].msg_hdr.msg_iov = &g->in_part[i];
        g->in[i].msg_hdr.msg_iovlen = 1;
        g->in[i].msg_hdr.msg_name = &g->in_name[i];
        g->in[i].msg_hdr.msg_control = g->in_control[i];
    }
    for (size_t i = 0; i < sizeof g->filler; i++) g->filler[i] = (uint8_t)(i * 167 + 13);
    return g;
}

void generator_free(Generator *g) {
    for (int i = 0; i < g->legs; i++) {
        if (!g->leg[i].ready) continue;
        sealer_close(&g->leg[i].seal);
        sealer_close(&g->leg[i].open);
        sealer_close(&g->leg[i].seal_rtcp);
    }
    free(g->leg);
    free(g->stream);
    free(g->delays_us);
    free(g->orders[0]);
    free(g->orders[1]);
    free(g->in_bytes);
    free(g->out_bytes);
    free(g->control);
    free(g);
}

/* `sealed` and `opened`: SESSION_BYTES each, of what the client sends and of what it receives. */
int generator_set_leg(Generator *g, int i, uint32_t ip, int port, const uint8_t *sealed, const uint8_t *opened) {
    Leg *leg = &g->leg[i];
    leg->remote.sin_family = AF_INET;
    leg->remote.sin_addr.s_addr = htonl(ip);
    leg->remote.sin_port = htons((uint16_t)port);
    leg->ready = 1;
    return sealer_open(&leg->seal, sealed, 1) && sealer_open(&leg->open, opened, 0) &&
           sealer_open(&leg->seal_rtcp, sealed + KEY_BYTES + SALT_BYTES, 1);
}

void generator_set_stream(Generator *g, int i, int leg, int video, int fps, int packets_per_s, int packet_bytes,
                          int payload_type, int fanout, uint32_t ssrc, int64_t phase_ns) {
    g->stream[i] = (Stream){.leg = leg, .video = video, .fps = fps, .packets_per_s = packets_per_s,
                            .packet_bytes = packet_bytes, .payload_type = payload_type, .fanout = fanout,
                            .ssrc = ssrc, .phase_ns = phase_ns, .index = 1000 + ssrc % 20000};
}

/* The connectivity check (RFC 8445) that the leg sends every five seconds of a run: always the same, as a client that
   hears no answer repeats it; to the server it is one like any other. */
int generator_set_check(Generator *g, int i, const uint8_t *check, int bytes) {
    if (bytes > CHECK_BYTES) return 0;
    memcpy(g->leg[i].check, check, bytes);
    g->leg[i].check_bytes = bytes;
    return 1;
}

/* From now on streams of this kind repeat these frames instead of sending made-up payloads; the arrays stay the caller's. */
void generator_set_media(Generator *g, int video, const uint8_t *bytes, const int64_t *at, const int *lengths,
                         const int *first_of_frame, int frames) {
    g->media[video] = (Media){.bytes = bytes, .at = at, .lengths = lengths, .first_of_frame = first_of_frame, .frames = frames};
}

const Counters *generator_counters(Generator *g) { return &g->counters; }
const uint32_t *generator_delays(Generator *g) { return g->delays_us; }
uint64_t generator_leg_packets(Generator *g, int leg) { return g->leg[leg].packets; }

void generator_reset_counters(Generator *g, int sample_every) {
    memset(&g->counters, 0, sizeof g->counters);
    memset(g->delays_us, 0, DELAY_BUCKETS * sizeof(uint32_t));
    for (int i = 0; i < g->legs; i++) g->leg[i].packets = 0;
    g->sample_every = sample_every;
    g->until_sample = 1;
}

void generator_stop(Generator *g) { g->stop = 1; }

/* The oldest datagram that is neither RTP nor RTCP: returns its length, 0 when there is none. */
int generator_take_control(Generator *g, uint8_t *data, int *leg) {
    uint32_t at = g->control_read;
    uint16_t length;
    if (at == __atomic_load_n(&g->control_written, __ATOMIC_ACQUIRE)) return 0;
    uint8_t *slot = g->control + at * 2048;
    memcpy(&length, slot, 2);
    memcpy(leg, slot + 4, 4);
    memcpy(data, slot + 8, length);
    __atomic_store_n(&g->control_read, (at + 1) % (CONTROL_BYTES / 2048), __ATOMIC_RELEASE);
    return length;
}

/* Before all other work of the core: what comes to the server in a burst because we had to wait would be told as its
   delay. As a real-time thread, which must sleep when it is idle, or the kernel would stop it for a while; where that is
   not wanted or not allowed, by short turns and a nice value, as far as those are. Returns whether it is one. */
static int prefer_thread(int real_time) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } wish = {48, SCHED_OTHER, 0, -10, 0, 100000, 0, 0};
    struct sched_param lowest = {.sched_priority = 1};
    if (real_time && sched_setscheduler(0, SCHED_RR, &lowest) == 0) return 1;
    if (syscall(SYS_sched_setattr, 0, &wish, 0) == 0) return 0;
    wish.nice = 0;
    syscall(SYS_sched_setattr, 0, &wish, 0);
    return 0;
}

/* Runs for `duration_ns` with the first `active` streams. `window` 0: by the timetable, in real time. `window` > 0: the
   timetable as fast as the server forwards, with at most that many packets sent and not yet seen by every receiver. */
void generator_run(Generator *g, int64_t duration_ns, int active, int window) {
    const struct timespec nap = {0, NAP_NS};
    const struct sched_param ordinary = {0};
    int real_time = prefer_thread(!window);             /* no delays are told of saturated runs, and a nap would slow them */
    int64_t begin = now_ns(), now = begin, moved_ns = begin;
    uint64_t seen = 0, forgiven = g->counters.expected - g->counters.received;
    make_timetable(g, active);
    for (int kind = 0; kind < 2; kind++) g->next_event[kind] = 0;
    if (!g->next_report_ns || begin - g->next_report_ns > SECOND_NS) g->next_report_ns = begin;
    if (!g->next_check_ns || begin - g->next_check_ns > SECOND_NS) g->next_check_ns = begin;
    g->stop = 0;
    g->running = 1;
    while (!g->stop && now - begin < duration_ns) {
        int sent = 0, received = receive_some(g);
        if (window && active) {
            uint64_t waiting = g->counters.expected - g->counters.received;
            if (g->counters.received != seen) {
                seen = g->counters.received;
                moved_ns = now;
            } else if (now - moved_ns > STALL_NS) {
                forgiven = waiting;                         /* lost for good: do not wait for it */
                moved_ns = now;
            }
            if (waiting < forgiven) forgiven = waiting;
            if (waiting - forgiven < (uint64_t)window * g->stream[0].fanout) sent = send_due(g, INT64_MAX - 1, 2);
        } else if (active) {
            sent = send_due(g, now - begin, 256);
        }
        reports_due(g, now);
        checks_due(g, now);
        if (real_time && !sent && !received) nanosleep(&nap, NULL);
        int64_t after = now_ns();
        if (!sent && !received) g->counters.idle_ns += after - now;
        if (after - now > g->counters.longest_loop_ns) g->counters.longest_loop_ns = after - now;
        if (after - now > LONG_LOOP_NS) g->counters.stalled_ns += after - now;
        g->counters.loops++;
        now = after;
    }
    g->running = 0;
    if (real_time) sched_setscheduler(0, SCHED_OTHER, &ordinary);
    g->counters.elapsed_ns += now - begin;
}
