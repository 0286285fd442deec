# Finds a server of LXD or Incus in a machine, or installs one, and has it run. Run with the kind that is wanted rather: incus, lxd.
# May be run again, and beside another of its kind; what it does is in the log. Prints, a line each:
#   say WORDS    what it is about to do
#   at SOCKET INTERFACE    the end: the server's socket is there, and which interface is in the machine's network
#   no WORDS     the end: why it cannot be, and the cure
wanted=$1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
DEBIAN_FRONTEND=noninteractive LC_ALL=C
export PATH DEBIAN_FRONTEND LC_ALL
umask 022
log=/var/log/grigri-inner.log

no() { echo "no $*"; exit 0; }
has() { command -v "$1" >/dev/null 2>&1; }
# What is printed goes to a file: an installation must not end with whoever reads it.
run() { echo "+ $*" >>"$log"; "$@" >>"$log" 2>&1 </dev/null; }
last() { grep -E '^(E:|ERROR|error:|Error:)' "$log" | tail -n 1; }
because() { words=$(last); [ -z "$words" ] || echo ": $words"; }
system() { (. /etc/os-release 2>/dev/null && echo "$ID"); }

sockets() {
    case $1 in
    incus) echo /var/lib/incus/unix.socket /run/incus/unix.socket ;;
    lxd) echo /var/snap/lxd/common/lxd/unix.socket /var/lib/lxd/unix.socket ;;
    esac
}

order() { if [ "$wanted" = incus ]; then echo incus lxd; else echo lxd incus; fi; }

socket() {
    for kind in $(order); do
        for path in $(sockets "$kind"); do
            [ ! -S "$path" ] || { echo "$path"; return 0; }
        done
    done
    return 1
}

begin() {
    for kind in $(order); do
        if has systemctl; then
            for unit in "$kind.socket" "$kind.service" "snap.$kind.daemon.unix.socket" "$kind"; do
                run systemctl start "$unit" && break
            done
        elif has rc-service; then
            for name in "${kind}d" "$kind"; do
                run rc-update add "$name" default && run rc-service "$name" start && break
            done
        fi
    done
}

# By which the machine is in its network: the one of its default route.
interface() {
    while read -r name target _; do
        [ "$target" != 00000000 ] || { echo "$name"; return 0; }
    done </proc/net/route
    echo eth0
}

by_apt() {
    set -- -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold
    # One that was ended in its midst.
    run dpkg --configure -a
    for round in 1 2; do
        for kind in $(order); do
            # Ubuntu's package of that name is the snap.
            [ "$kind" != lxd ] || [ "$(system)" != ubuntu ] || continue
            for name in "$kind-base" "$kind"; do
                apt-cache show "$name" >/dev/null 2>&1 || continue
                echo "say installing $kind"
                run apt-get "$@" install --no-install-recommends "$name" && return 0
            done
        done
        [ "$round" = 2 ] || { echo "say reading the lists of packages"; run apt-get "$@" update; }
    done
    [ "$(system)" = ubuntu ] && by_snap
}

by_snap() {
    has snap || run apt-get -q -y -o DPkg::Lock::Timeout=300 install snapd || return 1
    echo "say installing lxd"
    run snap wait system seed.loaded
    run snap install lxd
}

by_others() {
    for name in incus lxd; do
        echo "say installing $name"
        if has apk; then run apk add "$name" && return 0; fi
        if has dnf; then run dnf -y install "$name" && return 0; fi
        if has zypper; then run zypper --non-interactive install "$name" && return 0; fi
        if has pacman; then run pacman --noconfirm -Sy "$name" && return 0; fi
    done
    return 1
}

install() {
    if has apt-get; then by_apt
    elif has apk || has dnf || has zypper || has pacman; then by_others
    else no "its system ($(system)) has no package manager that is known here (apt, apk, dnf, zypper, pacman): install LXD or Incus in it by hand"
    fi
}

# Containers' interfaces are the machine's for a moment; nobody may ask for an address on them.
spare() {
    [ -d /etc/systemd/network ] || has networkctl || return 0
    mkdir -p /etc/systemd/network
    printf '[Match]\nName=mac* veth*\n\n[Link]\nUnmanaged=yes\n' >/etc/systemd/network/05-grigri-inner.network
    ! has networkctl || run networkctl reload
}

mkdir -p /var/log
: >"$log"
# Containers in it are given ids of its own.
ids=0
while read -r _ _ count; do
    ids=$((ids + count))
done </proc/self/uid_map
if [ "$ids" -lt 131072 ]; then
    no "it has only $ids user ids, which leaves none for containers: give root of the server's host more in /etc/subuid and /etc/subgid (root:1000000:1000000000), restart the server, then the machine"
fi
spare
if ! socket >/dev/null; then
    begin
fi
if ! socket >/dev/null; then
    if ! install; then
        if grep -qiE 'could not resolve|temporary failure|unable to connect|network is unreachable|connection (timed out|refused)|failed to fetch|unable to fetch' "$log"; then
            no "it does not reach an archive of packages: give it a way to one, or install LXD or Incus in it by hand$(because)"
        fi
        no "there is no package of LXD or Incus, or it cannot be installed$(because) (all of it: $log in the machine)"
    fi
    echo "say starting the server"
    begin
fi
turns=0
until socket >/dev/null; do
    turns=$((turns + 1))
    if [ "$turns" -gt 60 ]; then
        has journalctl && journalctl -n 20 --no-pager -u lxd -u incus >>"$log" 2>&1
        no "the server is installed and does not start: $(tail -n 1 "$log") (all of it: $log in the machine)"
    fi
    sleep 1
done
echo "at $(socket) $(interface)"
