// The program's log: on standard error, so that standard output is data only. Lines for people or, with --log-format
// json, for programs; with --errors json one document when the program ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"

namespace poolcpuid::cli {

// Something that is wrong, as data. People are shown the message alone.
struct Problem {
    std::string kind{};     // a word of schemas/errors.schema.json
    std::string message{};  // a sentence, made from the rest

    // What it is about; empty where it says nothing of that.
    std::string cause{};     // of the kind expect: why the policy is another
    std::string severity{};  // of the kind finding, and the finding's code
    std::string code{};
    std::string telling{};  // of the kind inexpressible: how what the guest sees relates to the policy, and what that
    std::string impact{};   // may cost it
    std::string file{};
    std::size_t line = 0;  // from 1
    std::optional<std::string> expected{};
    std::optional<std::string> found{};
    std::vector<std::string> fields{};
    HostList hosts{};
    std::string missing{};  // of the kind not-seen: a word of capture's
};

// kind: input.
Problem problem_of(const InputError& error);

// Prepares the log for the manner of this run, once it is known.
void start_log();

// Ends it with what the program is about to exit with: writes the document of --errors json.
void end_log(int exit_status);

void log_error(const Problem& problem);
void log_error(const InputError& error);
void log_error(const std::string& message);
void log_warning(const Problem& problem);
void log_warning(const std::string& message);
void log_info(const std::string& message);
void log_debug(const std::string& message);

}  // namespace poolcpuid::cli
