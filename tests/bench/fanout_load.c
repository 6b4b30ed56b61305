/* Load for a UDP chat relay on 127.0.0.1: every member has a socket, speaks in turn, and hears all the others.
 *
 *     fanout_load PORT PID MEMBERS_PER_ROOM SECONDS RATE WINDOW LEAST_BYTES MOST_BYTES < members
 *
 * Standard input has a line "room token" for each member, room after room. With RATE 0 the loop is closed: new
 * messages are sent as long as fewer than WINDOW deliveries are outstanding. Else RATE messages a second are sent,
 * whatever comes back. Messages have LEAST_BYTES to MOST_BYTES, all sizes alike, in the same order each time. PID is
 * the relay's process, whose CPU time is counted. The result is one line of JSON.
 */
#include "load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

enum {
    MAX_DATAGRAM_BYTES = 4096,
    MAX_NAME_BYTES = 255,
    HEADER_BYTES = 2 + 2 * MAX_NAME_BYTES,
    RECEIVE_BATCH = 64,
    BUFFER_BYTES = 4 << 20,
};

static const int REGISTER_ROUNDS = 50;

struct member {
    int udp;
    uint8_t header[HEADER_BYTES];
    size_t header_bytes;
    uint32_t sent;     /* the number of its newest message */
    bool listens;      /* something was delivered to it */
    uint32_t *newest;  /* by place in the room: the newest number heard of each other member */
};

static struct member *members;
static size_t least_bytes, most_bytes;

/* --- messages --- */

/* Send header and message; false if the kernel has no room at the moment. */
static bool say(struct member *member, const char *message, size_t size) {
    uint8_t datagram[MAX_DATAGRAM_BYTES];
    memcpy(datagram, member->header, member->header_bytes);
    memcpy(datagram + member->header_bytes, message, size);
    if (send(member->udp, datagram, member->header_bytes + size, MSG_DONTWAIT) >= 0)
        return true;
    if (errno != EAGAIN && errno != ENOBUFS)
        fail("send to the relay");
    return false;
}

/* The size of the next message: numbers that look like chance, but are the same for the relay and the reference. */
static size_t next_size(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005 + 1442695040888963407;
    return least_bytes + (size_t)(state >> 33) % (most_bytes - least_bytes + 1);
}

static bool say_marked(struct member *member, size_t place) {
    char message[MAX_DATAGRAM_BYTES];
    size_t size = next_size();
    write_marked(message, size, place, member->sent + 1);
    if (!say(member, message, size))
        return false;
    member->sent++;
    sent++;
    return true;
}

/* Count one delivery; the relay may have put a name before the message. */
static void hear(struct member *member, const char *data, size_t size, uint64_t at) {
    member->listens = true;
    const char *mark = memchr(data, '#', size);
    if (mark == NULL || mark + MARK_BYTES > data + size)
        return; /* a notice, or a word of the registration */
    count_delivery(mark, member->newest, at);
}

