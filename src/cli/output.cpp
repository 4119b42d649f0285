#include "cli/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "cli/inputs.hpp"
#include "cli/log.hpp"
#include "cli/manner.hpp"
#include "os/file_descriptor.hpp"
#include "os/file_target.hpp"
#include "os/replace_file.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::cli {

using os::FileTarget;

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
    throw OutputError(path + ": cannot be written: " + why);
}

FileTarget target_of(const std::string& path) {
    try {
        return os::find_target(path);
    } catch (const os::BadTarget& error) {
        fail(path, error.what());
    }
}

// A pipe or a device. What has become a file or a link since it was looked at is not written to.
bool write_stream(const std::string& path, std::string_view bytes) {
    const os::FileDescriptor stream(path, O_WRONLY | O_NOFOLLOW | O_NOCTTY);
    struct stat status {};
    if (!stream.is_open() || ::fstat(stream.number(), &status) != 0) return false;
    if (S_ISREG(status.st_mode)) {
        errno = EEXIST;
        return false;
    }
    return os::write_all(stream.number(), bytes);
}

bool write_target(const FileTarget& target, std::string_view bytes) {
    switch (target.kind) {
        case FileTarget::Kind::descriptor: return os::write_all(target.descriptor, bytes);
        case FileTarget::Kind::stream: return write_stream(target.path, bytes);
        case FileTarget::Kind::absent:
        case FileTarget::Kind::regular: break;
    }
    return os::replace_file(target.path, bytes, target.mode);
}

}  // namespace

void write_stdout(std::string_view bytes) {
    if (!os::write_all(STDOUT_FILENO, bytes)) fail("standard output", os::reason(errno));
}

void write_file(const std::string& path, std::string_view bytes) {
    const FileTarget target = target_of(path);
    if (target.kind == FileTarget::Kind::regular && os::holds(target.path, bytes)) {
        return log_debug(path + " has not changed");
    }
    if (!write_target(target, bytes)) fail(path, os::reason(errno));
}

void write_result(const std::string& path, std::string_view bytes) {
    if (path.empty()) {
        write_stdout(bytes);
    } else {
        write_file(path, bytes);
    }
}

namespace {

std::string text_for(int descriptor, const Text& text) {
    Page page(output_width(), wants_colours(descriptor));
    text(page);
    return page.text();
}

}  // namespace

void emit(const ResultOptions& options, const std::function<std::string()>& document, const Text& text) {
    if (!options.output.empty()) {
        write_file(options.output, document());
        return remark(text);
    }
    const bool as_text = options.format.empty() ? ::isatty(STDOUT_FILENO) == 1 : options.format == "text";
    write_stdout(as_text ? text_for(STDOUT_FILENO, text) : document());
}

void emit_lines(const ResultOptions& options, const Lines& lines, const Text& text) {
    constexpr std::size_t at_once = 256U << 10U;
    const bool is_file = !options.output.empty();
    std::string bytes;
    lines([&](std::string_view line) {
        bytes += line;
        if (is_file || bytes.size() < at_once) return;
        write_stdout(bytes);
        bytes.clear();
    });
    write_result(options.output, bytes);
    if (is_file) remark(text);
}

void remark(const Text& text) {
    if (manner().quiet || is_read_by_programs(manner())) return;
    const std::string shown = text_for(STDERR_FILENO, text);
    std::fwrite(shown.data(), 1, shown.size(), stderr);
}

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
                  const std::vector<std::string>& more_inputs, const char* option) {
    inputs.insert(inputs.end(), more_inputs.begin(), more_inputs.end());
    const auto target = output.empty() ? std::nullopt : identity_of(output);
    if (!target) return;
    const std::string given = option + (" " + output);
    const auto directory = identity_of(settled(output).parent_path().string());
    for (const std::string& text : inputs) {
        const auto input = text.empty() ? std::nullopt : identity_of(parse_argument(text).path);
        if (!input) continue;
        if (input == target) throw UsageError(given + " is " + text + ", which is read");
        if (input == directory && !settled(output).filename().string().starts_with(".")) {
            throw UsageError(given + " is in " + text + ", of which every file is read");
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
