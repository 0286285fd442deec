#!/bin/sh
# Stands in for ssh and scp: tells how it was called, and ends as it is told to.
program=${0##*/}
tell() {
    echo "== $program"
    for arg in "$@"; do
        printf 'arg: %s\n' "$arg"
    done
    for arg in "$@"; do
        case $arg in
        "UserKnownHostsFile /dev/null") ;;
        "UserKnownHostsFile "*)
            echo "-- known_hosts:"
            cat "${arg#UserKnownHostsFile }"
            ;;
        esac
    done
}
if [ -n "$STAND_IN_APART" ]; then
    tell "$@" >>"$STAND_IN_LOG"
else
    tell "$@"
fi
[ -z "$FAKE_SSH_STDERR" ] || echo "$FAKE_SSH_STDERR" >&2
exit "${FAKE_SSH_EXIT:-0}"
