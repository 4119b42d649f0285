#include "cli/usage.hpp"

#include <CLI/CLI.hpp>
#include <vector>

#include "base/lists.hpp"
#include "cli/arguments.hpp"
#include "poolcpuid/error.hpp"
#include "rulebook/near_names.hpp"

namespace poolcpuid::cli {

namespace {

using Words = std::vector<std::string>;

// The verb of a verb that was reached before something was wrong.
const CLI::App& verb_reached(const CLI::App& program) {
    const CLI::App* at = &program;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
    return *at;
}

Words verbs_of(const CLI::App& app) {
    Words names;
    for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(verb->get_name());
    }
    return names;
}

std::string no_verb(const CLI::App& app, const std::string& word) {
    return full_name(app) + " has no verb \"" + word + "\"" +
           rulebook::did_you_mean(rulebook::near_words(verbs_of(app), word));
}

// The long names of the options that may be given to app: its own, and those of what it is a verb of.
Words options_of(const CLI::App& app) {
    Words names;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        for (const CLI::Option* option : at->get_options()) {
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        }
    }
    return names;
}

// What an argument says that nobody takes.
std::string not_taken(const CLI::App& app, const std::string& argument) {
    const std::string name = argument.substr(0, argument.find('='));
    const bool is_option = name.starts_with("--") && name.size() > 2;
    return full_name(app) + " does not take \"" + argument + "\"" +
           (is_option ? rulebook::did_you_mean(rulebook::near_words(options_of(app), name)) : "");
}

// What may be given to a required option that was not, where the words are known; and which options have taken words
// that may have been meant for a required argument: those of many words take all that follow.
std::string what_is_missing(CLI::App& app) {
    std::string text;
    for (CLI::Option* option : app.get_options({})) {
        const Words words = option->get_required() && option->count() == 0 ? words_of(*option) : Words();
        if (!words.empty()) text += ": one of " + joined(words);
    }
    for (const CLI::Option* option : app.get_options({})) {
        const bool takes_many = option->nonpositional() && option->get_expected_max() > 1;
        if (takes_many && option->count() > 0) {
            text += "; " + option->get_name() + " took \"" + joined(option->results(), "\", \"") +
                    "\" (put what is required in front of it)";
        }
    }
    return text;
}

std::string what_is_wrong(const CLI::App& program, const CLI::ParseError& error) {
    const CLI::App& app = verb_reached(program);
    const bool is_missing = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
    if (is_missing && &app != &program && app.get_subcommands({}).empty()) {
        return error.what() + what_is_missing(*app.get_parent()->get_subcommand(&app));
    }
    const Words left_over = program.remaining(true);
    const bool needs_verb = app.get_require_subcommand_min() > 0;
    const bool is_left_over = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
    if (!needs_verb && !is_left_over) return error.what();
    for (const std::string& word : left_over) {
        if (word.starts_with("-") || !needs_verb) return not_taken(app, word);
        return no_verb(app, word);
    }
    return needs_verb ? full_name(app) + " takes a verb: " + joined(verbs_of(app)) : error.what();
}

}  // namespace

std::string usage_message(const CLI::App& program, const CLI::ParseError& error) {
    return what_is_wrong(program, error) + " (see " + full_name(verb_reached(program)) + " --help)";
}

CLI::App& verb_named(CLI::App& program, const std::vector<std::string>& words) {
    CLI::App* at = &program;
    for (const std::string& word : words) {
        const auto named = at->get_subcommands([&](CLI::App* verb) { return verb->get_name() == word; });
        if (named.empty()) throw UsageError(no_verb(*at, word));
        at = named.front();
    }
    return *at;
}

std::string full_name(const CLI::App& verb) {
    const CLI::App* parent = verb.get_parent();
    return parent == nullptr ? verb.get_name() : full_name(*parent) + " " + verb.get_name();
}

}  // namespace poolcpuid::cli
