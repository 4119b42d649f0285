#include "cli/inputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "cli/log.hpp"
#include "cli/progress.hpp"
#include "dump/host_stream.hpp"
#include "os/read_file.hpp"
#include "os/replace_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/unpack.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_left_out = 20;  // names of an archive's members in a sentence

// "NAME=FILE": the "=" stands before any "/".
bool looks_named(const std::string& text) { return text.find('=') < text.find('/'); }

// Gives up as soon as what was read can be nothing that is taken: one document has a limit, a stream of hosts has
// another, and so have its lines and what is packed.
class LimitWatch {
public:
    explicit LimitWatch(std::string path) : path_(std::move(path)) {}

    void operator()(std::string_view bytes) {
        if (bytes.size() <= limits::dump_bytes) return;
        if (is_packed(bytes)) {
            if (bytes.size() > limits::unpacked_bytes) refuse("at most ", limits::unpacked_bytes);
            return;
        }
        if (!kind_) kind_ = dump::stream_kind(dump::without_byte_order_mark(bytes));
        if (kind_ == dump::StreamKind::none && !is_partial_result(bytes)) {
            refuse("one document of at most ", limits::dump_bytes);
        }
        if (bytes.size() > limits::stream_bytes) refuse("at most ", limits::stream_bytes);
        if (kind_ != dump::StreamKind::lines) return;
        const std::size_t last = bytes.rfind('\n');
        const std::size_t line = last == std::string_view::npos ? bytes.size() : bytes.size() - last - 1;
        if (line > limits::line_bytes) refuse("lines of at most ", limits::line_bytes);
    }

private:
    [[noreturn]] void refuse(const char* expected, std::size_t most) const {
        throw InputError(path_, 0, expected + std::to_string(most) + " bytes", "more");
    }

    std::string path_;
    std::optional<dump::StreamKind> kind_;
};

class InputReader {
public:
    explicit InputReader(bool accepts_policies, Digests digests = Digests::of_content, Progress* progress = nullptr,
                         const MergeInputs* merge = nullptr)
        : accepts_policies_(accepts_policies), digests_(digests), progress_(progress), merge_(merge) {}

    Inputs run(const std::vector<std::string>& arguments) {
        expect(arguments.size());
        for (const std::string& text : arguments) {
            const Argument argument = parse_argument(text);
            if (!argument.name && looks_named(text)) {
                log_warning(text + " is the name of a file: it is read, and not as NAME=FILE");
            }
            attempt(text, [&] { read_argument(argument); });
        }
        drop_host_conflicts();
        drop_policy_conflicts();
        return std::move(inputs_);
    }

private:
    void attempt(const std::string& file, const std::function<void()>& body) {
        try {
            body();
        } catch (const InputError& error) {
            inputs_.unreadable.emplace_back(file, error);
        }
    }

    // Of a name with two contents nobody knows which one is meant, so none of them counts.
    class Conflicts {
    public:
        void see(const std::string& name, const std::string& content) {
            const auto [at, fresh] = contents_.emplace(name, content);
            if (!fresh && at->second != content) names_.insert(name);
        }

        const std::set<std::string>& names() const noexcept { return names_; }

    private:
        std::map<std::string, std::string> contents_;  // the first of each name
        std::set<std::string> names_;
    };

    void drop_host_conflicts() {
        Conflicts conflicts;
        for (const HostDump& host : inputs_.hosts) conflicts.see(host.name, host.sha256);
        inputs_.part.each([&](const HostDump&, const std::vector<HostName>& hosts) {
            for (const HostName& host : hosts) conflicts.see(host.name, host.sha256);
        });
        if (merge_ != nullptr && merge_->is_part && merge_->options.skip_unreadable) return;
        std::erase_if(inputs_.hosts, [&](const HostDump& host) { return conflicts.names().contains(host.name); });
        inputs_.part.forget(conflicts.names());
        report(conflicts);
    }

    void drop_policy_conflicts() {
        Conflicts conflicts;
        for (const PoolPolicy& policy : inputs_.policies) conflicts.see(policy.pool, to_json(policy));
        std::erase_if(inputs_.policies,
                      [&](const PoolPolicy& policy) { return conflicts.names().contains(policy.pool); });
        report(conflicts);
    }

