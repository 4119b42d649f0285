#include "cli/inputs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "cli/log.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::cli {

namespace fs = std::filesystem;

namespace {

std::string why(int error) { return std::system_category().message(error); }

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string read_all(std::FILE* file, const std::string& path) {
    std::string bytes;
    std::array<char, 1 << 16> buffer{};
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file)) {
        bytes.append(buffer.data(), count);
        if (bytes.size() > limits::stream_bytes) {
            throw InputError(path, 0, "at most " + std::to_string(limits::stream_bytes) + " bytes", "more");
        }
    }
    if (std::ferror(file) != 0) throw InputError(path, 0, "a readable file", why(errno));
    return bytes;
}

class InputReader {
public:
    explicit InputReader(bool accepts_policies) : accepts_policies_(accepts_policies) {}

    Inputs run(const std::vector<std::string>& arguments) {
        for (const std::string& text : arguments) attempt(text, [&] { read_argument(parse_argument(text)); });
        drop_conflicts(inputs_.hosts, [](const HostDump& host) { return std::pair(host.name, host.sha256); });
        drop_conflicts(inputs_.policies,
                       [](const PoolPolicy& policy) { return std::pair(policy.pool, to_json(policy)); });
        return std::move(inputs_);
    }

private:
    void attempt(const std::string& file, const std::function<void()>& body) {
        try {
            body();
        } catch (const InputError& error) {
            inputs_.unreadable.emplace_back(file, error.what());
        }
    }

    // Of a name with two contents nobody knows which one is meant, so none of them counts.
    template <typename Input, typename KeyOf>
    void drop_conflicts(std::vector<Input>& all, const KeyOf& name_and_content) {
        std::map<std::string, std::set<std::string>> contents;
        for (const Input& input : all) {
            const auto [name, content] = name_and_content(input);
            contents[name].insert(content);
        }
        std::erase_if(all, [&](const Input& input) { return contents[name_and_content(input).first].size() > 1; });
        for (const auto& [name, different] : contents) {
            if (different.size() < 2) continue;
            const InputError error(name, 0, "one host of this name", "two with different content");
            inputs_.unreadable.emplace_back(name, error.what());
        }
    }

    void read_argument(const Argument& argument) {
        if (argument.name) check_name(argument);
        std::error_code error;
        if (argument.path != "-" && fs::is_directory(argument.path, error)) return read_directory(argument);
        const std::string bytes = read_file(argument.path);
        if (accepts_policies_ && is_policy(bytes)) {
            PoolPolicy policy = read_policy(bytes, display_name(argument.path));
            if (argument.name) policy.pool = *argument.name;
            inputs_.policies.push_back(std::move(policy));
            return;
        }
        std::vector<HostDump> hosts = read_hosts(bytes, display_name(argument.path));
        if (argument.name) {
            if (hosts.size() != 1) {
                throw InputError(argument.path, 0, "one host, since it is given the name \"" + *argument.name + "\"",
                                 std::to_string(hosts.size()));
            }
            hosts.front().name = *argument.name;
        }
        for (HostDump& host : hosts) inputs_.hosts.push_back(std::move(host));
    }

    static void check_name(const Argument& argument) {
        const std::string problem = host_name_problem(*argument.name);
        if (!problem.empty()) throw InputError(argument.path, 0, "a host's name before \"=\"", problem);
    }

    static std::string display_name(const std::string& path) { return path == "-" ? "stdin" : path; }

    void read_directory(const Argument& argument) {
        if (argument.name) {
            throw InputError(argument.path, 0, "a file, since it is given the name \"" + *argument.name + "\"",
                             "a directory");
        }
        std::vector<std::string> files;
        std::error_code error;
        for (fs::directory_iterator entry(argument.path, error); !error && entry != fs::directory_iterator();
             entry.increment(error)) {
            const std::string name = entry->path().filename().string();
            std::error_code unknown;  // of a dangling link: the reader says what is wrong with it
            if (!name.starts_with(".") && !entry->is_directory(unknown)) files.push_back(entry->path().string());
        }
        if (error) throw InputError(argument.path, 0, "a readable directory", error.message());
        if (files.empty()) throw InputError(argument.path, 0, "a directory with host dumps", "no file");
        std::sort(files.begin(), files.end());
        for (const std::string& file : files) attempt(file, [&] { read_one(file); });
    }

    void read_one(const std::string& file) {
        std::vector<HostDump> hosts = read_hosts(read_file(file), file);
        if (hosts.size() != 1) {
            throw InputError(file, 0, "one host, as each file of a directory is one", std::to_string(hosts.size()));
        }
        inputs_.hosts.push_back(std::move(hosts.front()));
    }

    bool accepts_policies_;
    Inputs inputs_;
};

}  // namespace

Argument parse_argument(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals > text.find('/')) return {std::nullopt, text};
    return {text.substr(0, equals), text.substr(equals + 1)};
}

Inputs read_inputs(const std::vector<std::string>& arguments) { return InputReader(false).run(arguments); }

Inputs read_hosts_or_policies(const std::vector<std::string>& arguments) { return InputReader(true).run(arguments); }

bool is_standard_input(const std::string& argument) { return parse_argument(argument).path == "-"; }

std::string read_file(const std::string& path) {
    if (path == "-") return read_all(stdin, "stdin");
    const File file(std::fopen(path.c_str(), "rb"));
    if (!file) throw InputError(path, 0, "a readable file", why(errno));
    return read_all(file.get(), path);
}

PoolPolicy read_policy_file(const std::string& path) {
    return read_policy(read_file(path), path == "-" ? "stdin" : path);
}

void warn_of_rulebook(const std::string& path, const PoolPolicy& policy, const Rulebook& rulebook) {
    if (policy.rulebook_sha256 == rulebook.sha256) return;
    log_warning(path + " was made with another rulebook: version " + policy.rulebook_version + " (" +
                policy.rulebook_sha256.substr(0, 12) + "), not " + std::string(rulebook.version) + " (" +
                std::string(rulebook.sha256.substr(0, 12)) + ")");
}

PoolPolicy read_bound(const std::string& path, const Rulebook& rulebook) {
    PoolPolicy policy = read_policy_file(path);
    warn_of_rulebook(path, policy, rulebook);
    return policy;
}

}  // namespace poolcpuid::cli
