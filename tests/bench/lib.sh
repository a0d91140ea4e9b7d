# lib.sh - what the scripts of the benchmark share: tools, servers, cleaning up.
# shellcheck shell=bash disable=SC2034,SC2154
#
# Source it from bash with `set -euo pipefail`, then call bench_begin. Whatever
# happens afterwards, Ctrl-C included, every server that was started is stopped
# and the working directory is removed.
#
# RINGFENCE_BUILD  the build directory, default build/ of the checkout
# RINGFENCE_BIN    the server, default ringfence in the build directory

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bench_root=$(cd "$bench_dir/../.." && pwd)
bench_build=${RINGFENCE_BUILD:-$bench_root/build}
bench_bin=${RINGFENCE_BIN:-$bench_build/ringfence}
bench_tools=$bench_build/bench
bench_work=

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

say() {
    echo "# $*" >&2
}

# Install the Debian packages whose commands are missing; only root may.
bench_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
            grep -q '^install ok installed$' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" = 0 ] || die "as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends "${missing[@]}" >&2 ||
        die "cannot install ${missing[*]}"
}

# Build the load generator and the probe of the disk where CMake has not.
bench_compile() {
    local source=$1 tool=$bench_tools/$1 file
    shift
    for file in "$bench_dir"/*.[ch]; do
        [ "$tool" -nt "$file" ] || break
        file=
    done
    [ -n "$file" ] || return 0
    mkdir -p "$bench_tools"
    (cd "$bench_root" &&
        ${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -I. -o "$tool" \
            "${@/#/tests/bench/}" "tests/bench/$source.c") ||
        die "cannot compile $source.c"
}

# bench_begin DIRECTORY: a working directory below it, and a promise to clean.
bench_begin() {
    mkdir -p "$1"
    bench_work=$(mktemp -d "$1/ringfence-bench-XXXXXX")
    chmod 755 "$bench_work"
    trap bench_end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP PIPE
    bench_compile load client.c scenario.c histogram.c
    bench_compile flush
}

bench_end() {
    local status=$? pid
    trap - EXIT
    trap '' INT TERM HUP PIPE
    stop_postgresql
    for pid in $(jobs -rp); do
        end_process "$pid"
    done
    rm -rf "$bench_work"
    exit "$status"
}

# Tell a child to stop and wait for it; one that does not stop is killed.
end_process() {
    kill -TERM "$1" 2>/dev/null || true
    timeout 20 tail --pid="$1" -s 0.05 -f /dev/null ||
        kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# wait_line PID LOG PATTERN: until the process has written such a line. False
# when it has ended, or said nothing of the kind for a minute; the reader of the
# log ends then as well.
wait_line() {
    local follower status=0
    exec {lines}< <(exec timeout 60 tail -n +1 -s 0.05 -f --pid="$1" "$2")
    follower=$!
    grep -q -m 1 -e "$3" <&"$lines" || status=1
    exec {lines}<&-
    kill "$follower" 2>/dev/null || true
    return $status
}

# start_ringfence: sets ringfence_pid and ringfence_url.
start_ringfence() {
    local log=$bench_work/ringfence.log
    [ -x "$bench_bin" ] || die "no server at $bench_bin (RINGFENCE_BIN)"
    mkdir -p "$bench_work"/{data,plugins,environments}
    cp "$bench_dir/environment.json" "$bench_work/environments/bench.json"
    echo '{}' >"$bench_work/ringfence.json"
    : >"$log"
    "$bench_bin" serve --config "$bench_work/ringfence.json" \
        --listen 127.0.0.1:0 --data "$bench_work/data" \
        --plugins "$bench_work/plugins" \
        --environments "$bench_work/environments" >>"$log" 2>&1 &
    ringfence_pid=$!
    if ! wait_line "$ringfence_pid" "$log" 'listening on http://'; then
        cat "$log" >&2
        die "ringfence did not start"
    fi
    ringfence_url=$(sed -n 's|.*listening on \(http://[0-9.:]*\).*|\1|p' "$log")
}

stop_ringfence() {
    end_process "$ringfence_pid"
}

# start_redis PRODUCTS: sets redis_pid and redis_port, and loads the script.
# Redis cannot choose a free port, so ports are tried until one is.
start_redis() {
    local log=$bench_work/redis.log tries
    mkdir -p "$bench_work/redis"
    for ((tries = 0; tries < 20; tries++)); do
        redis_port=$((20000 + RANDOM % 12000))
        : >"$log"
        redis-server --bind 127.0.0.1 --port "$redis_port" \
            --dir "$bench_work/redis" --appendonly yes --appendfsync always \
            --auto-aof-rewrite-percentage 0 --save '' >>"$log" 2>&1 &
        redis_pid=$!
        if wait_line "$redis_pid" "$log" 'Ready to accept connections'; then
            fill_redis "$1"
            return
        fi
        end_process "$redis_pid"
    done
    cat "$log" >&2
    die "redis did not start"
}

fill_redis() {
    awk -v count="$1" 'BEGIN {
        for (i = 0; i < count; i++)
            printf "HSET sku:%012d onhand 1000000000000 reserved 0 allocated 0\r\n", i
    }' | redis-cli -p "$redis_port" --pipe >"$bench_work/redis-fill.log" ||
        die "cannot fill redis"
    redis_sha=$(redis-cli -p "$redis_port" script load \
        "$(cat "$bench_dir/peers/reserve.lua")")
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd "$postgresql_dir" && exec runuser -u postgres -- "$@")
    else
        (cd "$postgresql_dir" && exec "$@")
    fi
}

# start_postgresql PRODUCTS: a private cluster that listens on a socket in its
# own directory; sets postgresql_bin and postgresql_dir.
start_postgresql() {
    postgresql_bin=/usr/lib/postgresql/15/bin
    postgresql_dir=$bench_work/postgresql
    mkdir -p "$postgresql_dir"
    cp "$bench_dir"/peers/*.sql "$postgresql_dir"
    [ "$(id -u)" != 0 ] || chown -R postgres: "$postgresql_dir"
    as_postgres "$postgresql_bin/initdb" -D cluster -U postgres -A trust \
        -E UTF8 --locale=C >"$bench_work/initdb.log" 2>&1 ||
        die "initdb failed: $(tail -n 1 "$bench_work/initdb.log")"
    as_postgres tee -a cluster/postgresql.conf >/dev/null <<END
listen_addresses = ''
unix_socket_directories = '$postgresql_dir'
max_connections = 300
shared_buffers = 1GB
max_wal_size = 8GB
fsync = on
synchronous_commit = on
END
    as_postgres "$postgresql_bin/pg_ctl" -w -s -D cluster -l log start ||
        die "postgresql did not start: $(tail -n 1 "$postgresql_dir/log")"
    psql_bench -v products="$1" -f reserve.sql >"$bench_work/psql.log" 2>&1 ||
        die "cannot fill postgresql: $(tail -n 1 "$bench_work/psql.log")"
}

psql_bench() {
    as_postgres "$postgresql_bin/psql" -q -v ON_ERROR_STOP=1 \
        -h "$postgresql_dir" -U postgres -d postgres "$@"
}

stop_postgresql() {
    if [ -f "$bench_work/postgresql/cluster/postmaster.pid" ]; then
        as_postgres "$postgresql_bin/pg_ctl" -w -s -m immediate \
            -D cluster stop || true
    fi
}

# metric FILE NAME: the sum of a metric over its labels, 0 when it is not there.
metric() {
    awk -v name="$2" '$1 == name || index($1, name "{") == 1 { sum += $NF }
                      END { printf "%.17g\n", sum }' "$1"
}

# value FILE NAME: one line of a report in the form `name value`.
value() {
    awk -v name="$2" '$1 == name { print $2 }' "$1"
}

# Processor time a process has used so far, in microseconds.
process_cpu_us() {
    awk -v tick="$(getconf CLK_TCK)" \
        '{ sub(/.*\) /, ""); print ($12 + $13) * 1000000 / tick }' \
        "/proc/$1/stat"
}

# What a process has sent to the disk so far, in bytes.
process_disk_bytes() {
    awk '$1 == "write_bytes:" { print $2 }' "/proc/$1/io"
}

# A size of a process in KiB, by its name in /proc: VmRSS, RssAnon ...
process_kib() {
    awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

# median: of the numbers on standard input.
median() {
    sort -n | awk '{ value[NR] = $1 } END {
        low = value[int((NR + 1) / 2)]
        high = value[int(NR / 2) + 1]
        printf "%.3f\n", (low + high) / 2
    }'
}