    void report(const Conflicts& conflicts) {
        for (const std::string& name : conflicts.names()) {
            inputs_.unreadable.emplace_back(name,
                                            InputError(name, 0, "one host of this name", "two with different content"));
        }
    }

    void read_argument(const Argument& argument) {
        is_named_ = argument.name.has_value();
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
        const std::size_t before = inputs_.hosts.size();
        const std::size_t problems_before = inputs_.unreadable.size() + inputs_.refused.size();
        read_texts(bytes, display_name(argument.path), false);
        if (!argument.name || inputs_.unreadable.size() + inputs_.refused.size() != problems_before) return;
        const std::size_t count = inputs_.hosts.size() - before;
        if (count != 1) {
            forget_hosts(before);
            throw InputError(argument.path, 0, "one host, since it is given the name \"" + *argument.name + "\"",
                             std::to_string(count));
        }
        inputs_.hosts.back().name = *argument.name;
    }

    // All but the first: what they came from cannot be read as a whole.
    void forget_hosts(std::size_t first) {
        inputs_.hosts.erase(inputs_.hosts.begin() + static_cast<std::ptrdiff_t>(first), inputs_.hosts.end());
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
        const std::vector<std::string> files = files_in(argument.path);
        if (files.empty()) throw InputError(argument.path, 0, "a directory with host dumps", "no file");
        expect(files.size() - 1);
        for (const std::string& file : files) {
            attempt(file, [&] { read_texts(os::read_regular_file(file, watch_file), file, true); });
        }
    }

    // A file of a directory is one document.
    static void watch_file(std::string_view bytes) {
        const std::size_t most = is_partial_result(bytes) ? limits::stream_bytes : limits::dump_bytes;
        if (bytes.size() > most) throw os::ReadError("more than " + std::to_string(most) + " bytes");
    }

    // Reads the hosts of each text that the file holds. Each file of an archive is attempted, and is one host.
    void read_texts(const std::string& bytes, const std::string& file, bool is_of_directory) {
        std::size_t expected = 1;  // the file
        const auto take = [&](const Unpacked& text) {
            if (progress_ != nullptr) progress_->expect(count_hosts(text.bytes) - std::exchange(expected, 0));
            const std::size_t parts = parts_;
            std::vector<HostDump> hosts = hosts_in(text);
            const std::size_t documents = hosts.size() + parts_ - parts;
            if (documents != 1 && (is_of_directory || text.is_member)) {
                throw InputError(text.file, 0,
                                 std::string("one host, as each file of ") +
                                     (text.is_member ? "an archive" : "a directory") + " is one",
                                 std::to_string(documents));
            }
            for (HostDump& host : hosts) inputs_.hosts.push_back(std::move(host));
        };
        const std::size_t before = inputs_.hosts.size();
        const std::size_t parts_before = parts_;
        try {
            const std::vector<std::string> left_aside = unpack(bytes, file, [&](const Unpacked& text) {
                if (!text.is_member) return take(text);
                attempt(text.file, [&] { take(text); });
            });
            if (left_aside.empty()) return;
            log_info(file + ": each file is a host; left out: " + short_list(left_aside, most_left_out) +
                     " (links, devices, and names that begin with a dot)");
        } catch (const InputError& error) {
            forget_hosts(before);
            if (parts_ == parts_before) throw;
            inputs_.refused.push_back(error);
        }
    }

    std::vector<HostDump> hosts_in(const Unpacked& text) {
        const auto count = [&](std::size_t read) {
            if (progress_ != nullptr) progress_->add(1, read);
        };
        if (merge_ == nullptr) return read_hosts(text, digests_, count);
        return read_hosts(text, digests_, count, [&](std::string_view document, std::size_t line) {
            return is_partial_result(document) && take_part(document, text.file, line);
        });
    }

