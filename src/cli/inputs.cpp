#include "cli/inputs.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/keyed_hash.hpp"
#include "base/lists.hpp"
#include "cli/input_file.hpp"
#include "cli/input_reader.hpp"
#include "cli/log.hpp"
#include "cli/name_conflicts.hpp"
#include "dump/host_name.hpp"
#include "os/read_file.hpp"
#include "os/replace_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/guest_features.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

namespace fs = std::filesystem;

namespace {

class Collector : public HostTaker {
public:
    void take(HostDump&& host, const std::string& /*file*/) override { hosts.push_back(std::move(host)); }
    void take(const StreamedHost& host, const std::string& /*file*/) override {
        hosts.push_back(*host.dump);
        hosts.back().name = host.name;
    }

    std::vector<HostDump> hosts;
};

class Passer : public HostTaker {
public:
    explicit Passer(const HostSink& sink) : sink_(sink) {}

    void take(HostDump&& host, const std::string& /*file*/) override { sink_(host.name, host); }
    void take(const StreamedHost& host, const std::string& /*file*/) override { sink_(host.name, *host.dump); }

private:
    const HostSink& sink_;
};

// In which files hosts of some names stand.
class FileFinder : public HostTaker {
public:
    explicit FileFinder(const std::set<std::string>& names) : names_(names) {}

    void take(HostDump&& host, const std::string& file) override { take(host.name, file); }
    void take(const StreamedHost& host, const std::string& file) override { take(host.name, file); }

    std::map<std::string, std::vector<std::string>> files;

private:
    void take(const std::string& name, const std::string& file) {
        if (!names_.contains(name)) return;
        std::vector<std::string>& all = files[name];
        if (std::find(all.begin(), all.end(), file) == all.end()) all.push_back(file);
    }

    const std::set<std::string>& names_;
};

}  // namespace

// Sorted. Whatever is left out is named, for a pool of fewer hosts promises more.
std::vector<std::string> files_in(const std::string& directory, bool says) {
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
    if (!left_out.empty() && says) {
        log_info(directory + ": each file is a host; left out: " + joined(left_out) +
                 " (directories, and names that begin with a dot)");
    }
    return files;
}

bool looks_named(const std::string& text) { return text.find('=') < text.find('/'); }

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

InputError partial_problem(const std::string& name, const HostDump& dump, const std::string& instead) {
    return {name, 0, "the registers of a host" + instead,
            "names or words of features alone (" + dump.format +
                "), of which the rest is not known (run `poolcpuid capture` on that host)"};
}

namespace {

void drop_policy_conflicts(Inputs& inputs) {
    NameConflicts conflicts;
    for (const PoolPolicy& policy : inputs.policies) conflicts.see(policy.pool, to_json(policy));
    std::erase_if(inputs.policies, [&](const PoolPolicy& policy) { return conflicts.names().contains(policy.pool); });
    for (const std::string& name : conflicts.names()) {
        inputs.unreadable.emplace_back(name, dump::name_conflict(name));
    }
}

Inputs read_all(const std::vector<std::string>& arguments, const InputOptions& options) {
    Collector all;
    Inputs inputs = give_hosts(arguments, options, all);
    inputs.hosts = std::move(all.hosts);
    drop_policy_conflicts(inputs);
    return inputs;
}

}  // namespace

void add_name_conflicts(Inputs& inputs, const std::set<std::string>& names, const std::vector<std::string>& arguments) {
    if (names.empty()) return;
    FileFinder finder(names);
    std::vector<std::string> again;  // standard input is gone
    std::copy_if(arguments.begin(), arguments.end(), std::back_inserter(again),
                 [](const std::string& argument) { return !is_standard_input(argument); });
    give_hosts(again, {.says = false}, finder);
    for (const std::string& name : names) {
        const std::vector<std::string>& files = finder.files[name];
        inputs.unreadable.emplace_back(name,
                                       dump::name_conflict(name, files.size() < 2 ? std::string() : enumerate(files)));
    }
}

