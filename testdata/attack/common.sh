# Sourced first by every script here. It gives the script namespaces of its own and a folder that leaves nothing behind.
#
#   own_namespaces [--net]   runs the script again in a private mount namespace; with --net also in an empty network
#                            namespace in which this host is 192.0.2.1 (a documentation address, on the loopback device)
#   own_etc                  lays a throw-away layer over /etc: what is written there is seen here and nowhere else
#   own_folder DIR           lays an empty folder over an existing one
#   in_container ID COMMAND  runs a command in a child cgroup named as a container engine names its own
#   wait_for FILE            waits until a helper has written the file
#   soon COMMAND             repeats a command until it succeeds
#   fail TEXT                ends the script: the action did not happen as it should have

set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
unset LD_PRELOAD PYTHONPATH PYTHONHOME BASH_ENV ENV
ulimit -c 0

here=$(cd "$(dirname "$0")" && pwd)
peer=$here/../peer.py
work=

fail() {
    echo "$0: $*" >&2
    exit 1
}

own_namespaces() {
    if [[ ${BEEWOLF_OWN_NAMESPACES:-} != yes ]]; then
        [[ $EUID = 0 ]] || fail "needs root"
        BEEWOLF_OWN_NAMESPACES=yes exec unshare --mount --propagation private "$@" bash "$0"
    fi
    unset BEEWOLF_OWN_NAMESPACES
    work=$(mktemp -d /tmp/beewolf-attack.XXXXXX)
    mount -t tmpfs -o mode=755,size=64m beewolf-attack "$work"
    trap clean_up EXIT
    cd "$work"
    if [[ ${1:-} = --net ]]; then
        python3 "$peer" network
    fi
}

clean_up() {
    local job
    for job in $(jobs -p); do
        kill "$job" 2>/dev/null || true
    done
    wait
    cd /
    umount --lazy "$work"
    rmdir "$work"
}

own_etc() {
    mkdir "$work/etc-upper" "$work/etc-work"
    mount -t overlay -o "lowerdir=/etc,upperdir=$work/etc-upper,workdir=$work/etc-work" beewolf-attack /etc
}

own_folder() {
    mount -t tmpfs -o mode=755,size=8m beewolf-attack "$1"
}

# The cgroup stays: whoever gave BEEWOLF_CGROUP removes it once nobody asks for its name any more.
in_container() {
    local id=$1
    shift
    if [[ -z ${BEEWOLF_CGROUP:-} ]]; then
        "$@"
        return
    fi
    local cgroup=$BEEWOLF_CGROUP/docker-$id.scope
    mkdir -p "$cgroup"
    (
        echo "$BASHPID" >"$cgroup/cgroup.procs"
        "$@"
    )
}

# Half a minute is for guests that are emulated; elsewhere it is over in a moment.
soon() {
    local end=$((SECONDS + 30))
    until "$@"; do
        ((SECONDS < end)) || fail "in vain: $*"
        sleep 0.03
    done
}

wait_for() {
    soon test -s "$1"
}
