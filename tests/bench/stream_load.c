/* Load for servers whose members chat over TCP: the relay's streams, or publish and subscribe of others.
 *
 *     stream_load KIND PID MEMBERS_PER_ROOM SECONDS RATE WINDOW BYTES < members
 *
 * Standard input has a line "room ear mouth" for each member, room after room: the descriptors of open connections that
 * it hears and speaks by. KIND is stream, redis, nats or mqtt (3.1.1, QoS 0). Messages have BYTES; that some servers
 * send them to who said them too isn't counted. RATE, WINDOW, PID and the result are those of fanout_load.
 */
#include "load.h"

enum {
    MAX_ROOM_BYTES = 63,
    MAX_MESSAGE_BYTES = 2048,
    MAX_LINE_BYTES = MAX_MESSAGE_BYTES + 256,
    OUTBOX_BYTES = 1 << 20,
    INBOX_BYTES = 1 << 18,
    MAX_DESCRIPTORS = 1 << 16,
};

struct member {
    char room[MAX_ROOM_BYTES + 1];
    int ear, mouth;
    size_t place;     /* in its room */
    uint32_t sent;    /* the number of its newest message */
    uint32_t *newest; /* by place in the room: the newest number heard of each other member */
    char rest[MARK_BYTES];
    size_t rest_bytes; /* of a mark whose end hasn't come yet */
};

static struct member *members;
static size_t message_bytes;
static const char *const kinds[] = {"stream", "redis", "nats", "mqtt"};
static enum { STREAM, REDIS, NATS, MQTT, KINDS } kind;
static struct { /* by descriptor: what the kernel had no room for */
    char *bytes;
    size_t count;
} outboxes[MAX_DESCRIPTORS];

static void flush(int mouth) {
    ssize_t done = send(mouth, outboxes[mouth].bytes, outboxes[mouth].count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done < 0 && errno != EAGAIN)
        fail("send to the relay");
    if (done > 0) {
        outboxes[mouth].count -= (size_t)done;
        memmove(outboxes[mouth].bytes, outboxes[mouth].bytes + done, outboxes[mouth].count);
    }
}

static char *write_mqtt(char *end, const char *topic, const char *message) {
    size_t topic_bytes = strlen(topic), size = 2 + topic_bytes + message_bytes;
    *end++ = 0x30; /* PUBLISH */
    for (; size > 127; size >>= 7)
        *end++ = (char)(size | 128);
    *end++ = (char)size;
    *end++ = 0;
    *end++ = (char)topic_bytes;
    memcpy(end, topic, topic_bytes);
    memcpy(end + topic_bytes, message, message_bytes);
    return end + topic_bytes + message_bytes;
}

static char *write_message(char *end, const struct member *member, const char *message) {
    const char *room = member->room;
    int size = (int)message_bytes;
    switch (kind) {
    case REDIS:
        return end + sprintf(end, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%d\r\n%.*s\r\n", strlen(room), room, size,
                             size, message);
    case NATS:
        return end + sprintf(end, "PUB %s %d\r\n%.*s\r\n", room, size, size, message);
    case MQTT:
        return write_mqtt(end, room, message);
    default:
        return end + sprintf(end, "{\"say\":\"%.*s\",\"n\":%u}\n", size, message, member->sent);
    }
}

/* Put a message of its size after others for the same descriptor. */
static bool say_marked(struct member *member, size_t place) {
    char message[MAX_MESSAGE_BYTES];
    int mouth = member->mouth;
    if (outboxes[mouth].count + MAX_LINE_BYTES > OUTBOX_BYTES)
        return false;
    write_marked(message, message_bytes, place, ++member->sent);
    char *end = outboxes[mouth].bytes + outboxes[mouth].count;
    end = write_message(end, member, message);
    outboxes[mouth].count = (size_t)(end - outboxes[mouth].bytes);
    sent++;
    return true;
}

