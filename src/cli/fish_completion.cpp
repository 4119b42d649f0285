// Completion in fish: a line of `complete` for each verb, option and place.
#include <string>
#include <string_view>

#include "cli/command_line.hpp"

namespace poolcpuid::cli {

namespace {

std::string fish_quoted(std::string_view text) {
    std::string out = "'";
    for (const char byte : text) {
        if (byte == '\'' || byte == '\\') out += '\\';
        out += byte;
    }
    return out + "'";
}

std::string fish_value(const Parameter& argument) {
    if (argument.takes == Takes::file) return " -F";
    if (argument.takes == Takes::directory) return " -a '(__fish_complete_directories)'";
    std::string words;
    for (const std::string& word : argument.words) words += (words.empty() ? "" : " ") + word;
    return words.empty() ? "" : " -a " + fish_quoted(words);
}

class FishScript {
public:
    explicit FishScript(const Command& program) : program_(program) {}

    std::string run() {
        std::string valued;
        for (const Parameter& option : program_.options) {
            if (option.takes == Takes::nothing) continue;
            for (const std::string& name : option.names) valued += " " + name;
        }
        text_ =
            "# Completion of poolcpuid in fish, made by: poolcpuid completion fish\n\n"
            "# True where the words so far name this verb; without an argument, where they name none.\n"
            "function __poolcpuid_at\n"
            "    set -l words\n"
            "    set -l skips no\n"
            "    for word in (commandline -opc)[2..]\n"
            "        if test $skips = yes\n"
            "            set skips no\n"
            "        else if contains -- $word" +
            valued +
            "\n"
            "            set skips yes\n"
            "        else if not string match -q -- '-*' $word\n"
            "            set -a words $word\n"
            "        end\n"
            "    end\n"
            "    set -l count (count $argv)\n"
            "    if test $count -eq 0\n"
            "        test (count $words) -eq 0\n"
            "    else\n"
            "        test (count $words) -ge $count; and test \"$words[1..$count]\" = \"$argv\"\n"
            "    end\n"
            "end\n\n"
            "complete -c poolcpuid -f\n";
        for (const Parameter& option : program_.options) add_option(option, "");
        add_below(program_, "");
        return text_;
    }

private:
    void line(const std::string& condition, const std::string& rest) {
        text_ += "complete -c poolcpuid" + (condition.empty() ? "" : " -n " + fish_quoted(condition)) + rest + "\n";
    }

    void add_option(const Parameter& option, const std::string& condition) {
        std::string rest;
        for (const std::string& name : option.names) {
            rest += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        }
        if (option.takes != Takes::nothing) rest += option.takes == Takes::file ? " -r" : " -x";
        line(condition, rest + fish_value(option) + " -d " + fish_quoted(option.description));
    }

    void add_verbs(const Command& command, const std::string& condition) {
        for (const Command& verb : command.verbs) {
            line(condition, " -a " + verb.name + " -d " + fish_quoted(verb.description));
        }
    }

    // What is below command, whose words are path.
    void add_below(const Command& command, const std::string& path) {
        std::string condition = "__poolcpuid_at" + path;
        for (const Command& verb : command.verbs)
            condition += path.empty() ? "" : "; and not __poolcpuid_at" + path + " " + verb.name;
        add_verbs(command, condition);
        for (const Command& verb : command.verbs) {
            const std::string at = path + " " + verb.name;
            for (const Parameter& option : verb.options) add_option(option, "__poolcpuid_at" + at);
            for (const Parameter& place : verb.places) {
                if (place.takes == Takes::verb) add_verbs(program_, "__poolcpuid_at" + at);
                const std::string value = fish_value(place);
                if (!value.empty()) line("__poolcpuid_at" + at, value);
            }
            add_below(verb, at);
        }
    }

    const Command& program_;
    std::string text_{};
};

}  // namespace

std::string fish_completion(const Command& program) { return FishScript(program).run(); }

}  // namespace poolcpuid::cli
