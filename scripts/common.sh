# shellcheck shell=bash
# What every script here shares: where things are, and how to say something.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Kernels for guests and roots for the fresh-machine check. Safe to delete at any time.
# shellcheck disable=SC2034 # read by the scripts that source this file
cache=${BEEWOLF_CACHE:-${HOME:-/root}/.cache/beewolf}
# shellcheck disable=SC2034
target=${CARGO_TARGET_DIR:-$repository/target}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# Prints "URI suite components" for each source in /etc/apt that carries the running Debian release
# (also its security and updates suites), whichever of the two formats it is written in.
debian_sources() {
    local codename
    codename=$(. /etc/os-release && [ "$ID" = debian ] && printf %s "${VERSION_CODENAME:-}")
    [ -n "$codename" ] || return 0
    {
        # Each Deb822 stanza becomes lines of the one-line form.
        find /etc/apt -maxdepth 2 -name '*.sources' -type f -exec sed '$G' {} + 2>/dev/null |
            awk -v RS= -F '\n' '{
                delete field
                for (i = 1; i <= NF; i++) {
                    colon = index($i, ":")
                    if (colon && $i !~ /^[#[:space:]]/) field[tolower(substr($i, 1, colon - 1))] = substr($i, colon + 1)
                }
                if (field["types"] !~ /(^| )deb( |$)/) next
                uris = split(field["uris"], uri, " ")
                suites = split(field["suites"], suite, " ")
                for (i = 1; i <= uris; i++)
                    for (j = 1; j <= suites; j++) print uri[i], suite[j] field["components"]
            }'
        find /etc/apt -maxdepth 2 -name '*.list' -type f -exec cat {} + 2>/dev/null |
            sed -nE 's/^[[:space:]]*deb[[:space:]]+(\[[^]]*\][[:space:]]+)?//p'
    } | awk -v codename="$codename" '
        $2 ~ "^" codename "(-security|-updates)?$" && / main( |$)/ && !seen[$1 " " $2]++ { print $1, $2, "main" }'
}
