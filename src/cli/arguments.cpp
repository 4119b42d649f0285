#include "cli/arguments.hpp"

#include <sstream>

#include "base/lists.hpp"
#include "cli/page.hpp"

namespace poolcpuid::cli {

namespace {

// The parser has no place for the words of a check but its name, which it does not show.
const std::string words_are = "words:";

CLI::Validator with_words(CLI::Validator check, const std::vector<std::string>& words) {
    check.description("");
    std::string name = words_are;
    for (const std::string& word : words) name += " " + word;
    return check.name(name);
}

}  // namespace

CLI::Validator one_of(const std::vector<std::string>& words) { return with_words(CLI::IsMember(words), words); }

CLI::Validator likely(const std::vector<std::string>& words) {
    return with_words(CLI::Validator([](std::string&) { return std::string(); }, ""), words);
}

std::vector<std::string> words_of(CLI::Option& option) {
    std::vector<std::string> words;
    try {
        std::istringstream name(option.get_validator(0)->get_name());
        std::string word;
        name >> word;
        if (word != words_are) return words;
        while (name >> word) words.push_back(word);
    } catch (const CLI::OptionNotFound&) {  // it has no check
    }
    return words;
}

void add_result_options(CLI::App& verb, ResultOptions& options, const std::vector<std::string>& more) {
    std::vector<std::string> formats = more;
    formats.insert(formats.end(), {"json", "text"});
    const std::string all = joined({formats.begin(), formats.end() - 1}) + " or " + formats.back();
    verb.add_option("--format", options.format, all + "; by itself text on a terminal, else json")
        ->check(one_of(formats))
        ->type_name("FORMAT");
    add_output_option(verb, options.output, "Write the JSON to FILE, and the text to standard error");
}

CLI::Option* add_output_option(CLI::App& verb, std::string& output, const std::string& description) {
    CLI::Validator file(
        [](const std::string& text) {
            if (text.empty()) return std::string("takes the name of a file");
            return text == "-" ? std::string("takes the name of a file; without it, standard output is written to")
                               : std::string();
        },
        "");
    return verb.add_option("-o,--output", output, description)->check(file)->type_name("FILE");
}

void add_rulebook_option(CLI::App& verb, std::string& directory) {
    verb.add_option("--rulebook", directory, "Use the rulebook in DIR instead of the built-in one")->type_name("DIR");
}

void add_strictness_options(CLI::App& verb, StrictnessOptions& options) {
    verb.add_option("--unknown", options.unknown,
                    "What a promise counts as that a host is not known to keep: fail (default) or warn")
        ->check(one_of({"fail", "warn"}))
        ->type_name("WORD");
    verb.add_flag("--strict", options.strict,
                  "Fail where a VM would run degraded, too: slower, or with another description");
}

namespace {

constexpr std::size_t help_width = 80;
constexpr std::size_t description_column = 26;

// A name in the left column and its description, wrapped, in the right one.
std::string entry(const std::string& name, const std::string& description) {
    std::string text = "  " + name;
    if (display_width(text) + 2 > description_column) {
        text += "\n" + std::string(description_column, ' ');
    } else {
        text = padded(text, description_column);
    }
    return text + wrapped(description, help_width, description_column, description_column) + "\n";
}

}  // namespace

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
    std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
    // The parser leaves two blank lines between some groups.
    for (std::size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n")) text.erase(at, 1);
    return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
    std::string name = is_positional ? option->get_name(true) : option->get_name(false, true);
    for (std::size_t at = name.find(','); at != std::string::npos; at = name.find(',', at + 2))
        name.insert(at + 1, " ");
    const bool takes_value = !is_positional && option->get_type_size() > 0;
    if (takes_value) name += " " + option->get_type_name();
    return entry(name, option->get_description());
}

std::string HelpFormatter::make_subcommand(const CLI::App* sub) const {
    return entry(sub->get_name(), sub->get_description());
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
    return wrapped(app->get_description(), help_width, 0, 0) + "\n";
}

}  // namespace poolcpuid::cli
