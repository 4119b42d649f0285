#include "cli/list_of_files.hpp"

#include <algorithm>
#include <string_view>

#include "cli/inputs.hpp"
#include "os/read_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::cli {

namespace {

std::string bytes_of(const std::string& list, const std::string& shown) {
    const auto watch = [](std::string_view bytes) {
        if (bytes.size() > limits::stream_bytes) {
            throw os::ReadError("more than " + std::to_string(limits::stream_bytes) + " bytes");
        }
    };
    try {
        return os::InputFile::open(list).read_all(watch);
    } catch (const os::ReadError& error) {
        throw InputError(shown, 0, "a readable list of files", error.what());
    }
}

// The names between NUL bytes; the last may go without.
std::vector<std::string> names_in(std::string_view bytes, const std::string& shown) {
    if (bytes.find('\0') == std::string_view::npos && bytes.find('\n') != std::string_view::npos) {
        throw InputError(shown, 0, "names that end with NUL bytes, as find -print0 writes them", "lines");
    }
    std::vector<std::string> names;
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\0'), bytes.size());
        if (end == 0) {
            throw InputError(shown, 0, "the name of a file before each NUL byte",
                             "none before number " + std::to_string(names.size() + 1));
        }
        names.emplace_back(bytes.substr(0, end));
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    return names;
}

}  // namespace

void HostArguments::read_list(bool may_be_empty) {
    if (list.empty()) return;
    if (!hosts.empty())
        throw UsageError("--files0-from takes the place of HOST: " + hosts.front() + " is one too many");
    const std::string shown = list == "-" ? "stdin" : list;
    hosts = names_in(bytes_of(list, shown), shown);
    if (hosts.empty() && !may_be_empty) throw InputError(shown, 0, "at least one name", "none");
    for (const std::string& host : hosts) {
        if (list == "-" && is_standard_input(host)) {
            throw UsageError("--files0-from -: the list is standard input, and so no host can be (" + host + ")");
        }
    }
}

void add_host_arguments(CLI::App& verb, HostArguments& arguments, const std::string& description) {
    verb.add_option("HOST", arguments.hosts, description);
    CLI::Validator file([](const std::string& text) { return std::string(text.empty() ? "takes a name" : ""); }, "");
    verb.add_option("--files0-from", arguments.list,
                    "Take each HOST from FILE, where a NUL byte ends it (find -print0); - for stdin")
        ->check(file)
        ->type_name("FILE");
    verb.parse_complete_callback([&arguments] {
        if (arguments.hosts.empty() && arguments.list.empty()) throw CLI::RequiredError("HOST, or --files0-from,");
    });
}

}  // namespace poolcpuid::cli
