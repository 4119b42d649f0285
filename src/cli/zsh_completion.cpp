// Completion in zsh, by its _arguments.
#include <string>
#include <string_view>

#include "cli/command_line.hpp"

namespace poolcpuid::cli {

namespace {

// Text in a description of _arguments, between single quotes.
std::string zsh_quoted(std::string_view text) {
    std::string out;
    for (const char byte : text) {
        if (byte == '\'') {
            out += "'\\''";
            continue;
        }
        if (byte == '[' || byte == ']' || byte == ':' || byte == '\\') out += '\\';
        out += byte;
    }
    return out;
}

// What follows a description: ":FILE:_files".
std::string zsh_value(const Parameter& argument) {
    if (argument.takes == Takes::nothing) return "";
    std::string text = ":" + zsh_quoted(argument.value) + ":";
    if (argument.takes == Takes::file) text += "_files";
    if (argument.takes == Takes::directory) text += "_files -/";
    if (argument.takes == Takes::verb) text += "_poolcpuid_verbs";
    if (argument.takes != Takes::word) return text;
    text += "(";
    for (const std::string& word : argument.words) text += (text.back() == '(' ? "" : " ") + word;
    return text + ")";
}

std::string option_spec(const Parameter& option) {
    std::string text;
    for (const std::string& name : option.names) {
        const bool has_equals = option.takes != Takes::nothing && name.starts_with("--");
        text += std::string("        '*") + name + (has_equals ? "=" : "") + "[" + zsh_quoted(option.description) +
                "]" + zsh_value(option) + "' \\\n";
    }
    return text;
}

std::string function_of(const Command& command) {
    std::string name = "_";
    for (const char byte : command.full_name) name += byte == ' ' ? '_' : byte;
    return name;
}

class ZshScript {
public:
    explicit ZshScript(const Command& program) : program_(program) {}

    std::string run() {
        add(program_, "");
        return "#compdef poolcpuid\n# Completion of poolcpuid in zsh, made by: poolcpuid completion zsh\n\n" + text_ +
               "if [[ $funcstack[1] == _poolcpuid ]]; then _poolcpuid \"$@\"; else compdef _poolcpuid poolcpuid; fi\n";
    }

private:
    void verbs_of(const Command& command) {
        text_ += function_of(command) + "_verbs() {\n    local -a verbs=(\n";
        for (const Command& verb : command.verbs) {
            text_ += "        '" + verb.name + ":" + zsh_quoted(verb.description) + "'\n";
        }
        text_ += "    )\n    _describe verb verbs\n}\n\n";
    }

    // inherited: the options of what the command is a verb of.
    void add(const Command& command, std::string inherited) {
        for (const Parameter& option : command.options) inherited += option_spec(option);
        const std::string function = function_of(command);
        if (!command.verbs.empty()) verbs_of(command);
        text_ += function + "() {\n    local curcontext=$curcontext state line\n    typeset -A opt_args\n";
        text_ += "    _arguments -C -s -S \\\n" + inherited;
        if (command.verbs.empty()) {
            for (const Parameter& place : command.places) {
                const bool repeats = place.several;
                text_ += "        '" + std::string(repeats ? "*" : "") + (repeats ? ":" : "::") +
                         zsh_value(place).substr(1) + "' \\\n";
            }
            text_ += "        && return 0\n    return 1\n}\n\n";
            return;
        }
        text_ += "        '1:verb:" + function + "_verbs' \\\n        '*::argument:->rest' \\\n        && return 0\n";
        text_ += "    [[ $state == rest ]] || return 1\n    case $line[1] in\n";
        for (const Command& verb : command.verbs) {
            text_ += "        " + verb.name + ") " + function_of(verb) + " ;;\n";
        }
        text_ += "    esac\n}\n\n";
        for (const Command& verb : command.verbs) add(verb, inherited);
    }

    const Command& program_;
    std::string text_{};
};

}  // namespace

std::string zsh_completion(const Command& program) { return ZshScript(program).run(); }

}  // namespace poolcpuid::cli
