# shellcheck shell=bash
# What examples/run, tests/run and .ci/run share: the packages that a build needs, and the build itself.
# Sourced by bash with `set -euo pipefail`; everything that is said goes to stderr.

repository=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

# What the program needs to be built, and what the tests need on top. Debian's names; one place to add to.
# shellcheck disable=SC2034  # used by the scripts that source this
build_packages=(g++ cmake ninja-build nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev nettle-dev
                libpugixml-dev libutf8proc-dev libarchive-dev liblzma-dev zlib1g-dev libzstd-dev)
# shellcheck disable=SC2034
unit_packages=(catch2)
# shellcheck disable=SC2034
test_packages=("${unit_packages[@]}" chromium chromium-driver python3-selenium tidy poppler-utils strace valgrind)
# What tests/bench/run measures with.
# shellcheck disable=SC2034
bench_packages=("${unit_packages[@]}" libbenchmark-dev python3 valgrind cpuid cpuidtool libvirt-clients)
# The release's own clang, whatever its version, with the libraries of the sanitizers.
# shellcheck disable=SC2034
clang_packages=(clang libclang-rt-dev)
if [[ ${CXX:-} == clang* ]]; then build_packages+=("${clang_packages[@]}"); fi
# What tests/static_checks looks with.
# shellcheck disable=SC2034
static_packages=("${clang_packages[@]}" clang-tidy cppcheck)
# Layout differs from version to version: version 14 decides, which only Debian 12 has.
format_packages=()
# shellcheck source=/dev/null disable=SC2034
if [[ $(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}") == bookworm ]]; then format_packages=(clang-format-14); fi
# What tests/run --distro makes the root of another release with.
# shellcheck disable=SC2034
distro_packages=(debootstrap debian-archive-keyring)
# What the end-to-end tests run: tests/e2e skips what it does not find.
# shellcheck disable=SC2034
e2e_packages=(python3 gcc openssh-client qemu-system-x86 qemu-user libvirt-clients libvirt-daemon
              libvirt-daemon-driver-qemu ansible-core mandoc man-db zsh fish)
# tests/e2e/nested_svm needs the first installed; the others it downloads and unpacks, so that no kernel is installed.
# shellcheck disable=SC2034
nested_packages=(qemu-system-x86 python3)
# shellcheck disable=SC2034
nested_downloads=(linux-image-cloud-amd64 busybox-static)
# tests/e2e/audit_kernels likewise, whose kernels are of several releases.
# shellcheck disable=SC2034
kernels_packages=(qemu-system-x86 python3 gcc lz4 xz-utils zstd debian-archive-keyring)

say() { printf '%s\n' "$*" >&2; }

# quietly COMMAND...: runs it and shows what it printed only if it fails, with its exit status.
quietly() {
    local printed status=0
    printed=$("$@" 2>&1 </dev/null) || status=$?
    if [[ $status -ne 0 ]]; then say "$printed"; say "failed: $*"; fi
    return "$status"
}

# missing_packages PACKAGE...: prints those that are not installed, one a line.
missing_packages() {
    local installed package
    # dpkg-query exits 1 when it does not know a package at all; what it prints is right all the same.
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    for package; do
        grep -qxF "installed $package" <<<"$installed" || printf '%s\n' "$package"
    done
}

# install_packages AS_ROOT... -- PACKAGE...: AS_ROOT is the command that makes the caller root, or nothing.
install_packages() {
    local as_root=()
    while [[ $1 != -- ]]; do as_root+=("$1"); shift; done
    shift
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    # The package lists may be there and fresh: only when that is not so is it worth fetching them.
    "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null 2>&1 </dev/null && return
    quietly "${apt[@]}" update
    quietly "${apt[@]}" install -y --no-install-recommends "$@"
}

# require_packages PACKAGE...: installs what is missing where that needs no password, else says how and returns 1.
require_packages() {
    local missing
    if ! command -v dpkg-query >/dev/null; then
        say "Not a Debian system: make sure that the equivalents of these are installed: $*"
        return
    fi
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $(id -u) -eq 0 ]]; then
        say "Installing ${missing[*]}"
        install_packages -- "${missing[@]}"
    elif sudo -n true 2>/dev/null; then
        say "Installing ${missing[*]}"
        install_packages sudo -n -- "${missing[@]}"
    else
        say "Packages are missing. Install them and run this again:"
        say "sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
        return 1
    fi
}

# build_preset PRESET [TARGET]: brings build/PRESET up to date; configures only when it must (Ninja itself sees
# changed CMake files). CXX chooses the compiler; ccache is used where it is installed. Warnings are errors, so that
# tests/run has nothing to build again, but not in the end: with a compiler that warns, all is built again without.
build_preset() {
    local printed
    is_configured "$1" || configure "$1" -DPOOLCPUID_WERROR=ON
    if printed=$(compile "$@" 2>&1); then return; fi
    if [[ $printed != *"[-Werror"* ]]; then say "$printed"; return 1; fi
    configure "$1" -DPOOLCPUID_WERROR=OFF
    compile "$@"
}

# unpack_test_headers: valijson is headers alone, but Debian's package of it wants Qt, Poco and more, 320 MB: where it is
# not installed, it is downloaded and unpacked into build/downloads, where tests/CMakeLists.txt looks.
unpack_test_headers() {
    command -v dpkg-query >/dev/null || return 0
    [[ -n $(missing_packages libvalijson-dev) ]] || return 0
    # shellcheck source=tests/lib/downloads.sh
    source "$repository/tests/lib/downloads.sh"
    local directory=$repository/build/downloads
    mkdir -p -- "$directory"
    unpacked libvalijson-dev >/dev/null || { say "Not to be had: libvalijson-dev. Install it and run this again"; return 1; }
}

# build_tests PRESET [TARGET...]: the same with the tests, and warnings are errors. The program that is tested is the
# one that build_preset makes, so that neither builds it again.
build_tests() {
    local cache=$repository/build/$1/CMakeCache.txt
    if ! is_configured "$1" || ! grep -qxF "POOLCPUID_TESTS:BOOL=ON" "$cache" ||
        ! grep -qxF "POOLCPUID_WERROR:BOOL=ON" "$cache"; then
        unpack_test_headers
        configure "$1" -DPOOLCPUID_TESTS=ON -DPOOLCPUID_WERROR=ON
    fi
    compile "$@"
}

# compile PRESET [TARGET...]
compile() {
    local preset=$1
    shift
    export CCACHE_SLOPPINESS=pch_defines,time_macros  # else ccache does not take part with precompiled headers
    quietly cmake --build "$repository/build/$preset" --parallel "$(nproc)" --target "${@:-all}"
}

# is_configured PRESET: for this place, and with the compiler that is asked for, if one is.
is_configured() {
    local directory=$repository/build/$1
    local cache=$directory/CMakeCache.txt
    grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$repository" "$cache" && [[ -f $directory/build.ninja ]] &&
        { [[ -z ${CXX:-} ]] || grep -qx "CMAKE_CXX_COMPILER:[A-Z]*=$(command -v -- "${CXX%% *}")" "$cache"; }
}

# configure PRESET CMAKE-ARGUMENT...
configure() {
    local preset=$1 directory=$repository/build/$1 fresh=()
    shift
    # Of a moved repository, of another compiler, or half made.
    if [[ -f $directory/CMakeCache.txt ]] && ! is_configured "$preset"; then fresh=(--fresh); fi
    if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
    say "Building in build/$preset: a few minutes the first time"
    (cd -- "$repository" && quietly cmake --preset "$preset" "${fresh[@]}" "$@")
}