    // Always true. It is not left out where it cannot be read.
    bool take_part(std::string_view document, const std::string& file, std::size_t line) {
        ++parts_;
        try {
            if (is_named_) throw InputError(file, line, "one host, since it is given a name", "a partial result");
            inputs_.part.combine(read_partial_result(document, file, line, merge_->rulebook, merge_->options));
        } catch (const InputError& error) {
            inputs_.refused.push_back(error);
        }
        return true;
    }

    void expect(std::size_t hosts) const {
        if (progress_ != nullptr) progress_->expect(hosts);
    }

    bool accepts_policies_;
    Digests digests_;
    Progress* progress_;
    const MergeInputs* merge_;  // none: partial results are not taken
    Inputs inputs_;
    std::size_t parts_ = 0;  // partial results that were met
    bool is_named_ = false;  // the argument that is read
};

}  // namespace

// Sorted. Whatever is left out is named, for a pool of fewer hosts promises more.
std::vector<std::string> files_in(const std::string& directory) {
    std::vector<std::string> files;
    std::vector<std::string> left_out;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        std::error_code of_entry;  // one that cannot be looked at is told when it is read
        if (name.starts_with(os::unfinished_prefix)) continue;
        if (name.starts_with(".") || entry->is_directory(of_entry)) {
            left_out.push_back(name);
        } else {
            files.push_back(entry->path().string());
        }
    }
    if (error) throw InputError(directory, 0, "a readable directory", error.message());
    std::sort(files.begin(), files.end());
    std::sort(left_out.begin(), left_out.end());
    if (!left_out.empty()) {
        log_info(directory + ": each file is a host; left out: " + joined(left_out) +
                 " (directories, and names that begin with a dot)");
    }
    return files;
}

Argument parse_argument(const std::string& text) {
    std::error_code error;
    if (!looks_named(text) || fs::exists(text, error)) return {std::nullopt, text};
    const std::size_t equals = text.find('=');
    return {text.substr(0, equals), text.substr(equals + 1)};
}

bool report_unreadable(const Inputs& inputs, bool skip) {
    for (const auto& [file, error] : inputs.unreadable) {
        Problem problem = problem_of(error);
        if (!skip) {
            log_error(problem);
            continue;
        }
        problem.message = "left out: " + problem.message;
        log_warning(problem);
    }
    for (const InputError& error : inputs.refused) log_error(error);
    return !inputs.refused.empty() || (!inputs.unreadable.empty() && !skip);
}

InputError partial_problem(const HostDump& host, const std::string& instead) {
    return {host.name, 0, "the registers of a host" + instead,
            "names or words of features alone (" + host.format +
                "), of which the rest is not known (run `poolcpuid capture` on that host)"};
}

Inputs read_inputs(const std::vector<std::string>& arguments, Progress* progress) {
    return InputReader(false, Digests::of_content, progress).run(arguments);
}

Inputs read_merge_inputs(const std::vector<std::string>& arguments, const MergeInputs& merge, Digests digests,
                         Progress* progress) {
    return InputReader(false, digests, progress, &merge).run(arguments);
}

ListedDigests::ListedDigests(const PoolPolicy& policy) {
    for (const HostClass& host : policy.hosts) listed_.insert(host.sha256);
}

const std::string& ListedDigests::of(const std::string& sha256, const std::string& bytes_sha256) const {
    return !listed_.contains(sha256) && listed_.contains(bytes_sha256) ? bytes_sha256 : sha256;
}

Inputs read_hosts_of(const PoolPolicy& policy, const std::vector<std::string>& arguments, Progress* progress) {
    Inputs inputs = InputReader(false, Digests::and_of_bytes, progress).run(arguments);
    const ListedDigests listed(policy);
    for (HostDump& host : inputs.hosts) host.sha256 = listed.of(host.sha256, host.bytes_sha256);
    return inputs;
}

Inputs read_hosts_or_policies(const std::vector<std::string>& arguments) { return InputReader(true).run(arguments); }

bool is_standard_input(const std::string& argument) { return parse_argument(argument).path == "-"; }

