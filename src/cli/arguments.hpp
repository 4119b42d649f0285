// Arguments: how --help looks, and the options that several verbs have, in one wording.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/output.hpp"
#include "poolcpuid/check.hpp"

namespace poolcpuid::cli {

// Help in 80 columns, one option a paragraph, no machinery of the parser.
class HelpFormatter : public CLI::Formatter {
public:
    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
    std::string make_option(const CLI::Option* option, bool is_positional) const override;
    std::string make_subcommand(const CLI::App* sub) const override;
    std::string make_description(const CLI::App* app) const override;
};

// A check for one of words that leaves the option's own description alone.
CLI::Validator one_of(const std::vector<std::string>& words);

// The same for an option that looks at its words itself, or takes others besides: what it is likely to be given.
CLI::Validator likely(const std::vector<std::string>& words);

// The words that one_of or likely gave to an option; none without them.
std::vector<std::string> words_of(CLI::Option& option);

// The format of JSON documents that stand on a line each.
inline constexpr const char* ndjson = "ndjson";

// --format json|text and -o FILE, of verbs whose result is a document that is told as text on a terminal. more: other
// formats that the document is written in.
void add_result_options(CLI::App& verb, ResultOptions& options, const std::vector<std::string>& more = {});

// -o FILE with a description of its own. Neither nothing nor "-" is a FILE.
CLI::Option* add_output_option(CLI::App& verb, std::string& output, const std::string& description);

// --rulebook DIR.
void add_rulebook_option(CLI::App& verb, std::string& directory);

// What a move fails for, as the options say it.
struct StrictnessOptions {
    std::string unknown;  // empty: not given
    bool strict = false;

    bool are_given() const { return strict || !unknown.empty(); }

    Strictness get() const { return {unknown == "warn" ? UnknownIs::warning : UnknownIs::failure, strict}; }
};

// --unknown fail|warn and --strict.
void add_strictness_options(CLI::App& verb, StrictnessOptions& options);

}  // namespace poolcpuid::cli