static void hear_all(struct member *member) {
    static char inbox[RECEIVE_BATCH][MAX_DATAGRAM_BYTES];
    static struct iovec pieces[RECEIVE_BATCH];
    static struct mmsghdr headers[RECEIVE_BATCH];
    for (int i = 0; i < RECEIVE_BATCH; i++) {
        pieces[i] = (struct iovec){inbox[i], sizeof inbox[i]};
        headers[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    int count;
    do {
        count = recvmmsg(member->udp, headers, RECEIVE_BATCH, MSG_DONTWAIT, NULL);
        uint64_t at = now();
        for (int i = 0; i < count; i++)
            hear(member, inbox[i], headers[i].msg_len, at);
    } while (count == RECEIVE_BATCH);
}

/* Hear what has come; returns false if nothing came within the time. */
static bool listen_for(int milliseconds) {
    static struct epoll_event ready[EVENTS];
    int count = epoll_wait(events, ready, EVENTS, milliseconds);
    for (int i = 0; i < count; i++)
        hear_all(&members[ready[i].data.u32]);
    return count > 0;
}

/* --- before: read the members, and make the relay know their addresses --- */

static void add_member(const char *room, const char *token, const struct sockaddr_in *relay) {
    struct member *member = &members[member_count];
    size_t room_bytes = strlen(room), token_bytes = strlen(token);
    member->header[0] = (uint8_t)room_bytes;
    member->header[1] = (uint8_t)token_bytes;
    memcpy(member->header + 2, room, room_bytes);
    memcpy(member->header + 2 + room_bytes, token, token_bytes);
    member->header_bytes = 2 + room_bytes + token_bytes;
    member->newest = calloc(members_per_room, sizeof *member->newest);
    member->udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (member->newest == NULL || member->udp < 0)
        fail("a socket for each member");
    int size = BUFFER_BYTES;
    if (setsockopt(member->udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) /* only root may */
        setsockopt(member->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (connect(member->udp, (const struct sockaddr *)relay, sizeof *relay) != 0)
        fail("connect");
    watch(member->udp, member_count++);
}

static void read_members(uint16_t port) {
    struct sockaddr_in relay = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char room[MAX_NAME_BYTES + 1], token[MAX_NAME_BYTES + 1];
    size_t space = 0;
    while (scanf("%255s %255s", room, token) == 2) {
        if (member_count == space) {
            space = space ? 2 * space : 1024;
            members = realloc(members, space * sizeof *members);
            if (members == NULL)
                fail("realloc");
            memset(members + member_count, 0, (space - member_count) * sizeof *members);
        }
        add_member(room, token, &relay);
    }
}

static size_t count_deaf(void) {
    size_t deaf = 0;
    for (size_t i = 0; i < member_count; i++)
        deaf += !members[i].listens;
    return deaf;
}

/* Let every member speak, slowly enough for a small buffer, until each has heard something. */
static void register_members(void) {
    for (int round = 0; round < REGISTER_ROUNDS; round++) {
        for (size_t i = 0; i < member_count; i++) {
            if (!members[i].listens)
                say(&members[i], "", 0);
            if (i % 32 == 31)
                listen_for(1);
        }
        for (size_t i = 0; i < member_count; i++) {
            if (i % members_per_room < 2) /* the second is there for the first to hear */
                say(&members[i], "?", 1);
            listen_for(0);
        }
        while (listen_for(200))
            continue;
        if (count_deaf() == 0)
            return;
    }
    fprintf(stderr, "%zu of %zu members hear nothing\n", count_deaf(), member_count);
    exit(1);
}

/* --- the measurement --- */

static void speak(uint64_t due) {
    size_t rooms = member_count / members_per_room;
    for (int burst = 0; sent < due && burst < SEND_BURST; burst++) {
        size_t room = sent % rooms, place = sent / rooms % members_per_room;
        if (!say_marked(&members[room * members_per_room + place], place))
            return;
    }
}

static void allow_many_files(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int main(int count, char **arguments) {
    if (count != 9) {
        fprintf(stderr, "fanout_load PORT PID MEMBERS_PER_ROOM SECONDS RATE WINDOW LEAST_BYTES MOST_BYTES < members\n");
        return 2;
    }
    pid_t relay = (pid_t)atol(arguments[2]);
    members_per_room = (size_t)atol(arguments[3]);
    copies = members_per_room - 1;
    double seconds = atof(arguments[4]), rate = atof(arguments[5]);
    uint64_t window = (uint64_t)atoll(arguments[6]);
    least_bytes = (size_t)atol(arguments[7]);
    most_bytes = (size_t)atol(arguments[8]);
    allow_many_files();
    events = epoll_create1(0);
    read_members((uint16_t)atol(arguments[1]));
    if (members_per_room < 2 || member_count == 0 || member_count % members_per_room != 0 ||
        least_bytes < MARK_BYTES || most_bytes < least_bytes || most_bytes > MAX_DATAGRAM_BYTES - HEADER_BYTES) {
        fprintf(stderr, "the members don't fill their rooms, or the messages are too short or too long\n");
        return 2;
    }
    register_members();
    measure(relay, seconds, rate, window, speak, listen_for);
    return 0;
}
