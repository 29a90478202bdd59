# ./dev fresh [demo] [check]: the last commit, cloned into a new Debian 12 root that has nothing but the base
# system, shows its demonstration and passes its check there. Mirror, proxy and certificate settings are this
# machine's; its programs are not used. Everything happens in mount and process namespaces of its own, so nothing
# stays mounted or running afterwards. A root that failed stays for a look; one that passed is removed.

# This machine's Debian repositories as lines of a sources.list; apt knows an origin once it has read the lists.
debian_sources() {
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Origin: Debian' 'Identifier: Packages' |
        sort -u
}

fresh_root_create() {
    sources=$(debian_sources)
    if [ -z "$sources" ]; then
        apt-get -q update >"$fresh.log" 2>&1
        sources=$(debian_sources)
    fi
    mirror=$(printf '%s\n' "$sources" | awk '$3 == "bookworm" && $4 == "main" { print $2; exit }')
    [ -n "$mirror" ] || fail "apt on this machine knows no repository of Debian 12 (bookworm)"

    debootstrap --variant=minbase bookworm "$fresh" "$mirror" >"$fresh.log" 2>&1 || {
        tail -n 20 "$fresh.log" >&2
        fail "debootstrap failed (whole log: $fresh.log)"
    }
    printf '%s\n' "$sources" >"$fresh/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(Check-|Retries|ForceIPv|https?::)' >"$fresh/etc/apt/apt.conf.d/90network" || :
    # A chroot is no place to start services in: Debian's own way to say so.
    printf '#!/bin/sh\nexit 101\n' >"$fresh/usr/sbin/policy-rc.d"
    chmod 755 "$fresh/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf /etc/hosts "$fresh/etc/"

    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        cp /etc/ssl/certs/ca-certificates.crt "$fresh/etc/network-ca.crt"
    fi
    for settings in "$(npm config get globalconfig 2>/dev/null)" "$(npm config get userconfig 2>/dev/null)"; do
        if [ -f "$settings" ]; then
            grep -vE '^(cafile|nodedir|prefix|cache) *=' "$settings" || :
        fi
    done >"$fresh/root/.npmrc"
    echo 'cafile=/etc/network-ca.crt' >>"$fresh/root/.npmrc"
    chmod 600 "$fresh/root/.npmrc"
}

# Runs in the namespaces. The root is mounted on itself: a chroot that is no mount point cannot make mount
# namespaces in turn, which the tests with a card reader do.
fresh_inside='
    set -eu
    mount --bind "$1" "$1"
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    mount --rbind /sys "$1/sys"
    mount -t tmpfs tmpfs "$1/run"
    exec chroot "$1" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
        NODE_EXTRA_CA_CERTS=/etc/network-ca.crt sh -c "cd /srv/shikaku && $2"
'

# fresh_run COMMAND
fresh_run() {
    say "== in the new root: $1"
    unshare --mount --pid --fork --kill-child sh -c "$fresh_inside" fresh "$fresh" "$1" </dev/null
}

command_fresh() {
    . tools/setup.sh
    setup_debian
    [ "$(id -u)" -eq 0 ] || fail "fresh needs root: it makes a Debian root and mounts in it"
    [ $# -gt 0 ] || set -- demo check
    fresh=$cache/fresh
    mkdir -p "$cache"
    # shellcheck disable=SC2115 # $fresh is never empty
    rm -rf "$fresh" "$fresh.log"
    [ -z "$(git status --porcelain)" ] || say "fresh: what is not committed is not in the clone"

    fresh_began=$(seconds_now)
    fresh_root_create
    mkdir -p "$fresh/srv"
    git clone --quiet --no-hardlinks "$root" "$fresh/srv/shikaku"
    say "$(($(seconds_now) - fresh_began)) s: a Debian $(cat "$fresh/etc/debian_version") root with commit $(git rev-parse --short HEAD)"

    failures=0
    for part in "$@"; do
        case $part in
        demo) fresh_run './dev demo --once' || failures=$((failures + 1)) ;;
        check) fresh_run './dev check' || failures=$((failures + 1)) ;;
        *) fail "fresh knows demo and check, not $part" ;;
        esac
    done
    say "$(($(seconds_now) - fresh_began)) s in all"
    if [ "$failures" -eq 0 ]; then
        rm -rf "$fresh" "$fresh.log"
        say "1 passed, 0 failed"
    else
        fail "$failures of $# failed; the root is in $fresh"
    fi
}
