/* The floor: what no forwarder can go below on this kernel and libcrypto. Receives in batches, opens, seals for each
   receiver and sends with GSO; looks at nothing of RTP but what SRTP itself needs. */
#define _GNU_SOURCE
#include "srtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH 128
#define PACKET_BYTES 2048
#define ARENA_BYTES (1 << 18)
#define MAX_MESSAGES 256
#define MAX_SEGMENTS 64
#define MAX_MESSAGE_BYTES 65000
#define SSRCS 8

typedef struct {
    struct sockaddr_in address;
    Sealer seal, open;
    int ready, ssrcs;
    uint32_t ssrc[SSRCS];
    uint64_t highest[SSRCS];
    int targets, *target;
} FloorLeg;

typedef struct {
    const uint8_t *clear;
    int header, bytes, leg;
    uint32_t ssrc;
    uint64_t index;
} Opened;

typedef struct {
    uint64_t received, refused, sent, sends, batches, send_errors;
} FloorCounters;

typedef struct {
    int fd, legs, by_frame;
    uint32_t first_address;
    FloorLeg *leg;
    volatile int stop;
    FloorCounters counters;
    struct mmsghdr in[BATCH], out[MAX_MESSAGES];
    struct iovec in_part[BATCH], out_part[MAX_MESSAGES];
    struct sockaddr_in in_name[BATCH];
    uint8_t out_control[MAX_MESSAGES][CMSG_SPACE(2)];
    uint8_t *in_bytes, *clear, *arena;
    Opened opened[BATCH], spare[BATCH];
    int messages, used;
} Floor;

Floor *floor_new(int fd, int legs, uint32_t first_address, int by_frame) {
    Floor *f = calloc(1, sizeof(Floor));
    if (!f) return NULL;
    f->fd = fd;
    f->legs = legs;
    f->first_address = first_address;
    f->by_frame = by_frame;
    f->leg = calloc(legs, sizeof(FloorLeg));
    f->in_bytes = malloc(BATCH * PACKET_BYTES);
    f->clear = malloc(BATCH * PACKET_BYTES);
    f->arena = malloc(ARENA_BYTES);
    for (int i = 0; i < BATCH; i++) {
        f->in_part[i] = (struct iovec){f->in_bytes + i * PACKET_BYTES, PACKET_BYTES};
        f->in[i].msg_hdr = (struct msghdr){.msg_name = &f->in_name[i], .msg_iov = &f->in_part[i], .msg_iovlen = 1};
    }
    return f;
}

int floor_set_leg(Floor *f, int i, int port, const uint8_t *sealed, const uint8_t *opened) {
    FloorLeg *leg = &f->leg[i];
    leg->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(f->first_address + i)};
    leg->ready = 1;
    return sealer_open(&leg->seal, sealed, 1) && sealer_open(&leg->open, opened, 0);
}

int floor_set_targets(Floor *f, int i, const int *targets, int count) {
    FloorLeg *leg = &f->leg[i];
    leg->target = malloc(sizeof(int) * (count + 1));
    if (!leg->target) return 0;
    memcpy(leg->target, targets, sizeof(int) * count);
    leg->targets = count;
    return 1;
}

const FloorCounters *floor_counters(Floor *f) { return &f->counters; }
void floor_stop(Floor *f) { f->stop = 1; }

static void flush(Floor *f) {
    int done = 0;
    while (done < f->messages) {
        int sent = sendmmsg(f->fd, f->out + done, f->messages - done, MSG_DONTWAIT);
        f->counters.sends++;
        if (sent <= 0) {
            f->counters.send_errors++;
            sent = 1;
        }
        done += sent;
    }
    f->messages = f->used = 0;
}

static void close_message(Floor *f, FloorLeg *to, int start, int segment) {
    int i = f->messages++, bytes = f->used - start;
    uint16_t segment_bytes = (uint16_t)segment;
    struct msghdr *header = &f->out[i].msg_hdr;
    f->out_part[i] = (struct iovec){f->arena + start, (size_t)bytes};
    *header = (struct msghdr){.msg_name = &to->address, .msg_namelen = sizeof to->address,
                              .msg_iov = &f->out_part[i], .msg_iovlen = 1};
    if (bytes > segment) {
        header->msg_control = f->out_control[i];
        header->msg_controllen = CMSG_SPACE(sizeof segment_bytes);
        struct cmsghdr *control = CMSG_FIRSTHDR(header);
        control->cmsg_level = SOL_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof segment_bytes);
        memcpy(CMSG_DATA(control), &segment_bytes, sizeof segment_bytes);
    }
}

