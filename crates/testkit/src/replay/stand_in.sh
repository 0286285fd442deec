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
# A host that is to be taken in: asked whether `ubuntu` may become root, whether it is a machine, what it is, and to run a script.
host() {
    for last in "$@"; do :; done
    case $last in
    "sudo -n true")
        case $FAKE_SSH_MODE in *noubuntu*) exit 255 ;; esac
        ;;
    /bin/sh)
        asked=$(cat)
        case $FAKE_SSH_MODE/$asked in
        detectfail/*os-release*) echo boom >&2 && exit 3 ;;
        checkfail/*) echo "no shell" >&2 && exit 2 ;;
        *os-release*) printf 'ubuntu\n24.04\nx86_64\nMemTotal: 16326000 kB\nphysical id : 0\ncpu cores : 4\n' ;;
        esac
        ;;
    *)
        cat >/dev/null
        echo "installing agent" >&2
        [ "$FAKE_SSH_MODE" != runfail ] || { echo "curl: failed" >&2 && exit 7; }
        ;;
    esac
    exit 0
}
[ -z "$FAKE_SSH_MODE" ] || host "$@"
[ -z "$FAKE_SSH_STDERR" ] || echo "$FAKE_SSH_STDERR" >&2
exit "${FAKE_SSH_EXIT:-0}"
