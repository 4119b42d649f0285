// Completion in bash, with nothing but bash itself: the package bash-completion only loads the script.
#include <algorithm>
#include <string>

#include "cli/command_line.hpp"

namespace poolcpuid::cli {

namespace {

// How the script finds its way, whatever the verbs are. COMP_WORDS has "--a=b" as three words, and "a=b", too.
constexpr const char* bash_machinery = R"sh(
_poolcpuid_of_option() {
    # $1: a verb, $2: its option. Sets what the option takes; false when it takes nothing.
    _poolcpuid_facts "$1" "$2" || _poolcpuid_facts '' "$2"
}

_poolcpuid_complete() {
    # $1: what is taken, $2: the words of it, $3: what there is of it
    local candidate list=''
    case $1 in
        word)
            [[ $3 == *,* ]] && list=${3%,*},
            while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done \
                < <(compgen -P "$list" -W "$2" -- "${3##*,}")
            ;;
        file | directory)
            compopt -o filenames 2>/dev/null
            local action=-f
            [[ $1 == directory ]] && action=-d
            while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen "$action" -- "$3")
            ;;
    esac
}

_poolcpuid() {
    local verb='' word before i current=${COMP_WORDS[COMP_CWORD]}
    local takes words options verbs place
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -* ]]; then
            [[ ${COMP_WORDS[i + 1]} == '=' ]] && { i=$((i + 2)); continue; }
            _poolcpuid_of_option "$verb" "$word" && i=$((i + 1))
            continue
        fi
        _poolcpuid_verb "$verb"
        [[ " $verbs " == *" $word "* ]] && verb=${verb:+$verb }$word
    done

    before=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $current == '=' ]]; then
        current=''
    elif [[ $before == '=' && $COMP_CWORD -ge 2 ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ $before == -* ]] && _poolcpuid_of_option "$verb" "$before"; then
        _poolcpuid_complete "$takes" "$words" "$current"
        return
    fi
    _poolcpuid_verb "$verb"
    if [[ $current == -* ]]; then
        _poolcpuid_complete word "$options" "$current"
    elif [[ -n $verbs ]]; then
        _poolcpuid_complete word "$verbs" "$current"
    else
        _poolcpuid_complete "$place" "$words" "$current"
    fi
}

complete -F _poolcpuid poolcpuid
)sh";

std::string joined_by_blanks(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

const char* word_for(Takes takes) {
    switch (takes) {
        case Takes::file: return "file";
        case Takes::directory: return "directory";
        case Takes::word:
        case Takes::verb: return "word";
        default: return "anything";
    }
}

std::vector<std::string> words_for(const Parameter& argument, const Command& program) {
    if (argument.takes != Takes::verb) return argument.words;
    std::vector<std::string> verbs;
    for (const Command& verb : program.verbs) verbs.push_back(verb.name);
    return verbs;
}

class BashScript {
public:
    explicit BashScript(const Command& program) : program_(program) {}

    std::string run() {
        add(program_, "", {});
        return "# Completion of poolcpuid in bash, made by: poolcpuid completion bash\n\n"
               "_poolcpuid_facts() {\n"
               "    case \"$1:$2\" in\n" +
               of_options_ +
               "        *) return 1 ;;\n"
               "    esac\n"
               "}\n\n"
               "_poolcpuid_verb() {\n"
               "    place='' words='' verbs=''\n"
               "    case $1 in\n" +
               of_verbs_ +
               "    esac\n"
               "}\n" +
               bash_machinery;
    }

private:
    std::string taken(const Parameter& argument, const char* name) const {
        return std::string(name) + "=" + word_for(argument.takes) + " words='" +
               joined_by_blanks(words_for(argument, program_)) + "'";
    }

    // path: the words of the verb without the program's.
    void add(const Command& command, const std::string& path, std::vector<std::string> options) {
        for (const Parameter& option : command.options) {
            options.insert(options.end(), option.names.begin(), option.names.end());
            if (option.takes == Takes::nothing) continue;
            of_options_ += "        ";
            for (std::size_t i = 0; i < option.names.size(); ++i) {
                of_options_ += (i == 0 ? "'" : " | '") + path + ":" + option.names[i] + "'";
            }
            of_options_ += ") " + taken(option, "takes") + " ;;\n";
        }
        std::vector<std::string> verbs;
        for (const Command& verb : command.verbs) verbs.push_back(verb.name);
        of_verbs_ += "        '" + path + "') verbs='" + joined_by_blanks(verbs) + "'";
        // One is enough for all places: files, where any of them is one.
        const auto place = std::find_if(command.places.begin(), command.places.end(),
                                        [](const Parameter& each) { return each.takes != Takes::anything; });
        if (place != command.places.end()) of_verbs_ += " " + taken(*place, "place");
        of_verbs_ += "\n            options='" + joined_by_blanks(options) + "' ;;\n";
        for (const Command& verb : command.verbs) add(verb, path.empty() ? verb.name : path + " " + verb.name, options);
    }

    const Command& program_;
    std::string of_options_{};
    std::string of_verbs_{};
};

}  // namespace

std::string bash_completion(const Command& program) { return BashScript(program).run(); }

}  // namespace poolcpuid::cli
