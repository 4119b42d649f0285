# shellcheck shell=bash
# Roots of Debian's releases: how tests/lib/distro and tests/package/run make and enter them. Sourced behind build.sh; the
# caller has a function fail.

# shellcheck source=tests/lib/mirrors.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/mirrors.sh"

roots=$repository/build/distro

# make_root RELEASE ROOT
make_root() {
    local root=$2 mirror keyring new=$2.new http_proxy=${http_proxy:-}
    find_mirror "$1" || fail "no archive that apt uses here has Debian's release '$1'"
    say "Making a root of $1 in ${root#"$PWD"/}, from $mirror"
    rm -rf --one-file-system -- "$new"
    if [[ -z $http_proxy ]]; then eval "$(apt-config shell http_proxy Acquire::http::Proxy)"; fi
    http_proxy=$http_proxy quietly debootstrap --variant=minbase --keyring="$keyring" --include=ca-certificates \
        "$1" "$new" "$mirror"
    # What apt is told here about proxies and dates holds for the same mirror there.
    apt-config dump Acquire | grep -E '^Acquire::(https?|Check)' >"$new/etc/apt/apt.conf.d/90host" || true
    if [[ $keyring == "$debian_keyring" ]]; then
        # Of the release itself, which calls it so or so.
        if [[ -f $new${keyring%.gpg}.pgp ]]; then keyring=${keyring%.gpg}.pgp; fi
    else
        cp -- "$keyring" "$new/usr/share/keyrings"
        keyring=/usr/share/keyrings/${keyring##*/}
    fi
    printf '%s\n' 'Types: deb' "URIs: $mirror" "Suites: $1" 'Components: main' "Signed-By: $keyring" \
        >"$new/etc/apt/sources.list.d/debian.sources"
    rm -f -- "$new/etc/apt/sources.list"
    # No package starts a daemon.
    printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d"
    chmod +x "$new/usr/sbin/policy-rc.d"
    mv -- "$new" "$root"
}

# in_root ROOT COMMAND...: runs it with none of this machine's settings but these.
in_root() {
    local root=$1 name environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 CCACHE_DIR=/ccache)
    shift
    for name in CXX TERM POOLCPUID_LAW_DIVISOR http_proxy https_proxy no_proxy; do
        if [[ -n ${!name:-} ]]; then environment+=("$name=${!name}"); fi
    done
    env -i "${environment[@]}" chroot "$root" "$@"
}
