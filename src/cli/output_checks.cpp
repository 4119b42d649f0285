#include "cli/output_checks.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "cli/inputs.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

namespace fs = std::filesystem;

namespace {

using Identity = std::pair<dev_t, ino_t>;

// Of a file or directory that is there; nothing for what can be written over without loss.
std::optional<Identity> identity_of(const std::string& path) {
    struct stat status {};
    const bool is_there = path == "-" ? ::fstat(STDIN_FILENO, &status) == 0 : ::stat(path.c_str(), &status) == 0;
    if (!is_there || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) return std::nullopt;
    return Identity(status.st_dev, status.st_ino);
}

fs::path settled(const std::string& path) {
    std::error_code error;
    const fs::path result = fs::weakly_canonical(path, error);
    return error ? fs::path(path) : result;
}

}  // namespace

void check_output(const std::string& output, std::vector<std::string> inputs,
                  const std::vector<std::string>& more_inputs) {
    inputs.insert(inputs.end(), more_inputs.begin(), more_inputs.end());
    const auto target = output.empty() ? std::nullopt : identity_of(output);
    if (!target) return;
    const auto directory = identity_of(settled(output).parent_path().string());
    for (const std::string& text : inputs) {
        const auto input = text.empty() ? std::nullopt : identity_of(parse_argument(text).path);
        if (!input) continue;
        if (input == target) throw UsageError("-o " + output + " is " + text + ", which is read");
        if (input == directory && !settled(output).filename().string().starts_with(".")) {
            throw UsageError("-o " + output + " is in " + text + ", of which every file is read");
        }
    }
}

void check_two_outputs(const std::string& output, const std::string& other, const char* option_of_other) {
    if (output.empty() || other.empty()) return;
    const auto target = identity_of(output);
    std::error_code error;
    const bool is_stream = !target && fs::exists(output, error);
    const bool is_same = target ? target == identity_of(other) : !is_stream && settled(output) == settled(other);
    if (is_same) throw UsageError("-o and " + std::string(option_of_other) + " name one file, " + output);
}

}  // namespace poolcpuid::cli
