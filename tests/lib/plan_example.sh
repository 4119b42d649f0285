# shellcheck shell=bash disable=SC2154  # repository comes from build.sh
# What examples/run and examples/check share: running the commands of an example plan. Sourced after build.sh.

# plan_example NAME FORMAT: runs each line of examples/NAME/commands with poolcpuid, in a copy of the examples so that
# none of them changes, and prints what the last, the plan, prints in that format. Fails when a command does.
plan_example() (
    program=$repository/build/release/poolcpuid
    copy=$(mktemp -d)
    trap 'rm -rf -- "$copy"' EXIT
    cp -r -- "$repository/examples" "$copy"
    cd -- "$copy/examples/$1" || exit
    while read -r -a words; do
        if [[ ${words[0]} == plan ]]; then
            status=0
            COLUMNS=80 "$program" "${words[@]}" --format "$2" || status=$?
            [[ $status -le 1 ]] || exit "$status"  # 1: VMs strand
        else
            quietly "$program" "${words[@]}"
        fi
    done <commands
)
