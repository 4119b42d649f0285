// How --help looks: 80 columns, one option a paragraph, no machinery of the parser.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace poolcpuid::cli {

class HelpFormatter : public CLI::Formatter {
public:
    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
    std::string make_option(const CLI::Option* option, bool is_positional) const override;
    std::string make_subcommand(const CLI::App* sub) const override;
    std::string make_description(const CLI::App* app) const override;
};

}  // namespace poolcpuid::cli
