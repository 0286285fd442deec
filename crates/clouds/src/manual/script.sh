# Makes this host machine $machine of model $model: gets Grigri's agent and has it take the host in. Ends with 0 only when that is done;
# else the host is as it was. Needs a POSIX shell and sha256sum; to fetch the program, one of curl, wget, openssl.
# No word of it is a pattern of file names: addresses may have brackets.
set -uf
umask 077

fail() {
    echo "$*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || [ -n "${GRIGRI_ANY_USER:-}" ] || fail "cannot take this host in: root is needed"
case $(uname -m) in
x86_64 | amd64) here=amd64 ;;
aarch64 | arm64) here=arm64 ;;
*) here=$(uname -m) ;;
esac
[ "$here" = "$arch" ] || fail "no agent binaries for $here: this controller has them for $arch"

work=$(mktemp -d "${GRIGRI_WORK:-/var/lib}/grigri.XXXXXX") || fail "cannot make a folder to work in"
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
program=$work/grigri

good() {
    [ -s "$1" ] && echo "$digest  $1" | sha256sum -c >/dev/null 2>&1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Ends what has no end of its own, where that can be done.
bounded() {
    if has timeout; then timeout 600 "$@"; else "$@"; fi
}

# The digest decides, whatever the way; where the tool can, the controller's certificate is checked as well.
fetch() {
    url=https://$1$path
    if has curl; then
        curl -fsS --connect-timeout 10 --max-time 600 --cacert "$work/ca" --connect-to "$server_name:${1##*:}:$1" -o "$program" \
            "https://$server_name:${1##*:}$path" && return
    fi
    if has wget; then
        bounded wget -q -T 60 --ca-certificate="$work/ca" -O "$program" "$url" 2>/dev/null && return
        # The small ones know no certificates.
        bounded wget -q -T 60 --no-check-certificate -O "$program" "$url" 2>/dev/null && return
        bounded wget -q -T 60 -O "$program" "$url" 2>/dev/null && return
    fi
    if has openssl; then
        printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$path" "$server_name" |
            bounded openssl s_client -quiet -connect "$1" -CAfile "$work/ca" -verify_return_error \
                -verify_hostname "$server_name" -ign_eof 2>/dev/null | sed '1,/^\r*$/d' >"$program" && return
    fi
    return 1
}

if [ -n "${GRIGRI_PROGRAM:-}" ] && good "$GRIGRI_PROGRAM"; then
    cp "$GRIGRI_PROGRAM" "$program" || fail "cannot copy the agent's program"
else
    printf '%s\n' "$ca_cert" >"$work/ca"
    for address in $addresses; do
        fetch "$address" && good "$program" && break
        rm -f "$program"
    done
    [ -f "$program" ] || fail "cannot get the agent's program from $addresses: curl, wget or openssl is needed, and a way to the controller"
fi
chmod 700 "$program"
printf '%s\n' "$told" | "$program" host-take-in
exit