/* Everything of one sender in the batch for one receiver: neighbours of one size leave in one message. */
static void forward(Floor *f, const Opened *packets, int count, FloorLeg *to) {
    int start = f->used, segment = 0, segments = 0, ended = 0;
    for (int i = 0; i < count; i++) {
        const Opened *packet = &packets[i];
        int sealed = packet->bytes + TAG_BYTES;
        int fits = segments && !ended && segment == sealed && segments < MAX_SEGMENTS &&
                   f->used - start + sealed <= MAX_MESSAGE_BYTES && f->used + sealed <= ARENA_BYTES;
        if (!fits) {
            if (segments) close_message(f, to, start, segment);
            if (f->messages == MAX_MESSAGES || f->used + sealed > ARENA_BYTES) flush(f);
            start = f->used;
            segments = 0;
            segment = sealed;
        }
        seal(&to->seal, packet->ssrc, packet->index, packet->clear, packet->header, packet->bytes, f->arena + f->used);
        f->used += sealed;
        segments++;
        f->counters.sent++;
        ended = f->by_frame && packet->clear[1] & 0x80;              /* the marker of RTP ends a frame */
    }
    if (segments) close_message(f, to, start, segment);
    if (f->messages == MAX_MESSAGES) flush(f);
}

/* Brings packets of one SSRC together, each SSRC in its order: sizes are equal within one, so more of them share a message. */
static void group(Opened *packets, int count, Opened *spare) {
    int done = 0;
    memcpy(spare, packets, sizeof(Opened) * count);
    for (int i = 0; i < count; i++) {
        if (spare[i].leg < 0) continue;
        uint32_t ssrc = spare[i].ssrc;
        int leg = spare[i].leg;
        for (int j = i; j < count; j++) {
            if (spare[j].leg != leg || spare[j].ssrc != ssrc) continue;
            packets[done++] = spare[j];
            spare[j].leg = -1;
        }
    }
}

static int open_packet(Floor *f, int i, Opened *packet) {
    const uint8_t *data = f->in_bytes + i * PACKET_BYTES;
    int bytes = (int)f->in[i].msg_len, which = 0;
    uint32_t number = ntohl(f->in_name[i].sin_addr.s_addr) - f->first_address;
    if (number >= (uint32_t)f->legs || !f->leg[number].ready || !is_media(data, bytes) || is_rtcp(data)) return 0;
    FloorLeg *leg = &f->leg[number];
    packet->leg = (int)number;
    packet->header = rtp_header_bytes(data, bytes);
    if (!packet->header) return 0;
    packet->ssrc = read_u32(data + 8);
    while (which < leg->ssrcs && leg->ssrc[which] != packet->ssrc) which++;
    if (which == SSRCS) return 0;
    if (which == leg->ssrcs) {
        leg->ssrc[which] = packet->ssrc;
        leg->highest[which] = read_u16(data + 2);
        leg->ssrcs++;
    }
    packet->index = nearest_index(leg->highest[which], read_u16(data + 2));
    packet->clear = f->clear + i * PACKET_BYTES;
    packet->bytes = unseal(&leg->open, packet->ssrc, packet->index, data, packet->header, bytes, f->clear + i * PACKET_BYTES);
    if (packet->bytes < 0) return 0;
    if (packet->index > leg->highest[which]) leg->highest[which] = packet->index;
    return 1;
}

/* Until floor_stop. Blocks in poll when there is nothing to do. */
void floor_run(Floor *f) {
    struct pollfd ready = {.fd = f->fd, .events = POLLIN};
    while (!f->stop) {
        for (int i = 0; i < BATCH; i++) f->in[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
        int count = recvmmsg(f->fd, f->in, BATCH, MSG_DONTWAIT, NULL), good = 0;
        if (count <= 0) {
            poll(&ready, 1, 100);
            continue;
        }
        f->counters.batches++;
        for (int i = 0; i < count; i++) {
            if (open_packet(f, i, &f->opened[good])) good++;
            else f->counters.refused++;
        }
        f->counters.received += good;
        group(f->opened, good, f->spare);
        for (int from = 0, to; from < good; from = to) {
            for (to = from + 1; to < good && f->opened[to].leg == f->opened[from].leg; to++) {}
            FloorLeg *leg = &f->leg[f->opened[from].leg];
            for (int i = 0; i < leg->targets; i++)
                forward(f, &f->opened[from], to - from, &f->leg[leg->target[i]]);
        }
        flush(f);
    }
}