Inputs read_inputs(const std::vector<std::string>& arguments, const InputOptions& options) {
    Inputs inputs = read_all(arguments, options);
    NameConflicts conflicts;
    for (const HostDump& host : inputs.hosts) conflicts.see(host.name, host.sha256);
    std::erase_if(inputs.hosts, [&](const HostDump& host) { return conflicts.names().contains(host.name); });
    add_name_conflicts(inputs, conflicts.names(), arguments);
    return inputs;
}

Inputs read_each(const std::vector<std::string>& arguments, const InputOptions& options, const HostSink& sink) {
    Passer passer(sink);
    Inputs inputs = give_hosts(arguments, options, passer);
    drop_policy_conflicts(inputs);
    return inputs;
}

IsListed listed_in(const PoolPolicy& policy) {
    std::unordered_set<std::string, KeyedHash> digests;
    for (const HostClass& host : policy.hosts) digests.insert(host.sha256);
    return [digests = std::move(digests)](const std::string& sha256) { return digests.contains(sha256); };
}

Inputs read_hosts_of(const PoolPolicy& policy, const std::vector<std::string>& arguments) {
    return read_inputs(arguments, {.listed = listed_in(policy)});
}

Inputs read_hosts_or_policies(const std::vector<std::string>& arguments) {
    return read_inputs(arguments, {.accepts_policies = true});
}

bool is_standard_input(const std::string& argument) { return parse_argument(argument).path == "-"; }

std::string read_file(const std::string& path) {
    const std::string name = display_name(path);
    try {
        LimitWatch watch(name);
        return os::InputFile::open(path).read_all([&](std::string_view bytes) { watch(bytes); });
    } catch (const os::ReadError& error) {
        throw InputError(name, 0, "a readable file", error.what());
    }
}

PoolPolicy read_policy_file(const std::string& path) { return read_policy(read_file(path), display_name(path)); }

namespace {

// The level and the features of a document follow from its registers; older ones have none.
void warn_of_guest(const std::string& path, const PoolPolicy& policy, const Rulebook& rulebook) {
    if (policy.minor < 2) return;
    const Level* level = level_of(rulebook, policy);
    std::vector<std::string> features;
    for (const FieldIndex index : guest_features(rulebook, policy)) features.emplace_back(rulebook[index].id);
    std::vector<std::string> members;
    if (policy.level != (level == nullptr ? std::string() : std::string(level->id))) members.emplace_back("level");
    if (policy.features != features) members.emplace_back("features");
    if (members.empty()) return;
    log_warning(path + " was changed after it was made: its " + enumerate(members) +
                (policy.features == features ? " is" : " are") +
                " not what its registers show, which count (poolcpuid show; merge --expect says more)");
}

}  // namespace

void warn_of_document(const std::string& path, const PoolPolicy& policy, const Rulebook& rulebook) {
    if (policy.rulebook_sha256 == rulebook.sha256) return warn_of_guest(path, policy, rulebook);
    log_warning(path + " was made with another rulebook: version " + policy.rulebook_version + " (" +
                policy.rulebook_sha256.substr(0, 12) + "), not " + std::string(rulebook.version) + " (" +
                std::string(rulebook.sha256).substr(0, 12) + ")");
}

PoolPolicy read_bound(const std::string& path, const Rulebook& rulebook) {
    PoolPolicy policy = read_policy_file(path);
    warn_of_document(path, policy, rulebook);
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
std::vector<InputError> mismatches(const PoolPolicy& policy, const std::string& path, const Inputs& inputs) {
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
                              "the digest " + host.sha256 + ", which it does not list");
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
                                             const PolicyHostsArguments& arguments, const Rulebook& rulebook) {
    std::optional<PoolPolicy> ceiling;
    if (!arguments.ceiling.empty()) ceiling = read_bound(arguments.ceiling, rulebook);
    MergeOptions options = with_all_names(options_of(policy, std::move(ceiling)));
    Inputs inputs = read_hosts_of(policy, arguments.hosts);
    if (report_unreadable(inputs, arguments.skip_unreadable)) return std::nullopt;
    std::vector<InputError> problems = mismatches(policy, path, inputs);

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
    for (const auto& [file, error] : inputs.unreadable) state.note_skipped(file, error.what());
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
