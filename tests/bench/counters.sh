# counters.sh - what a request costs, counted instead of timed.
# shellcheck shell=bash disable=SC2034,SC2154
#
# These numbers hardly move on a busy machine, so they may gate a build where a
# rate may not. Source it after lib.sh, with a filled server running. Each
# function prints `name value` lines; one that cannot count returns 1.

# scrape FILE: the server's metrics as they are now.
scrape() {
    curl -sSf -o "$1" "$ringfence_url/metrics"
}

# delta NAME: how much a metric grew between the last two scrapes. A metric that
# the server does not have is an error, not a zero.
delta() {
    if ! grep -q "^$1\b" "$bench_work/after"; then
        echo "no $1 in /metrics" >&2
        return 1
    fi
    awk -v before="$(metric "$bench_work/before" "$1")" \
        -v after="$(metric "$bench_work/after" "$1")" \
        'BEGIN { printf "%.17g\n", after - before }'
}

# ratio A B: A for each B, with three decimals.
ratio() {
    awk -v a="$1" -v b="$2" \
        'BEGIN { if (b > 0) printf "%.3f\n", a / b; else print "nan" }'
}

# counted_load ARGUMENT...: a run of the load generator between two scrapes.
counted_load() {
    scrape "$bench_work/before" &&
        "$bench_tools/load" "$@" "$ringfence_url" >"$bench_work/load.out" &&
        scrape "$bench_work/after"
}

# count_commits NAME SKUS: durable reservations with 64 in flight. The figures
# are of a server that has been at it for a while, not of its first moments.
count_commits() {
    local commands commits saved
    "$bench_tools/load" -c 64 -n 20000 -s "$2" -i "warm-$1-$bench_run" \
        reserve "$ringfence_url" >/dev/null || return 1
    counted_load -c 64 -n 100000 -s "$2" -i "commits-$1-$bench_run" reserve ||
        return 1
    commands=$(value "$bench_work/load.out" requests)
    commits=$(delta ringfence_commits_total) || return 1
    saved=$(delta ringfence_saved_records_total) || return 1
    echo "$1_commands_per_commit $(ratio "$commands" "$commits")"
    echo "$1_saved_per_commit $(ratio "$saved" "$commits")"
    echo "$1_saved_per_command $(ratio "$saved" "$commands")"
}

# count_allocations NAME LOAD-ARGUMENT...: what 100,000 equal requests allocate,
# the first half and the second, and by how much they grow the heap. The halves
# follow a run that has warmed everything which is kept for good.
count_allocations() {
    local name=$1 half grown before_kib first second
    shift
    "$bench_tools/load" -c 64 -n 20000 "$@" "$ringfence_url" >/dev/null ||
        return 1
    before_kib=$(process_kib "$ringfence_pid" RssAnon)
    for half in first second; do
        counted_load -c 64 -n 50000 "$@" || return 1
        grown=$(delta ringfence_allocations_total) || return 1
        printf -v "$half" %s "$grown"
    done
    echo "${name}_allocations_first $(ratio "$first" 50000)"
    echo "${name}_allocations_second $(ratio "$second" 50000)"
    echo "${name}_heap_growth_kib $((\
        $(process_kib "$ringfence_pid" RssAnon) - before_kib))"
}

# traced_load STRACE-OPTION... -- LOAD-ARGUMENT...: a counted load while strace
# watches the server and writes to $bench_work/strace.out. Returns 2 when tracing
# is forbidden.
traced_load() {
    local tracer status=0 options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    : >"$bench_work/strace.log"
    strace -f "${options[@]}" -o "$bench_work/strace.out" \
        -p "$ringfence_pid" 2>"$bench_work/strace.log" &
    tracer=$!
    if ! wait_line "$tracer" "$bench_work/strace.log" 'attached'; then
        end_process "$tracer"
        return 2
    fi
    counted_load "$@" || status=1
    end_process "$tracer"
    return $status
}

# count_system_calls NAME LOAD-ARGUMENT...: system calls of the server for one
# of 10,000 requests over 64 connections.
count_system_calls() {
    local name=$1
    shift
    traced_load -c -- -c 64 -n 10000 "$@" || return
    echo "${name}_system_calls $(ratio \
        "$(awk '$NF == "total" { print $4 }' "$bench_work/strace.out")" 10000)"
}

# The server's descriptors that were opened to be synchronous: a write to one
# of them waits for the disk like a flush does.
synchronous_descriptors() {
    local info flags
    for info in "/proc/$ringfence_pid/fdinfo"/*; do
        flags=$(awk '$1 == "flags:" { print $2 }' "$info" 2>/dev/null)
        (((8#${flags:-0} & 8#10000) == 0)) || basename "$info"
    done
}

# count_flushes NAME LOAD-ARGUMENT...: how often a commit waited for the disk,
# as the kernel saw it, whatever the server says about itself.
count_flushes() {
    local name=$1 commits calls
    shift
    calls=fsync,fdatasync,msync,sync_file_range
    calls=$calls,write,writev,pwrite64,pwritev,pwritev2
    traced_load -e trace=$calls -- -c 64 -n 10000 "$@" || return
    commits=$(delta ringfence_commits_total) || return 1
    echo "${name}_flushes_per_commit $(ratio "$(
        awk -v descriptors="$(synchronous_descriptors | tr '\n' ' ')" '
            BEGIN {
                split(descriptors, list)
                for (i in list)
                    synchronous[list[i]] = 1
            }
            / (f|fdata|m)sync\(/ || / sync_file_range\(/ { flushes++ }
            match($0, / p?writev?(64|2)?\([0-9]+/) {
                descriptor = substr($0, RSTART, RLENGTH)
                sub(/.*\(/, "", descriptor)
                if (descriptor in synchronous)
                    flushes++
            }
            END { print flushes + 0 }' "$bench_work/strace.out"
    )" "$commits")"
}
