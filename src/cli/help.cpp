#include "cli/help.hpp"

#include "cli/page.hpp"

namespace poolcpuid::cli {

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
