/* The receiving half of the generator: counts everything, opens samples, hands STUN and DTLS on. */
#include "generator.h"

#include <netinet/udp.h>

#define CHECK_SUCCESS 0x0101                            /* a STUN binding response (RFC 5389 6) */

static void keep_control(Generator *g, int leg, const uint8_t *data, int bytes) {
    uint32_t at = g->control_written, next = (at + 1) % (CONTROL_BYTES / 2048);
    uint16_t length = (uint16_t)bytes;
    if (bytes > 2040 || next == __atomic_load_n(&g->control_read, __ATOMIC_ACQUIRE)) return;
    uint8_t *slot = g->control + at * 2048;
    memcpy(slot, &length, 2);
    memcpy(slot + 4, &leg, 4);
    memcpy(slot + 8, data, bytes);
    __atomic_store_n(&g->control_written, next, __ATOMIC_RELEASE);
}

static Received *received_of(Leg *leg, uint32_t ssrc, uint16_t seq) {
    for (int i = 0; i < leg->ssrcs; i++)
        if (leg->received[i].ssrc == ssrc) return &leg->received[i];
    if (leg->ssrcs == MAX_SSRCS) return NULL;
    leg->received[leg->ssrcs] = (Received){.ssrc = ssrc, .highest = seq};
    return &leg->received[leg->ssrcs++];
}

/* Delays end when the kernel put the packet into our socket: what we take to fetch it is no delay of the server. */
static void sample(Generator *g, Leg *leg, uint32_t ssrc, uint64_t index, const uint8_t *packet, int bytes, int64_t arrived) {
    uint8_t clear[2048];
    int64_t sent, delay_us;
    int header = rtp_header_bytes(packet, bytes), length = -1;
    if (header && bytes <= (int)sizeof clear) length = unseal(&leg->open, ssrc, index, packet, header, bytes, clear);
    if (length > 0 && clear[0] & 0x20) length -= clear[length - 1];
    if (length < header + 8) {
        g->counters.forged++;
        return;
    }
    g->counters.opened++;
    memcpy(&sent, clear + length - 8, 8);
    delay_us = (arrived - sent) / 1000;
    if (delay_us < 0) delay_us = 0;
    g->delays_us[delay_us < DELAY_BUCKETS ? delay_us : DELAY_BUCKETS - 1]++;
}

static void count_packet(Generator *g, int number, const uint8_t *packet, int bytes, int64_t arrived) {
    Leg *leg = &g->leg[number];
    if (!is_media(packet, bytes)) {
        if (g->running && leg->check_bytes && bytes >= 20 && read_u16(packet) == CHECK_SUCCESS) {
            g->counters.checks_answered++;
            return;
        }
        keep_control(g, number, packet, bytes);
        return;
    }
    if (is_rtcp(packet)) {
        g->counters.rtcp++;
        return;
    }
    uint32_t ssrc = read_u32(packet + 8);
    uint16_t seq = read_u16(packet + 2);
    Received *received = bytes >= 12 ? received_of(leg, ssrc, seq) : NULL;
    if (!received) {
        g->counters.unknown++;
        return;
    }
    uint64_t index = nearest_index(received->highest, seq);
    if (index > received->highest) received->highest = index;
    else if (received->packets) g->counters.late++;
    received->packets++;
    leg->packets++;
    g->counters.received++;
    if (--g->until_sample == 0) {
        g->until_sample = g->sample_every;
        if (leg->ready) sample(g, leg, ssrc, index, packet, bytes, arrived);
    }
}

static void count_message(Generator *g, int i) {
    struct msghdr *header = &g->in[i].msg_hdr;
    const uint8_t *at = g->in_bytes + (size_t)i * IN_BYTES;
    int left = (int)g->in[i].msg_len, segment = left, number = -1;
    struct timespec arrived = {0, 0};
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
            number = (int)(ntohl(((struct in_pktinfo *)CMSG_DATA(control))->ipi_addr.s_addr) - g->first_address);
        else if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
            memcpy(&segment, CMSG_DATA(control), sizeof segment);
        else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS)
            memcpy(&arrived, CMSG_DATA(control), sizeof arrived);
    }
    if (number < 0 || number >= g->legs || segment <= 0) {
        g->counters.unknown++;
        return;
    }
    for (; left > 0; at += segment, left -= segment)
        count_packet(g, number, at, left < segment ? left : segment, (int64_t)arrived.tv_sec * SECOND_NS + arrived.tv_nsec);
}

int receive_some(Generator *g) {
    for (int i = 0; i < IN_MESSAGES; i++) {
        g->in[i].msg_hdr.msg_controllen = sizeof g->in_control[i];
        g->in[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
    }
    int count = recvmmsg(g->fd, g->in, IN_MESSAGES, MSG_DONTWAIT, NULL);
    if (count <= 0) return 0;
    g->counters.receive_calls++;
    g->counters.messages += count;
    for (int i = 0; i < count; i++) count_message(g, i);
    return count;
}
