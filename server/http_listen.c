/*
 * http_listen.c - taking connections, and not too many of them.
 *
 * One listener on the first thread's loop hands the connections out in turn,
 * so that any 64 of them are spread evenly; with a listening socket for each
 * thread the kernel's hashing would not do that.
 */
#include "server/http_internal.h"

#include <event2/listener.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

/* Connections beyond the maximum that are taken to be told so. When these are
 * used up too, the others wait in the kernel. */
#define UNWANTED_MAX 16U

/* Descriptors left for the store, logs, backups and the unwanted. */
#define DESCRIPTORS_RESERVED 64U

#define CONNECTIONS_LEAST 16U

/* Trouble with accepting comes many times a second; it is told less often. */
#define WARNING_EVERY_NS ((uint64_t)10 * 1000 * 1000 * 1000)

rf_status rf_http_fit_descriptors(rf_http *http, rf_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return rf_fail(err, RF_E_INTERNAL, "no descriptor limit: %s",
                       strerror(errno));
    }
    rlim_t needed = http->options.connections_max + DESCRIPTORS_RESERVED;
    if (limit.rlim_cur >= needed) {
        return RF_OK;
    }
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    if (limit.rlim_cur < CONNECTIONS_LEAST + DESCRIPTORS_RESERVED ||
        setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "the limit of %lu open files is too low",
                       (unsigned long)limit.rlim_max);
    }
    if (limit.rlim_cur < needed) {
        http->options.connections_max =
            (unsigned)limit.rlim_cur - DESCRIPTORS_RESERVED;
        rf_http_warn(http,
                     "only %u connections are taken: the limit of open files "
                     "is %lu",
                     http->options.connections_max,
                     (unsigned long)limit.rlim_cur);
    }
    return RF_OK;
}

/* ---- addresses ---- */

/* Read the decimal port behind the last colon. */
static bool read_port(const char *text, in_port_t *out)
{
    unsigned port = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 5; digits++) {
        port = port * 10 + (unsigned)(text[digits] - '0');
    }
    *out = htons((uint16_t)port);
    return digits > 0 && text[digits] == '\0' && port <= UINT16_MAX;
}

/* The library's own reader knows no port 0, so here is one that does. */
static bool read_address(const char *text, struct sockaddr_storage *out)
{
    char host[INET6_ADDRSTRLEN] = "";
    in_port_t port = 0;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !read_port(colon + 1, &port)) {
        return false;
    }
    bool is_wide = text[0] == '[' && colon > text && colon[-1] == ']';
    const char *start = is_wide ? text + 1 : text;
    size_t length = (size_t)(colon - start) - (is_wide ? 1 : 0);
    if (length >= sizeof host) {
        return false;
    }
    memcpy(host, start, length);
    memset(out, 0, sizeof *out);
    if (is_wide) {
        struct sockaddr_in6 wide = {.sin6_family = AF_INET6, .sin6_port = port};
        bool is_good = inet_pton(AF_INET6, host, &wide.sin6_addr) == 1;
        memcpy(out, &wide, sizeof wide);
        return is_good;
    }
    struct sockaddr_in narrow = {.sin_family = AF_INET, .sin_port = port};
    bool is_good = inet_pton(AF_INET, host, &narrow.sin_addr) == 1;
    memcpy(out, &narrow, sizeof narrow);
    return is_good;
}

rf_status rf_http_check_address(const char *listen, bool *is_loopback_out,
                                rf_error *err)
{
    struct sockaddr_storage address;
    if (!read_address(listen, &address)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "not a numeric address and port: %s", listen);
    }
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 wide;
        memcpy(&wide, &address, sizeof wide);
        *is_loopback_out = IN6_IS_ADDR_LOOPBACK(&wide.sin6_addr) != 0;
    } else {
        struct sockaddr_in narrow;
        memcpy(&narrow, &address, sizeof narrow);
        *is_loopback_out =
            ntohl(narrow.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return RF_OK;
}

/* Return the port a socket is bound to, 0 if that cannot be told. */
static unsigned bound_port(int descriptor)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 wide;
        memcpy(&wide, &address, sizeof wide);
        return ntohs(wide.sin6_port);
    }
    struct sockaddr_in narrow;
    memcpy(&narrow, &address, sizeof narrow);
    return ntohs(narrow.sin_port);
}

/* ---- accepting ---- */

static unsigned taken_max(const rf_http *http)
{
    return http->options.connections_max + UNWANTED_MAX;
}

static void on_accept(struct evconnlistener *listener, int descriptor,
                      struct sockaddr *address, int address_bytes, void *self)
{
    (void)address;
    (void)address_bytes;
    rf_http *http = self;
    rf_http_thread *thread =
        http->threads[http->next_thread++ % http->options.threads];
    rf_http_connection *connection =
        rf_http_connection_create(thread, descriptor);
    if (connection == NULL) {
        (void)close(descriptor);
        return;
    }
    unsigned open = atomic_fetch_add(&http->connections, 1) + 1;
    connection->unwanted = open > http->options.connections_max;
    if (open >= taken_max(http)) {
        (void)evconnlistener_disable(listener);
    }
    rf_http_thread_push(thread, connection);
}

/* Out of descriptors, most likely. The socket stays readable, so go on only
 * when the next sweep says so. */
static void on_accept_error(struct evconnlistener *listener, void *self)
{
    int problem = errno;
    rf_http *http = self;
    (void)evconnlistener_disable(listener);
    uint64_t now_ns = rf_http_now_ns();
    if (http->accept_warned_ns == 0 ||
        now_ns - http->accept_warned_ns > WARNING_EVERY_NS) {
        http->accept_warned_ns = now_ns;
        rf_http_warn(http, "cannot accept connections, trying again: %s",
                     strerror(problem));
    }
}

rf_status rf_http_listen(rf_http *http, rf_error *err)
{
    struct sockaddr_storage address;
    if (!read_address(http->options.listen, &address)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "not a numeric address and port: %s",
                       http->options.listen);
    }
    unsigned flags =
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    http->listener = evconnlistener_new_bind(
        http->threads[0]->base, on_accept, http, flags, BACKLOG,
        (struct sockaddr *)&address, sizeof address);
    if (http->listener == NULL) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION, "cannot listen on %s: %s",
                       http->options.listen, strerror(errno));
    }
    evconnlistener_set_error_cb(http->listener, on_accept_error);
    /* Accepted sockets inherit this. Without it a reply in two pieces waits
     * for the client's delayed acknowledgement. */
    int descriptor = evconnlistener_get_fd(http->listener);
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    http->port = bound_port(descriptor);
    return RF_OK;
}

void rf_http_listen_again(rf_http *http)
{
    if (http->listener != NULL &&
        atomic_load(&http->connections) < taken_max(http)) {
        (void)evconnlistener_enable(http->listener);
    }
}

void rf_http_unlisten(rf_http *http)
{
    if (http->listener != NULL) {
        evconnlistener_free(http->listener);
        http->listener = NULL;
    }
}
