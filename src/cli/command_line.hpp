// What the command line takes, as data: what the manual pages and the shells' completions are made of. It is read from
// the parser itself, so they cannot say anything else than --help.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace poolcpuid::cli {

// What stands in the place of a value.
enum class Takes { nothing, anything, file, directory, word, verb };

// An option or, without names, an argument of a place.
struct Parameter {
    std::vector<std::string> names{};  // "-o", "--output"
    std::string value{};               // what --help calls the value: "FILE"
    std::string description{};
    std::string group{};  // the heading in --help
    Takes takes = Takes::nothing;
    std::vector<std::string> words{};  // of Takes::word: those it may be
    bool several = false;              // values, one after the other
    bool required = false;
};

struct Command {
    std::string name{};       // "list"
    std::string full_name{};  // "poolcpuid rules list"
    std::string description{};
    std::string footer{};
    std::vector<Parameter> options{};
    std::vector<Parameter> places{};
    std::vector<Command> verbs{};
};

// The verb, or the program, that app parses, with all that is below it.
Command command_of(CLI::App& app);

// The whole command line, as the shell of this name completes it: a script that the shell reads. shell: one of shells.
std::string completion_script(const Command& program, const std::string& shell);

inline const std::vector<std::string> shells{"bash", "zsh", "fish"};

std::string bash_completion(const Command& program);
std::string zsh_completion(const Command& program);
std::string fish_completion(const Command& program);

// The page of a verb of program, or of the program itself, for man: roff with the macros of man(7).
std::string manual_page(const Command& program, const Command& command);

}  // namespace poolcpuid::cli
