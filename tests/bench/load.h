/* What the loads have in common: time, latencies, the marks of messages, and when the next message is due. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MARK_BYTES = 33, /* '#', sender (8 hex digits), number (8), time (16) */
    SEND_BURST = 64, /* between two looks at what has come */
    EVENTS = 512,
    LATENCY_BUCKETS = 64 * 64,
};

static const uint64_t SECOND = 1000000000, MILLISECOND = 1000000;

static size_t member_count, members_per_room, copies;
static int events;
static uint64_t sent, delivered, duplicated, given_up, last_delivery_at;
static uint64_t latencies[LATENCY_BUCKETS];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static double cpu_seconds(pid_t pid) {
    clockid_t clock;
    struct timespec time;
    if ((errno = clock_getcpuclockid(pid, &clock)) != 0 || clock_gettime(clock, &time) != 0)
        fail("the relay's CPU time");
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void watch(int descriptor, size_t index) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    if (epoll_ctl(events, EPOLL_CTL_ADD, descriptor, &event) != 0)
        fail("epoll_ctl");
}

/* --- latencies: 64 buckets for each doubling of the microseconds, so that none is wrong by over 2 % --- */

static size_t bucket_of(uint64_t microseconds) {
    if (microseconds < 128)
        return microseconds;
    int shift = 57 - __builtin_clzll(microseconds);
    return (size_t)shift * 64 + (microseconds >> shift);
}

static uint64_t lower_bound_of(size_t bucket) {
    if (bucket < 128)
        return bucket;
    size_t shift = bucket / 64 - 1;
    return (uint64_t)(bucket - shift * 64) << shift;
}

static uint64_t percentile(double share) {
    uint64_t below = 0, wanted = (uint64_t)(share * (double)delivered);
    for (size_t bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
        below += latencies[bucket];
        if (below > wanted || (below == delivered && below > 0))
            return lower_bound_of(bucket);
    }
    return 0;
}

/* --- messages --- */

static void write_hex(char *text, uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
}

static uint64_t read_hex(const char *text, int digits) {
    uint64_t value = 0;
    for (int i = 0; i < digits; i++)
        value = value << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    return value;
}

/* Write a message's mark, and fill the message up to its size. */
static void write_marked(char *message, size_t size, size_t place, uint32_t number) {
    message[0] = '#';
    write_hex(message + 1, place, 8);
    write_hex(message + 9, number, 8);
    write_hex(message + 17, now(), 16);
    memset(message + MARK_BYTES, 'x', size - MARK_BYTES);
}

/* Count the delivery of a marked message to who heard these numbers last, by place in the room; one's own is none. */
static void count_delivery(const char *mark, uint32_t *newest, uint64_t at) {
    size_t place = read_hex(mark + 1, 8);
    uint32_t number = (uint32_t)read_hex(mark + 9, 8);
    if (place >= members_per_room)
        return;
    if (number <= newest[place]) {
        duplicated++;
        return;
    }
    newest[place] = number;
    delivered++;
    last_delivery_at = at;
    latencies[bucket_of((at - read_hex(mark + 17, 16)) / 1000)]++;
}

static uint64_t count_due(uint64_t started_at, uint64_t at, double rate, uint64_t window) {
    if (rate > 0)
        return (uint64_t)((double)(at - started_at) / 1e9 * rate);
    uint64_t settled = delivered + given_up, outstanding = sent * copies > settled ? sent * copies - settled : 0;
    if (outstanding == 0)
        return sent + 1 + window / copies;
    return outstanding + copies <= window ? sent + (window - outstanding) / copies : sent;
}

/* Let members speak for a while by `speak`, and hear by `listen_for`; then wait for what is still under way. */
static void converse(double seconds, double rate, uint64_t window, void (*speak)(uint64_t due),
                     bool (*listen_for)(int milliseconds)) {
    const uint64_t started_at = now(), end = started_at + (uint64_t)(seconds * 1e9);
    last_delivery_at = started_at;
    for (uint64_t at = started_at; at < end; at = now()) {
        if (rate == 0 && at > last_delivery_at + 100 * MILLISECOND) { /* what is still out is lost: go on */
            given_up = sent * copies - delivered;
            last_delivery_at = at;
        }
        uint64_t due = count_due(started_at, at, rate, window);
        speak(due);
        bool spare = sent >= due && (rate == 0 || count_due(started_at, at + MILLISECOND, rate, window) <= due);
        listen_for(spare ? 1 : 0);
    }
    while (delivered < sent * copies && now() < last_delivery_at + SECOND)
        listen_for(10);
}

/* Converse, and print what came of it, and what it cost the relay, as a line of JSON. */
static void measure(pid_t relay, double seconds, double rate, uint64_t window, void (*speak)(uint64_t due),
                    bool (*listen_for)(int milliseconds)) {
    double cpu_before = cpu_seconds(relay);
    uint64_t started_at = now();
    converse(seconds, rate, window, speak, listen_for);
    double cpu = cpu_seconds(relay) - cpu_before, took = (double)(last_delivery_at - started_at) / 1e9;
    printf("{\"sent\": %lu, \"expected\": %lu, \"delivered\": %lu, \"duplicated\": %lu, \"seconds\": %.6f, "
           "\"cpu_seconds\": %.6f, \"p50_us\": %lu, \"p99_us\": %lu, \"worst_us\": %lu}\n",
           sent, sent * copies, delivered, duplicated, took, cpu, percentile(0.5), percentile(0.99), percentile(1));
}
