# shellcheck shell=bash disable=SC2154  # repository comes from build.sh
# What examples/run and examples/check share: running the commands of an example plan or session. Sourced after build.sh.

# in_copy NAME COMMAND...: runs it in examples/NAME of a copy of the examples, so that none of them changes, with the
# program and tests/lib on PATH, and for a terminal of 80 columns.
in_copy() (
    copy=$(mktemp -d)
    trap 'rm -rf -- "$copy"' EXIT
    cp -r -- "$repository/examples" "$copy"
    cd -- "$copy/examples/$1" || exit
    shift
    COLUMNS=80 PATH=$repository/build/release:$repository/tests/lib:$PATH "$@"
)

# plan_example NAME FORMAT: runs each line of examples/NAME/commands with poolcpuid and prints what the last, the plan,
# prints in that format. Fails when a command does.
plan_example() { in_copy "$1" plan_commands "$2"; }

plan_commands() {
    local words status
    while read -r -a words; do
        if [[ ${words[0]} == plan ]]; then
            status=0
            poolcpuid "${words[@]}" --format "$1" || status=$?
            [[ $status -le 1 ]] || exit "$status"  # 1: VMs strand
        else
            quietly poolcpuid "${words[@]}"
        fi
    done <commands
}

# session_example NAME: runs each line of examples/NAME/session in a shell of its own and prints what a terminal would
# show: the line, both outputs, and an exit status that is not 0. What follows # is said, and not run.
session_example() { in_copy "$1" session_lines; }

session_lines() {
    local line status
    while IFS= read -r line; do
        case $line in
            '' | '#'*) printf '%s\n' "$line" ;;
            *)
                printf '$ %s\n' "$line"
                status=0
                bash -c "set -o pipefail; $line" </dev/null 2>&1 || status=$?
                [[ $status -eq 0 ]] || printf '(exit status %s)\n' "$status"
                ;;
        esac
    done <session
}
