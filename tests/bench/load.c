/* The load generator: posts scripts of HTTP requests over many connections and says how long each took.
 *
 *   load ADDRESS CONNECTIONS SECONDS [fresh] < scripts
 *
 * ADDRESS is host:port or the path of a Unix socket. Scripts come on standard input: "script N" and then N times
 * "LENGTH" and that many bytes of a whole request. A script's requests go one after the other over one connection; in
 * all but the first, a nil ref (OpaqueRef:00000000-...) becomes the ref that the answer to the first one holds.
 * Connections take the next script as they become free: for SECONDS, or every script once where SECONDS is 0.
 * "fresh": a new connection for every request. When every connection has its first request on the way, "sent" is
 * printed; at the end one line of JSON, with the times of each position in the scripts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MOST_STEPS 8
#define KEPT 4096
#define BLOCK (1 << 20)
#define REF_LENGTH 46
static const char NIL[] = "OpaqueRef:00000000-0000-0000-0000-000000000000";

struct request { char *text; size_t length; };
struct script { int steps; struct request step[MOST_STEPS]; };
struct connection {
    int fd;
    struct script *script;
    int step;
    char *out;
    size_t out_size, out_length, sent;
    char kept[KEPT + 1];             /* the beginning of the answer: head, and what of the body fits */
    size_t seen, head_length;        /* bytes read; 0 while the head is not complete */
    long long body_length;
    double begun;
    char ref[REF_LENGTH + 1];
};
struct times { double *spent, *ended; size_t count, size; };

static struct sockaddr_storage address;
static socklen_t address_length;
static struct script *scripts;
static size_t script_count, next_script;
static int fresh, poller, positions, active;
static double until;
static struct times times[MOST_STEPS];
static long long largest;
static size_t failures;
static char first_failure[KEPT + 1];
static char block[BLOCK];

static void die(const char *what) { perror(what); exit(1); }

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void read_scripts(void) {
    size_t size = 0;
    int steps;
    while (scanf("script %d\n", &steps) == 1) {
        if (steps < 1 || steps > MOST_STEPS) { fprintf(stderr, "a script has 1 to %d steps\n", MOST_STEPS); exit(2); }
        if (script_count == size) scripts = realloc(scripts, (size = size ? 2 * size : 64) * sizeof *scripts);
        struct script *script = &scripts[script_count++];
        script->steps = steps;
        if (steps > positions) positions = steps;
        for (int step = 0; step < steps; step++) {
            struct request *request = &script->step[step];
            if (scanf("%zu", &request->length) != 1 || getchar() != '\n') { fprintf(stderr, "bad script\n"); exit(2); }
            request->text = malloc(request->length);
            if (fread(request->text, 1, request->length, stdin) != request->length) { fprintf(stderr, "bad script\n"); exit(2); }
            if (getchar() != '\n') { fprintf(stderr, "bad script\n"); exit(2); }
        }
    }
    if (!script_count) { fprintf(stderr, "no script\n"); exit(2); }
}

static void parse_address(const char *text) {
    const char *colon = strrchr(text, ':');
    if (text[0] == '/' || !colon) {
        struct sockaddr_un *local = (struct sockaddr_un *)&address;
        local->sun_family = AF_UNIX;
        snprintf(local->sun_path, sizeof local->sun_path, "%s", text);
        address_length = sizeof *local;
        return;
    }
    struct sockaddr_in *inet = (struct sockaddr_in *)&address;
    char host[64];
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    inet->sin_family = AF_INET;
    inet->sin_port = htons(atoi(colon + 1));
    if (inet_pton(AF_INET, host, &inet->sin_addr) != 1) { fprintf(stderr, "bad address %s\n", text); exit(2); }
    address_length = sizeof *inet;
}

static void open_connection(struct connection *c) {
    c->fd = socket(address.ss_family, SOCK_STREAM, 0);
    if (c->fd < 0) die("socket");
    if (connect(c->fd, (struct sockaddr *)&address, address_length) < 0) die("connect");
    int yes = 1;
    if (address.ss_family == AF_INET) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
}

static void watch(struct connection *c, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event) < 0) die("epoll_ctl");
}

static void write_more(struct connection *c) {
    while (c->sent < c->out_length) {
        ssize_t done = send(c->fd, c->out + c->sent, c->out_length - c->sent, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) return watch(c, EPOLLIN | EPOLLOUT);
        if (done < 0) die("send");
        c->sent += done;
    }
}

static void begin_step(struct connection *c) {
    struct request *request = &c->script->step[c->step];
    if (request->length > c->out_size) c->out = realloc(c->out, c->out_size = request->length);
    memcpy(c->out, request->text, c->out_length = request->length);
    if (c->step > 0 && c->ref[0]) {
        char *at = c->out, *end = c->out + c->out_length;
        while ((at = memmem(at, end - at, NIL, REF_LENGTH))) memcpy(at, c->ref, REF_LENGTH);
    }
    c->sent = c->seen = c->head_length = 0;
    c->begun = now();
    if (c->fd < 0) open_connection(c);
    write_more(c);
}

