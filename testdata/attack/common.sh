# shellcheck shell=bash
# Sourced first by every script here. It gives the script namespaces of its own and a folder that leaves nothing behind.
#
#   own_mounts               runs the script again in a mount namespace of its own
#   own_mounts_and_network   also in an empty network namespace in which this host is 192.0.2.1, a documentation address
#   own_etc                  lays a throw-away layer over /etc: what is written there is seen here and nowhere else
#   own_layer DIR            does so over another folder
#   own_folder DIR           lays an empty folder over an existing one
#   in_container ID COMMAND  runs a command in a child cgroup named as a container engine names its own
#   package FOLDER SCRIPT    installs a folder as a Debian package whose script after installation is SCRIPT, into a
#                            package database of its own; what it unpacks lands where the folder says
#   logged FILE              makes a log or a history of what comes on standard input, as whoever keeps it does: under
#                            another name, then renamed; a relative name is one in /var/log
#   block_device             makes a node, disk, for a block device that opens and holds nothing: a loop device without a file
#   at_terminal COMMAND      runs a command line with a new pseudo-terminal as its standard streams
#   at_prompt COMMAND        types a command line to an interactive shell on a new pseudo-terminal
#   wait_for FILE            waits until a helper has written the file
#   soon COMMAND             repeats a command until it succeeds
#   says TEXT                whether standard input has the text somewhere; unlike grep it reads to the end, so that no
#                            writer is ended by SIGPIPE
#   fail TEXT                ends the script: the action did not happen as it should have
#   unavailable TEXT         ends it, too: this machine cannot do the action
#   first_mounts PID         holds that a process is in the mount namespace that the kernel made first

set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
# What Python compiles lies beside the source, which may be a file of the system.
export PYTHONDONTWRITEBYTECODE=1
unset LD_PRELOAD PYTHONPATH PYTHONHOME BASH_ENV ENV
ulimit -c 0

here=$(cd "$(dirname "$0")" && pwd)
peer=$here/../peer.py
work=

says() {
    local all
    read -r -d '' all || true
    [[ $all = *"$1"* ]]
}

fail() {
    echo "$0: $*" >&2
    exit 1
}

unavailable() {
    echo "$*" >&2
    exit 77
}

first_mounts() {
    case $(stat --dereference --format %i "/proc/$1/ns/mnt") in
    4026531840 | 4026531841 | 4026531832) ;;
    *) unavailable "the mounts here are not those that the kernel made first" ;;
    esac
}

own_mounts() {
    enter --mount
}

own_mounts_and_network() {
    enter --mount --net
    python3 "$peer" network
}

enter() {
    if [[ ${BEEWOLF_INSIDE:-} != yes ]]; then
        [[ $EUID = 0 ]] || fail "needs root"
        BEEWOLF_INSIDE=yes exec unshare --propagation private "$@" bash "$0"
    fi
    unset BEEWOLF_INSIDE
    work=$(mktemp -d /tmp/beewolf-attack.XXXXXX)
    mount -t tmpfs -o mode=755,size=64m beewolf-attack "$work"
    trap clean_up EXIT
    # Shells that are told to be interactive keep their history at home.
    export HOME=$work
    unset HISTFILE
    cd "$work"
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
    own_layer /etc
}

own_layer() {
    local layer=$work/${1##*/}
    mkdir "$layer-upper" "$layer-work"
    mount -t overlay -o "lowerdir=$1,upperdir=$layer-upper,workdir=$layer-work" beewolf-attack "$1"
}

own_folder() {
    # The helper may lie below it: somebody's clone is in /root.
    if [[ $peer = "$1"/* ]]; then
        cp "$peer" "$work/peer.py"
        peer=$work/peer.py
    fi
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

package() {
    mkdir -p "$1/DEBIAN" "$work/database/updates" "$work/database/info"
    touch "$work/database/status"
    printf '%s\n' 'Package: beewolf-benign' 'Version: 1' 'Architecture: all' \
        'Maintainer: Beewolf project <beewolf@example.org>' 'Description: a package' >"$1/DEBIAN/control"
    printf '#!/bin/sh\nset -e\n%s\n' "$2" >"$1/DEBIAN/postinst"
    chmod 755 "$1/DEBIAN/postinst"
    dpkg-deb --build --root-owner-group "$1" "$work/package.deb" >/dev/null
    dpkg --admindir="$work/database" --install "$work/package.deb" >/dev/null
}

logged() {
    local file=$1
    [[ $file = /* ]] || file=/var/log/$file
    mkdir -p "$(dirname "$file")"
    cat >"$file.new"
    mv "$file.new" "$file"
}

block_device() {
    modprobe loop 2>/dev/null || true
    mknod disk b 7 0
}

at_terminal() {
    TERM=dumb python3 -c 'import pty, sys; sys.exit(pty.spawn(["sh", "-c", sys.argv[1]]) != 0)' "$1" >/dev/null
}

at_prompt() {
    TERM=dumb python3 - "$1" <<'PYTHON' >/dev/null
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv("/bin/bash", ["bash"])
os.write(terminal, sys.argv[1].encode() + b"\nexit\n")
try:
    while os.read(terminal, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitpid(child, 0)[1] != 0)
PYTHON
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
