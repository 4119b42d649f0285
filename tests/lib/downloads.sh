# shellcheck shell=bash
# Packages of Debian that are unpacked and not installed: kernels, and what runs in them. Sourced behind build.sh;
# directory is where they go, which the caller sets.

# What apt is told: nothing for the machine's own release.
apt_options=()

# parts PACKAGE: it, and the packages of the kernel that it stands for, a line each; which these are differs by release.
parts() {
    local part
    printf '%s\n' "$1"
    apt-cache "${apt_options[@]}" depends --important "$1" 2>/dev/null |
        sed -nE 's/^ *Depends: (linux-(image|binary|modules)-[0-9].*)$/\1/p' |
        while read -r part; do parts "$part"; done
}

# unpacked PACKAGE: downloads a package of Debian with its parts, and unpacks them once. Prints where.
unpacked() {
    local packages target package
    mapfile -t packages < <(parts "$1")
    target=$directory/${packages[1]:-$1}  # the first part has the kernel's version in its name
    if [[ ! -d $target ]]; then
        rm -rf -- "$target.new"
        mkdir -p -- "$target.new"
        (cd -- "$target.new" && quietly apt-get -q "${apt_options[@]}" -o APT::Sandbox::User=root download "${packages[@]}") || return 1
        for package in "$target.new/"*.deb; do
            dpkg-deb -x "$package" "$target.new" && rm -- "$package" || return 1
        done
        mv -- "$target.new" "$target"
    fi
    printf '%s\n' "$target"
}

# use_release RELEASE: packages come from that release of Debian, and from its security updates, from now on; false
# where apt has no archive of it here. Needs mirrors.sh.
use_release() {
    local apt=$directory/apt-$1 mirror keyring suite suites=()
    apt_options=()
    mkdir -p -- "$apt/etc" "$apt/lists/partial" "$apt/cache/archives/partial"
    for suite in "$1" "$1-security"; do
        mirror=
        find_mirror "$suite" || continue
        suites+=('Types: deb' "URIs: $mirror" "Suites: $suite" 'Components: main' "Signed-By: $keyring" '')
    done
    [[ ${#suites[@]} -ne 0 ]] || return 1
    printf '%s\n' "${suites[@]}" >"$apt/etc/debian.sources"
    apt_options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/etc" -o "Dir::State::Lists=$apt/lists"
                 -o "Dir::Cache=$apt/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
    quietly apt-get -q "${apt_options[@]}" update
}
