// The pages for man: man(7), which groff and mandoc set. A page has what --help has, in the sections that man pages
// have; of the free text below the options, the paragraphs that begin "Examples:" and "Exit status" are such sections.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.hpp"

namespace poolcpuid::cli {

namespace {

constexpr std::string_view examples_begin = "Examples:\n";
constexpr std::string_view status_begins = "Exit status";

// What roff would take for something else; pages are ASCII.
std::string escaped(std::string_view text) {
    static const std::map<char, std::string_view> signs{{'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"}, {'"', "\\(dq"},
                                                        {'^', "\\(ha"}, {'~', "\\(ti"}, {'`', "\\(ga"}};
    constexpr std::string_view ellipsis = "…";
    std::string out;
    while (!text.empty()) {
        if (text.starts_with(ellipsis)) {
            out += "\\[u2026]";
            text.remove_prefix(ellipsis.size());
            continue;
        }
        const auto sign = signs.find(text.front());
        if (sign == signs.end() && out.empty() && text.front() == '.') out = "\\&";
        if (sign == signs.end()) {
            out += text.front();
        } else {
            out += sign->second;
        }
        text.remove_prefix(1);
    }
    return out;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

std::string with_dashes(std::string name) {
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
}

std::string upper(std::string text) {
    for (char& byte : text) {
        if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
    }
    return text;
}

// The parts of text between sign, without it.
std::vector<std::string_view> split(std::string_view text, std::string_view sign) {
    std::vector<std::string_view> parts;
    for (std::size_t at = text.find(sign); at != std::string_view::npos; at = text.find(sign)) {
        parts.push_back(text.substr(0, at));
        text.remove_prefix(at + sign.size());
    }
    parts.push_back(text);
    return parts;
}

bool is_laid_out(std::string_view paragraph) {
    return paragraph.starts_with(" ") || paragraph.find("\n ") != std::string_view::npos;
}

// Lines as they stand where they are laid out, else filled.
std::string lines_of(std::string_view paragraph) {
    std::string text;
    const bool is_verbatim = is_laid_out(paragraph);
    if (is_verbatim) text += ".nf\n";
    for (std::string_view line : split(paragraph, "\n")) {
        if (is_verbatim && line.starts_with("  ")) line.remove_prefix(2);
        text += escaped(line) + "\n";
    }
    return text + (is_verbatim ? ".fi\n" : "");
}

class Manual {
public:
    Manual(const Command& program, const Command& command)
        : program_(program), command_(command), is_program_(command.full_name == program.full_name) {}

    std::string run() {
        const std::string name = with_dashes(command_.full_name);
        text_ = ".TH " + escaped(upper(name)) + " 1 \"\" poolcpuid \"User Commands\"\n";
        section("NAME");
        std::string description = command_.description;
        if (description.ends_with(".")) description.pop_back();
        text_ += escaped(name) + " \\- " + escaped(description) + "\n";
        section("SYNOPSIS");
        synopsis(command_);
        section("DESCRIPTION");
        text_ += escaped(command_.description) + (command_.description.ends_with(".") ? "\n" : ".\n");
        free_text(command_);
        if (!command_.verbs.empty()) verbs();
        arguments();
        statuses();
        samples();
        references();
        return text_;
    }

private:
    void section(const std::string& name) { text_ += ".SH " + name + "\n"; }
    void subsection(const std::string& name) { text_ += ".SS \"" + escaped(name) + "\"\n"; }

    static std::string place_text(const Parameter& place) {
        const std::string text = italic(place.value) + (place.several ? " \\&..." : "");
        return place.required ? text : "[" + text + "]";
    }

    void synopsis(const Command& command) {
        text_ += ".B " + escaped(command.full_name) + "\n";
        text_ += "[" + italic("OPTION") + " \\&...]\n";
        if (!command.verbs.empty()) text_ += italic("VERB") + " \\&...\n";
        for (const Parameter& place : command.places) text_ += place_text(place) + "\n";
    }

    // The paragraphs of a footer that are in no section of their own.
    void free_text(const Command& command) {
        for (const std::string_view paragraph : split(command.footer, "\n\n")) {
            if (paragraph.empty() || paragraph.starts_with(examples_begin) || paragraph.starts_with(status_begins))
                continue;
            text_ += ".PP\n" + lines_of(paragraph);
        }
    }

    void entry(const std::string& label, const std::string& description) {
        text_ += ".TP\n" + label + "\n" + escaped(description) + "\n";
    }

    void argument(const Parameter& argument) {
        std::string label;
        for (const std::string& name : argument.names) label += (label.empty() ? "" : ", ") + bold(name);
        if (argument.takes != Takes::nothing) label += (label.empty() ? "" : " ") + italic(argument.value);
        entry(label, argument.description);
    }

    // By their headings; the first, which is the parser's own, has none here.
    void options_of(const Command& command) {
        std::vector<std::string> groups;
        for (const Parameter& option : command.options) {
            if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) groups.push_back(option.group);
        }
        for (const std::string& group : groups) {
            if (group != "Options") subsection(group);
            for (const Parameter& option : command.options) {
                if (option.group == group) argument(option);
            }
        }
    }

    void verbs() {
        section("VERBS");
        for (const Command& verb : command_.verbs) {
            if (is_program_) {
                entry(bold(verb.name), verb.description);
                continue;
            }
            subsection(verb.full_name);
            synopsis(verb);
            text_ += ".PP\n" + escaped(verb.description) + ".\n";
            free_text(verb);
            for (const Parameter& place : verb.places) argument(place);
            options_of(verb);
        }
    }

    void arguments() {
        section("OPTIONS");
        for (const Parameter& place : command_.places) argument(place);
        options_of(command_);
        if (is_program_) return;
        subsection("Of every verb");
        for (const Parameter& option : program_.options) {
            const bool is_own = std::any_of(command_.options.begin(), command_.options.end(),
                                            [&](const Parameter& own) { return own.names == option.names; });
            if (!is_own) argument(option);
        }
    }

    void statuses() {
        section("EXIT STATUS");
        if (!is_program_) {
            for (const std::string_view paragraph : split(command_.footer, "\n\n")) {
                if (paragraph.starts_with(status_begins)) text_ += lines_of(paragraph) + ".PP\nOf any verb:\n";
            }
        }
        for (std::string_view paragraph : split(program_.footer, "\n\n")) {
            if (!paragraph.starts_with(status_begins)) continue;
            std::string line(paragraph.substr(paragraph.find(": ") + 2));
            std::replace(line.begin(), line.end(), '\n', ' ');
            if (line.ends_with(".")) line.pop_back();
            for (const std::string_view status : split(line, "; ")) {
                const std::size_t blank = status.find(' ');
                entry(bold(status.substr(0, blank)), std::string(status.substr(blank + 1)));
            }
        }
    }

    void samples() {
        for (std::string_view paragraph : split(command_.footer, "\n\n")) {
            if (!paragraph.starts_with(examples_begin)) continue;
            paragraph.remove_prefix(examples_begin.size());
            section("EXAMPLES");
            text_ += lines_of(paragraph);
        }
    }

    void references() {
        section("SEE ALSO");
        std::vector<std::string> names;
        if (!is_program_) names.push_back(program_.full_name);
        for (const Command& verb : program_.verbs) {
            if (verb.full_name != command_.full_name) names.push_back(verb.full_name);
        }
        for (const std::string& name : names) {
            text_ += ".BR " + escaped(with_dashes(name)) + " (1)" + (name == names.back() ? "\n" : ",\n");
        }
        text_ += ".PP\nThe pages in\n.I share/doc/poolcpuid/docs\nof the installation say more of each verb.\n";
    }

    const Command& program_;
    const Command& command_;
    const bool is_program_;
    std::string text_{};
};

}  // namespace

std::string manual_page(const Command& program, const Command& command) { return Manual(program, command).run(); }

}  // namespace poolcpuid::cli
