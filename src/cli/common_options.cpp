#include "cli/common_options.hpp"

namespace poolcpuid::cli {

CLI::Validator one_of(const std::vector<std::string>& words) {
    CLI::IsMember check(words);
    check.description("");
    return check;
}

void add_result_options(CLI::App& verb, std::string& format, std::string& output) {
    verb.add_option("--format", format, "json or text; text when standard output is a terminal")
        ->check(one_of({"json", "text"}))
        ->type_name("FORMAT");
    add_output_option(verb, output, "Write the JSON to FILE, and the text to standard error");
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

}  // namespace poolcpuid::cli