static void begin_script(struct connection *c) {
    int over = until > 0 ? now() >= until : next_script >= script_count;
    if (over) {
        if (c->fd >= 0) close(c->fd);
        c->fd = -1;
        active--;
        return;
    }
    c->script = &scripts[next_script++ % script_count];
    c->step = 0;
    c->ref[0] = 0;
    begin_step(c);
}

static void note(int position, double begun, double ended) {
    struct times *t = &times[position];
    if (t->count == t->size) {
        t->size = t->size ? 2 * t->size : 4096;
        t->spent = realloc(t->spent, t->size * sizeof(double));
        t->ended = realloc(t->ended, t->size * sizeof(double));
    }
    t->spent[t->count] = ended - begun;
    t->ended[t->count++] = ended;
}

static void answered(struct connection *c) {
    note(c->step, c->begun, now());
    if (c->body_length > largest) largest = c->body_length;
    int bad = strncmp(c->kept, "HTTP/1.1 200", 12) || strstr(c->kept, "<value>Failure</value>") ||
              strstr(c->kept, "\"error\":{") || strstr(c->kept, "\"error\":[");
    if (bad && !failures++) strcpy(first_failure, c->kept);
    if (c->step == 0) {
        char *found = strstr(c->kept + c->head_length, "OpaqueRef:");
        if (found && strlen(found) >= REF_LENGTH) snprintf(c->ref, sizeof c->ref, "%.*s", REF_LENGTH, found);
    }
    if (fresh) {
        close(c->fd);
        c->fd = -1;
    }
    if (++c->step < c->script->steps && !bad) begin_step(c);
    else begin_script(c);
}

static void read_more(struct connection *c) {
    ssize_t got = recv(c->fd, block, sizeof block, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { fprintf(stderr, "the server hung up\n"); exit(1); }
    if (c->seen < KEPT) {
        size_t fits = KEPT - c->seen < (size_t)got ? KEPT - c->seen : (size_t)got;
        memcpy(c->kept + c->seen, block, fits);
        c->kept[c->seen + fits] = 0;
    }
    c->seen += got;
    if (!c->head_length) {
        char *end = strstr(c->kept, "\r\n\r\n");
        if (!end) return;
        c->head_length = end + 4 - c->kept;
        char *length = strcasestr(c->kept, "content-length:");
        if (!length || length > end) { fprintf(stderr, "an answer without its length: %s\n", c->kept); exit(1); }
        c->body_length = atoll(length + 15);
    }
    if (c->seen >= c->head_length + c->body_length) answered(c);
}

static void print_string(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') printf("\\%c", *text);
        else if ((unsigned char)*text < 32 || (unsigned char)*text > 126) printf("\\u%04x", (unsigned char)*text);
        else putchar(*text);
    }
    putchar('"');
}

static void report(double begun, double ended) {
    printf("{\"begun\":%.6f,\"seconds\":%.6f,\"bytes\":%lld,\"failures\":%zu,\"failure\":", begun, ended - begun, largest, failures);
    print_string(first_failure);
    printf(",\"steps\":[");
    for (int position = 0; position < positions; position++) {
        struct times *t = &times[position];
        printf("%s{\"spent\":[", position ? "," : "");
        for (size_t i = 0; i < t->count; i++) printf("%s%.6f", i ? "," : "", t->spent[i]);
        printf("],\"ended\":[");
        for (size_t i = 0; i < t->count; i++) printf("%s%.6f", i ? "," : "", t->ended[i]);
        printf("]}");
    }
    printf("]}\n");
}

int main(int argc, char **argv) {
    if (argc < 4) { fprintf(stderr, "usage: load ADDRESS CONNECTIONS SECONDS [fresh] < scripts\n"); return 2; }
    parse_address(argv[1]);
    int connections = atoi(argv[2]);
    double seconds = atof(argv[3]);
    fresh = argc > 4;
    read_scripts();
    poller = epoll_create1(0);
    struct connection *all = calloc(connections, sizeof *all);
    for (int i = 0; i < connections; i++) {
        all[i].fd = -1;
        if (!fresh) open_connection(&all[i]);
    }
    double begun = now();
    until = seconds > 0 ? begun + seconds : 0;
    active = connections;
    for (int i = 0; i < connections; i++) begin_script(&all[i]);
    printf("sent\n");
    fflush(stdout);
    struct epoll_event events[256];
    while (active > 0) {
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd < 0) continue;
            if (events[i].events & EPOLLOUT) {
                watch(c, EPOLLIN);
                write_more(c);
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_more(c);
        }
    }
    report(begun, now());
    return 0;
}
