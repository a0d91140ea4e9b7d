/*
 * load.c - drives an HTTP server and says how fast, how late, how well.
 *
 * The command line chooses a scenario, a number of connections and an end; the
 * report is one `name value` on each line of standard output, made to be read
 * by scripts. tests/bench/README.md lists the options and the names.
 */
#include "tests/bench/client.h"
#include "tests/bench/scenario.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define URL_PREFIX "http://"
#define HOST_BYTES 64
#define NAME_BYTES_MAX 40
#define CONNECTIONS_MAX 10000
/* Ids and names have fixed widths: six digits of product, three of color. */
#define PRODUCTS_MAX 1000000
#define COORDINATES_MAX 1000
#define LEVEL_MAX 3

typedef struct command_line {
    client_options client;
    scenario_options scenario;
    char host[HOST_BYTES];
} command_line;

static const char usage[] =
    "usage: load [-c CONNECTIONS] [-d SECONDS] [-n REQUESTS] [-r RATE]\n"
    "            [-e ENVIRONMENT] [-i ID_PREFIX] [-p PRODUCT] [-s PRODUCTS]\n"
    "            [-l LEVEL] [-k COLORSxSIZESxSTYLES]\n"
    "            reserve|replay|pair|query|get|fill|leaves "
    "http://ADDRESS:PORT[/PATH]\n";

static bool parse_count(const char *text, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' ||
        value == 0 || value > max) {
        return false;
    }
    *out = value;
    return true;
}

static bool parse_unsigned(const char *text, unsigned max, unsigned *out)
{
    uint64_t value = 0;
    if (!parse_count(text, max, &value)) {
        return false;
    }
    *out = (unsigned)value;
    return true;
}

static bool parse_number(const char *text, double *out)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0.0) || value > 1e9) {
        return false;
    }
    *out = value;
    return true;
}

static bool parse_name(const char *text, const char **out)
{
    if (text[0] == '\0' || strlen(text) > NAME_BYTES_MAX ||
        strpbrk(text, "\"\\ \r\n") != NULL) {
        return false;
    }
    *out = text;
    return true;
}

static bool parse_level(const char *text, unsigned *out)
{
    if (text[0] < '0' || text[0] > '0' + LEVEL_MAX || text[1] != '\0') {
        return false;
    }
    *out = (unsigned)(text[0] - '0');
    return true;
}

static bool parse_leaves(char *text, scenario_options *out)
{
    char *rest = NULL;
    const char *colors = strtok_r(text, "x", &rest);
    const char *sizes = strtok_r(NULL, "x", &rest);
    const char *styles = strtok_r(NULL, "x", &rest);
    return colors != NULL && sizes != NULL && styles != NULL &&
           parse_unsigned(colors, COORDINATES_MAX, &out->colors) &&
           parse_unsigned(sizes, COORDINATES_MAX, &out->sizes) &&
           parse_unsigned(styles, COORDINATES_MAX, &out->styles);
}

/* http://ADDRESS:PORT[/PATH], the address in digits. */
static bool parse_url(const char *url, command_line *out)
{
    char address[HOST_BYTES];
    if (strncmp(url, URL_PREFIX, strlen(URL_PREFIX)) != 0) {
        return false;
    }
    const char *host = url + strlen(URL_PREFIX);
    size_t length = strcspn(host, "/");
    if (length >= sizeof out->host) {
        return false;
    }
    memcpy(out->host, host, length);
    out->host[length] = '\0';
    out->scenario.path = host[length] == '\0' ? "/" : host + length;
    memcpy(address, out->host, length + 1);
    char *port = strchr(address, ':');
    unsigned number = 0;
    if (port == NULL || !parse_unsigned(port + 1, UINT16_MAX, &number)) {
        return false;
    }
    *port = '\0';
    out->client.server.sin_family = AF_INET;
    out->client.server.sin_port = htons((uint16_t)number);
    return inet_pton(AF_INET, address, &out->client.server.sin_addr) == 1;
}

static bool parse_option(int option, char *value, command_line *out)
{
    switch (option) {
    case 'c':
        return parse_unsigned(value, CONNECTIONS_MAX, &out->client.connections);
    case 'd':
        return parse_number(value, &out->client.seconds);
    case 'n':
        return parse_count(value, UINT64_MAX, &out->client.requests);
    case 'r':
        return parse_number(value, &out->client.rate);
    case 'e':
        return parse_name(value, &out->scenario.environment);
    case 'i':
        return parse_name(value, &out->scenario.id_prefix);
    case 'p':
        return parse_name(value, &out->scenario.product);
    case 's':
        return parse_count(value, PRODUCTS_MAX, &out->scenario.products);
    case 'l':
        return parse_level(value, &out->scenario.level);
    case 'k':
        return parse_leaves(value, &out->scenario);
    default:
        return false;
    }
}

/* A run must have an end: a time, a count, or a scenario that is done once. */
static bool has_end(const command_line *line)
{
    return line->client.seconds > 0.0 || line->client.requests > 0 ||
           line->scenario.kind == SCENARIO_FILL ||
           line->scenario.kind == SCENARIO_LEAVES;
}

static bool parse_command_line(int argc, char **argv, command_line *out)
{
    *out = (command_line){.client = {.connections = 1},
                          .scenario = {.environment = "bench",
                                       .id_prefix = "load",
                                       .product = "P000042",
                                       .products = 1,
                                       .colors = 1,
                                       .sizes = 1,
                                       .styles = 1}};
    for (int option;
         (option = getopt(argc, argv, "c:d:n:r:e:i:p:s:l:k:")) != -1;) {
        if (!parse_option(option, optarg, out)) {
            return false;
        }
    }
    out->scenario.host = out->host;
    return argc - optind == 2 &&
           scenario_parse_kind(argv[optind], &out->scenario.kind) &&
           parse_url(argv[optind + 1], out) && has_end(out);
}

static void print_result(const client_result *result)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {
        {"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}};
    printf("requests %" PRIu64 "\nseconds %.3f\nrate %.1f\n", result->requests,
           result->seconds,
           result->seconds > 0.0 ? (double)result->requests / result->seconds
                                 : 0.0);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        printf("%s %.1f\n", quantiles[i].name,
               histogram_quantile_us(&result->latencies, quantiles[i].share));
    }
    printf("max_us %.1f\n", (double)result->latencies.max_ns / 1000.0);
    for (size_t i = 0; i < sizeof result->statuses / sizeof result->statuses[0];
         i++) {
        if (result->statuses[i] > 0) {
            printf("status_%zu %" PRIu64 "\n", i, result->statuses[i]);
        }
    }
    printf("wrong %" PRIu64 "\nclient_cpu_us %.2f\n", result->wrong,
           result->cpu_us);
}

int main(int argc, char **argv)
{
    static client_result result;
    command_line line;
    scenario work;
    if (!parse_command_line(argc, argv, &line)) {
        fputs(usage, stderr);
        return 2;
    }
    if (!scenario_init(&work, &line.scenario)) {
        fputs("load: cannot format the request\n", stderr);
        scenario_done(&work);
        return 2;
    }
    bool good = client_run(&work, &line.client, &result);
    if (good) {
        print_result(&result);
    }
    scenario_done(&work);
    return good && result.wrong == 0 && result.statuses[200] == result.requests
               ? 0
               : 1;
}
