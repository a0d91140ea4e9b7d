#!/bin/sh
# supervise.sh - run one program for the tests and never leave it behind.
#
# usage: supervise.sh FOLDER SCRATCH COMMAND [ARGUMENT...]
#
# Writes into FOLDER: stdout, stderr (both appended to), pid, and at the end
# exit (the status as a shell counts it). Standard input is a lifeline: when it
# ends while the program runs, the test process is gone, and so the program is
# killed and the SCRATCH folder, which holds FOLDER or is it, removed.
folder=$1
scratch=$2
shift 2
rm -f "$folder/exit" "$folder/pid"
exec 3<&0
"$@" </dev/null >>"$folder/stdout" 2>>"$folder/stderr" 3<&- &
program=$!
(cat <&3 >/dev/null; trap '' TERM; kill -9 "$program"; rm -rf "$scratch") &
lifeline=$!
exec 3<&-
echo "$program" >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
# A signal caught by this shell must not end the wait early.
while :; do
    wait "$program"
    status=$?
    kill -0 "$program" 2>/dev/null || break
done
kill "$lifeline"
wait "$lifeline"
echo "$status" >"$folder/exit.new" && mv "$folder/exit.new" "$folder/exit"
