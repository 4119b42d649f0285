# shellcheck shell=bash
# From which archives apt takes packages here, for other releases of Debian than the machine's. Sourced behind build.sh.

debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# mirrors: the archives that apt is told to use, each with the file and the number of the entry that says so.
mirrors() {
    local entry uri address
    # Without --no-release-info apt leaves out what it has not fetched yet.
    # shellcheck disable=SC2016  # the $(...) are apt's
    apt-get indextargets --no-release-info --format '$(SOURCESENTRY) $(REPO_URI)' 'Created-By: Packages' | while read -r entry uri; do
        uri=${uri%/}
        if [[ $uri == mirror+file:* ]]; then  # a file that lists them, which Debian's cloud images have
            while read -r address _; do
                [[ -z $address || $address == \#* ]] || printf '%s %s\n' "$entry" "${address%/}"
            done <"${uri#mirror+file:}"
        else
            printf '%s %s\n' "$entry" "$uri"
        fi
    done | sort -u -k 2,2
}

# signed_by FILE:NUMBER: the keyring that an entry of apt's sources names, or Debian's. An entry is a stanza, or a line.
signed_by() {
    local file=${1%:*} number=${1##*:} keyring
    case $file in
        *.sources) keyring=$(awk -v RS= -v stanza="$number" 'NR == stanza' "$file" | sed -n 's/^signed-by: *//Ip') ;;
        *) keyring=$(sed -n "${number}p" "$file" | sed -n 's/.*signed-by=\([^] ]*\).*/\1/Ip') ;;
    esac
    if [[ -f $keyring ]]; then printf '%s\n' "$keyring"; else printf '%s\n' "$debian_keyring"; fi
}

# find_mirror RELEASE: sets mirror and keyring to those of the first archive of Debian's that has the release, or of its
# updates, or is false.
# shellcheck disable=SC2034  # the caller's variables
find_mirror() {
    local entry uri index
    index=$(mktemp)
    while read -r entry uri; do
        /usr/lib/apt/apt-helper download-file "$uri/dists/$1/Release" "$index" >/dev/null 2>&1 || continue
        grep -qx 'Origin: Debian' "$index" || continue
        mirror=$uri
        keyring=$(signed_by "$entry")
        break
    done < <(mirrors)
    rm -f -- "$index"
    [[ -n ${mirror:-} ]]
}
