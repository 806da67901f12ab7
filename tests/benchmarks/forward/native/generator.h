/* What the parts of the generator share: its state, and who calls whom. */
#ifndef BENCH_GENERATOR_H
#define BENCH_GENERATOR_H

#define _GNU_SOURCE
#include "srtp.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#define MAX_SSRCS 64
#define IN_MESSAGES 32
#define IN_BYTES 65536
#define OUT_MESSAGES 64
#define OUT_BYTES 65536
#define CONTROL_BYTES (1 << 20)
#define DELAY_BUCKETS (1 << 20)
#define SECOND_NS 1000000000LL
#define CHECK_BYTES 256
#define CHECK_EVERY_NS (5 * SECOND_NS)

typedef struct {
    uint32_t ssrc;
    uint64_t highest, packets;
} Received;

typedef struct {
    struct sockaddr_in remote;
    Sealer seal, open, seal_rtcp;
    uint32_t rtcp_index;
    int ready, ssrcs, check_bytes;
    uint64_t packets;
    Received received[MAX_SSRCS];
    uint8_t check[CHECK_BYTES];
} Leg;

typedef struct {
    int leg, video, fps, packets_per_s, packet_bytes, payload_type, fanout;
    uint32_t ssrc;
    int64_t phase_ns;
    uint64_t index, frame, packets, bytes;
    uint32_t timestamp;
} Stream;

/* Real encoded media for servers that decode: payloads one after the other, grouped into frames. */
typedef struct {
    const uint8_t *bytes;
    const int *lengths, *first_of_frame;            /* first_of_frame has one entry more than frames */
    const int64_t *at;
    int frames;
} Media;

typedef struct {
    uint64_t sent, expected, received, rtcp, late, opened, forged, unknown, send_errors, receive_calls, messages, loops,
        checks, checks_answered;
    int64_t longest_loop_ns, idle_ns, elapsed_ns, stalled_ns;
} Counters;

typedef struct {
    int fd, legs, streams, active, sample_every;
    uint32_t first_address;
    uint32_t until_sample;
    Leg *leg;
    Stream *stream;
    Counters counters;
    uint32_t *delays_us;

    Media media[2];
    uint64_t next_event[2];
    int order_count[2];
    int *orders[2];
    struct mmsghdr in[IN_MESSAGES], out[OUT_MESSAGES];
    struct iovec in_part[IN_MESSAGES], out_part[OUT_MESSAGES];
    struct sockaddr_in in_name[IN_MESSAGES];
    uint8_t in_control[IN_MESSAGES][128], out_control[OUT_MESSAGES][128];
    uint8_t *in_bytes, *out_bytes;
    int out_count;
    uint8_t *control;
    volatile uint32_t control_read, control_written;
    volatile int stop;
    int64_t next_report_ns;
    int next_report_leg;
    int64_t next_check_ns;
    int next_check_leg, running;
    uint8_t filler[2048];
} Generator;

/* The clock of the kernel's time stamps. */
static inline int64_t wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

static inline int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* sending.c */
void flush_messages(Generator *g);
void send_frame(Generator *g, Stream *stream);
void send_reports(Generator *g, int leg);
void send_check(Generator *g, int leg);

/* receiving.c */
int receive_some(Generator *g);

/* timetable.c */
void make_timetable(Generator *g, int active);
int send_due(Generator *g, int64_t until_ns, int budget);
void reports_due(Generator *g, int64_t now);
void checks_due(Generator *g, int64_t now);

#endif