static void speak(uint64_t due) {
    size_t rooms = member_count / members_per_room, first = sent;
    for (int burst = 0; sent < due && burst < SEND_BURST; burst++) {
        size_t room = sent % rooms, place = sent / rooms % members_per_room;
        if (!say_marked(&members[room * members_per_room + place], place))
            break;
    }
    for (; first < sent; first++) { /* of Redis all speak by one connection, so this sends once */
        int mouth = members[first % rooms * members_per_room + first / rooms % members_per_room].mouth;
        if (outboxes[mouth].count)
            flush(mouth);
    }
}

static void hear(struct member *member) {
    static char inbox[MARK_BYTES + INBOX_BYTES];
    memcpy(inbox, member->rest, member->rest_bytes);
    ssize_t count = recv(member->ear, inbox + member->rest_bytes, INBOX_BYTES, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN))
        fail("a connection of the relay ended");
    if (count < 0)
        return;
    uint64_t at = now();
    const char *next = inbox, *end = inbox + member->rest_bytes + count, *mark;
    member->rest_bytes = 0;
    while ((mark = memchr(next, '#', (size_t)(end - next))) != NULL) {
        if (mark + MARK_BYTES > end) {
            member->rest_bytes = (size_t)(end - mark);
            memcpy(member->rest, mark, member->rest_bytes);
            return;
        }
        if (read_hex(mark + 1, 8) != member->place) /* its own message isn't delivered */
            count_delivery(mark, member->newest, at);
        next = mark + MARK_BYTES;
    }
}

/* Hear what has come; returns false if nothing came within the time. */
static bool listen_for(int milliseconds) {
    static struct epoll_event ready[EVENTS];
    int count = epoll_wait(events, ready, EVENTS, milliseconds);
    for (int i = 0; i < count; i++)
        hear(&members[ready[i].data.u32]);
    for (size_t i = 0; i < member_count; i++)
        if (outboxes[members[i].mouth].count)
            flush(members[i].mouth);
    return count > 0;
}

static void read_members(void) {
    struct member member = {0};
    int publisher = -1;
    while (scanf("%63s %d %d", member.room, &member.ear, &member.mouth) == 3) {
        members = realloc(members, (member_count + 1) * sizeof *members);
        member.newest = calloc(members_per_room, sizeof *member.newest);
        if (members == NULL || member.newest == NULL || member.mouth >= MAX_DESCRIPTORS)
            fail("memory for each member");
        if (outboxes[member.mouth].bytes == NULL)
            outboxes[member.mouth].bytes = malloc(OUTBOX_BYTES);
        member.place = member_count % members_per_room;
        watch(member.ear, member_count);
        members[member_count++] = member;
        if (member.mouth != member.ear)
            publisher = member.mouth;
    }
    if (publisher >= 0) { /* what it is answered is read and thrown away, as if a further member heard it */
        members = realloc(members, (member_count + 1) * sizeof *members);
        members[member_count] = (struct member){.ear = publisher, .newest = calloc(members_per_room, sizeof(uint32_t))};
        watch(publisher, member_count);
    }
}

int main(int count, char **arguments) {
    if (count != 8) {
        fprintf(stderr, "stream_load KIND PID MEMBERS_PER_ROOM SECONDS RATE WINDOW BYTES < members\n");
        return 2;
    }
    while (kind < KINDS && strcmp(arguments[1], kinds[kind]) != 0)
        kind++;
    if (kind == KINDS) {
        fprintf(stderr, "there is no kind %s\n", arguments[1]);
        return 2;
    }
    members_per_room = (size_t)atol(arguments[3]);
    copies = members_per_room - 1;
    message_bytes = (size_t)atol(arguments[7]);
    events = epoll_create1(0);
    read_members();
    if (member_count == 0 || member_count % members_per_room != 0 || members_per_room < 2 || message_bytes < MARK_BYTES ||
        message_bytes > MAX_MESSAGE_BYTES) {
        fprintf(stderr, "the members don't fill their rooms, or the messages are too short or too long\n");
        return 2;
    }
    measure((pid_t)atol(arguments[2]), atof(arguments[4]), atof(arguments[5]), (uint64_t)atoll(arguments[6]), speak,
            listen_for);
    return 0;
}