std::string read_file(const std::string& path) {
    const std::string name = path == "-" ? "stdin" : path;
    try {
        LimitWatch watch(name);
        const auto watched = [&](std::string_view bytes) { watch(bytes); };
        return path == "-" ? os::read_all(STDIN_FILENO, watched) : os::read_path(path, watched);
    } catch (const os::ReadError& error) {
        throw InputError(name, 0, "a readable file", error.what());
    }
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

void require_decisions(const PoolPolicy& policy, const std::string& path, bool has_hosts) {
    if (policy.lean && !has_hosts) {
        throw InputError(path, 0, "a policy that says why its values are as they are, or its hosts with --hosts",
                         "one of merge --lean");
    }
}

namespace {

// What keeps the hosts from being those of the policy.
std::vector<InputError> mismatches(const PoolPolicy& policy, const std::string& path, const Inputs& inputs,
                                   const std::string& unlisted_hint) {
    std::vector<InputError> problems;
    std::set<std::string> given;
    for (const HostDump& host : inputs.hosts) given.insert(host.sha256);
    std::set<std::string> expected;
    for (const HostClass& host : policy.hosts) {
        // A ceiling joins as one more host, and is none whose dump could be given.
        if (host.is_ceiling()) continue;
        expected.insert(host.sha256);
        if (given.contains(host.sha256)) continue;
        const std::string name = host.names.empty() ? "a host" : host.names.front();
        problems.emplace_back(path, 0, "the dump of " + name + " (sha256 " + host.sha256 + ") among --hosts",
                              "no host with that digest");
    }
    for (const HostDump& host : inputs.hosts) {
        if (expected.contains(host.sha256)) continue;
        problems.emplace_back(host.name, 0, "a host behind " + path,
                              "the digest " + host.sha256 + ", which it does not list" + unlisted_hint);
    }
    return problems;
}

}  // namespace

void warn_if_other(const PoolPolicy& policy, const std::string& path, const PoolPolicy& whole) {
    const char* const hint = "; poolcpuid merge --expect says more";
    if (policy.names_sha256 != whole.names_sha256) {
        log_warning("--hosts has other names than " + path + ", or more or fewer hosts of equal content" + hint);
    }
    if (policy.cpuid != whole.cpuid || policy.msrs != whole.msrs) {
        log_warning("from these hosts now follows another policy than " + path + hint);
    }
}

std::optional<PolicyHosts> read_policy_hosts(const PoolPolicy& policy, const std::string& path,
                                             const std::vector<std::string>& hosts, const std::string& ceiling,
                                             const Rulebook& rulebook, const std::string& unlisted_hint) {
    MergeOptions options = with_all_names(
        options_of(policy, ceiling.empty() ? std::nullopt : std::optional<PoolPolicy>(read_bound(ceiling, rulebook))));
    Inputs inputs = read_hosts_of(policy, hosts);
    std::vector<InputError> problems;
    for (const auto& [file, error] : inputs.unreadable) problems.push_back(error);
    if (problems.empty()) problems = mismatches(policy, path, inputs, unlisted_hint);

    PoolState state(rulebook);
    for (const HostDump& host : inputs.hosts) {
        try {
            state.add(host);
        } catch (const InputError& error) {
            problems.push_back(error);
        }
    }
    for (const InputError& problem : problems) log_error(problem);
    if (!problems.empty()) return std::nullopt;
    PoolPolicy whole = state.finish(options);
    warn_if_other(policy, path, whole);
    return PolicyHosts{std::move(inputs.hosts), std::move(state), std::move(options), std::move(whole)};
}

RulebookChoice::RulebookChoice(const std::string& directory) {
    if (directory.empty()) return;
    const LoadResult result = load_rulebook(read_rulebook_directory(directory));
    for (const LintFinding& finding : result.findings) {
        Problem problem{.kind = "rulebook", .message = directory + "/" + finding.text()};
        problem.file = directory + "/" + finding.file;
        problem.line = finding.line;
        if (!finding.field.empty()) problem.fields.push_back(finding.field);
        log_error(problem);
    }
    if (!result.findings.empty()) {
        throw InputError(directory, 0, "a rulebook that passes rules lint",
                         std::to_string(result.findings.size()) + " findings");
    }
    loaded_ = result.rulebook;
}

}  // namespace poolcpuid::cli
