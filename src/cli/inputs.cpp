#include "cli/inputs.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "cli/input_file.hpp"
#include "cli/log.hpp"
#include "cli/manner.hpp"
#include "cli/ordered_work.hpp"
#include "cli/progress.hpp"
#include "dump/host_stream.hpp"
#include "os/read_file.hpp"
#include "os/replace_file.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "poolcpuid/what_if.hpp"

namespace poolcpuid::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t stream_piece = std::size_t{1} << 20;  // bytes of a stream that are one piece of work
constexpr std::size_t most_at_once = std::size_t{4} << 20;  // of a file that is one

bool is_stream_of_lines(std::string_view bytes) noexcept {
    return dump::stream_kind(dump::without_byte_order_mark(bytes)) == dump::StreamKind::lines;
}

// "NAME=FILE": the "=" stands before any "/".
bool looks_named(const std::string& text) { return text.find('=') < text.find('/'); }

// What becomes of hosts that are read.
class HostTaker {
public:
    HostTaker() = default;
    HostTaker(const HostTaker&) = delete;
    HostTaker& operator=(const HostTaker&) = delete;
    virtual ~HostTaker() = default;

    // file: as messages have it.
    virtual void take(HostDump&& host, const std::string& file) = 0;
    virtual void take(const StreamedHost& host, const std::string& file) = 0;
    // The last so many are of a stream of which a line cannot be read: nothing of it counts.
    virtual void forget(std::size_t hosts) = 0;
};

class Collector : public HostTaker {
public:
    void take(HostDump&& host, const std::string& /*file*/) override { hosts.push_back(std::move(host)); }
    void take(const StreamedHost& host, const std::string& /*file*/) override {
        hosts.push_back(*host.dump);
        hosts.back().name = host.name;
    }
    void forget(std::size_t count) override { hosts.resize(hosts.size() - count); }

    std::vector<HostDump> hosts;
};

class Passer : public HostTaker {
public:
    explicit Passer(const HostSink& sink) : sink_(sink) {}

    void take(HostDump&& host, const std::string& /*file*/) override { sink_(host.name, host); }
    void take(const StreamedHost& host, const std::string& /*file*/) override { sink_(host.name, *host.dump); }
    void forget(std::size_t /*hosts*/) override {}

private:
    const HostSink& sink_;
};

// In which files hosts of some names stand.
class FileFinder : public HostTaker {
public:
    explicit FileFinder(const std::set<std::string>& names) : names_(names) {}

    void take(HostDump&& host, const std::string& file) override { take(host.name, file); }
    void take(const StreamedHost& host, const std::string& file) override { take(host.name, file); }
    void forget(std::size_t /*hosts*/) override {}

    std::map<std::string, std::vector<std::string>> files;

private:
    void take(const std::string& name, const std::string& file) {
        if (!names_.contains(name)) return;
        std::vector<std::string>& all = files[name];
        if (std::find(all.begin(), all.end(), file) == all.end()) all.push_back(file);
    }

    const std::set<std::string>& names_;
};

// Reads what the arguments name, several files at once, and gives the hosts on in the order of the arguments.
class InputReader {
public:
    // The taker must outlive the reader.
    InputReader(const InputOptions& options, HostTaker& taker)
        : options_(options),
          taker_(taker),
          work_(manner().threads, [this](FileContent&& content) { take(std::move(content)); }) {}

    Inputs run(const std::vector<std::string>& arguments) {
        expect(arguments.size());
        for (const std::string& text : arguments) {
            const Argument argument = parse_argument(text);
            if (!argument.name && looks_named(text) && options_.says) {
                log_warning(text + " is the name of a file: it is read, and not as NAME=FILE");
            }
            try {
                read_argument(argument, text);
            } catch (const InputError& error) {
                fail(text, error);
            }
        }
        work_.finish();
        return std::move(inputs_);
    }

private:
    // In its place among what the files before it give.
    void fail(const std::string& file, const InputError& error) {
        work_.give([file, error] {
            FileContent content;
            content.unreadable.emplace_back(file, error);
            return content;
        });
    }

    void take(FileContent&& content) {
        if (options_.says) {
            for (const std::string& said : content.said) log_info(said);
        }
        if (content.stream) spares_.push_back(std::move(content.piece));
        if (content.stream && !take_piece(*content.stream, content)) return;
        if (options_.progress != nullptr)
            options_.progress->add(content.hosts.size() + content.streamed.size(), content.bytes);
        for (std::size_t i = 0; i < content.hosts.size(); ++i) {
            taker_.take(std::move(content.hosts[i]), content.files[i]);
        }
        for (const StreamedHost& host : content.streamed) taker_.take(host, content.stream->file);
        for (PoolPolicy& policy : content.policies) inputs_.policies.push_back(std::move(policy));
        for (auto& problem : content.unreadable) inputs_.unreadable.push_back(std::move(problem));
        for (const PartialResult& part : content.parts) take_part(part);
        for (InputError& error : content.refused) inputs_.refused.push_back(std::move(error));
    }

    void take_part(const PartialResult& part) {
        try {
            inputs_.part.combine(part);
        } catch (const InputError& error) {
            inputs_.refused.push_back(error);
        }
    }

    // False for a piece that counts no longer: an earlier one could not be read.
    bool take_piece(StreamState& stream, const FileContent& content) const {
        if (stream.failed) return false;
        stream.failed = !content.unreadable.empty();
        if (stream.failed) taker_.forget(stream.hosts);
        stream.hosts += content.streamed.size();
        return true;
    }

    void read_argument(const Argument& argument, const std::string& text) {
        if (argument.name) check_name(argument);
        std::error_code error;
        if (argument.path != "-" && fs::is_directory(argument.path, error)) return read_directory(argument);
        const FileReading reading{argument.path,    text,          argument.name, false, options_.accepts_policies,
                                  options_.digests, options_.merge};
        const bool is_small =
            fs::is_regular_file(argument.path, error) && fs::file_size(argument.path, error) <= most_at_once && !error;
        if (argument.path == "-" || !is_small) return read_in_pieces(reading);
        work_.give([reading] { return read_input_file(reading); });
    }

    static void check_name(const Argument& argument) {
        const std::string problem = host_name_problem(*argument.name);
        if (!problem.empty()) throw InputError(argument.path, 0, "a host's name before \"=\"", problem);
    }

    void read_directory(const Argument& argument) {
        if (argument.name) {
            throw InputError(argument.path, 0, "a file, since it is given the name \"" + *argument.name + "\"",
                             "a directory");
        }
        const std::vector<std::string> files = files_in(argument.path, options_.says);
        if (files.empty()) throw InputError(argument.path, 0, "a directory with host dumps", "no file");
        expect(files.size() - 1);
        for (const std::string& file : files) {
            const FileReading reading{file, file, std::nullopt, true, false, options_.digests, options_.merge};
            work_.give([reading] { return read_input_file(reading); });
        }
    }

    // What may be too large to be held: a stream of host documents is read while the pieces before are understood.
    void read_in_pieces(const FileReading& reading) {
        const std::string name = display_name(reading.path);
        try {
            const os::InputFile file = os::InputFile::open(reading.path);
            std::string bytes;
            file.read_some(bytes, stream_piece);
            if (!reading.name && bytes.size() >= stream_piece && is_stream_of_lines(bytes)) {
                return read_lines(reading, file, std::move(bytes));
            }
            LimitWatch watch(name);
            watch(bytes);
            while (file.read_some(bytes, stream_piece) != 0) watch(bytes);
            auto whole = std::make_shared<std::string>(std::move(bytes));
            work_.give([reading, whole] { return read_input_file(reading, std::move(*whole)); });
        } catch (const os::ReadError& error) {
            throw InputError(name, 0, "a readable file", error.what());
        }
    }

    void read_lines(const FileReading& reading, const os::InputFile& file, std::string bytes) {
        const LimitWatch watch(display_name(reading.path));
        const auto stream = std::make_shared<StreamState>(display_name(reading.path), reading.digests);
        std::size_t first_line = 1;
        std::size_t read = bytes.size();
        for (bool at_end = false; !at_end && !stream->failed;) {
            const std::size_t last = bytes.rfind('\n');
            const std::size_t rest = last == std::string::npos ? bytes.size() : bytes.size() - last - 1;
            watch.check_lines(read, rest);
            if (rest < bytes.size()) {
                std::string next = spare();
                next.assign(bytes, bytes.size() - rest, rest);
                bytes.resize(bytes.size() - rest);
                first_line += give_lines(reading, stream, std::move(bytes), first_line);
                bytes = std::move(next);
            }
            const std::size_t more = file.read_some(bytes, stream_piece);
            at_end = more == 0;
            read += more;
        }
        if (!bytes.empty() && !stream->failed) give_lines(reading, stream, std::move(bytes), first_line);
        work_.finish();
    }

    // Memory of a piece that was read: what is asked for anew is cleared page by page.
    std::string spare() {
        if (spares_.empty()) return {};
        std::string memory = std::move(spares_.back());
        spares_.pop_back();
        return memory;
    }

    // Returns the number of lines.
    std::size_t give_lines(const FileReading& reading, const std::shared_ptr<StreamState>& stream, std::string bytes,
                           std::size_t first_line) {
        const std::size_t lines = dump::count_line_feeds(bytes);
        // How many hosts the pieces before have counts only near the bound.
        if (first_line + lines > limits::hosts_per_stream) work_.finish();
        const std::size_t hosts = stream->hosts;
        const auto piece = std::make_shared<std::string>(std::move(bytes));
        work_.give([reading, stream, piece, first_line, hosts] {
            FileContent content = read_input_lines(reading, stream, *piece, first_line, hosts);
            content.piece = std::move(*piece);
            return content;
        });
        return lines;
    }

    void expect(std::size_t hosts) const {
        if (options_.progress != nullptr) options_.progress->expect(hosts);
    }

    InputOptions options_;
    HostTaker& taker_;
    Inputs inputs_;
    std::vector<std::string> spares_;
    OrderedWork<FileContent> work_;
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

// Of a name with two contents nobody knows which one is meant, so none of them counts. Returns such names.
template <typename Input, typename KeyOf>
std::set<std::string> drop_conflicts(std::vector<Input>& all, const KeyOf& name_and_content) {
    std::map<std::string, std::set<std::string>> contents;
    for (const Input& input : all) {
        const auto [name, content] = name_and_content(input);
        contents[name].insert(content);
    }
    std::erase_if(all, [&](const Input& input) { return contents[name_and_content(input).first].size() > 1; });
    std::set<std::string> conflicts;
    for (const auto& [name, different] : contents) {
        if (different.size() > 1) conflicts.insert(name);
    }
    return conflicts;
}

void drop_policy_conflicts(Inputs& inputs) {
    const auto key = [](const PoolPolicy& policy) { return std::pair(policy.pool, to_json(policy)); };
    for (const std::string& name : drop_conflicts(inputs.policies, key)) {
        inputs.unreadable.emplace_back(name,
                                       InputError(name, 0, "one host of this name", "two with different content"));
    }
}

Inputs read_all(const std::vector<std::string>& arguments, const InputOptions& options) {
    Collector all;
    Inputs inputs = InputReader(options, all).run(arguments);
    inputs.hosts = std::move(all.hosts);
    drop_policy_conflicts(inputs);
    return inputs;
}

Inputs collect(const std::vector<std::string>& arguments, const InputOptions& options) {
    Inputs inputs = read_all(arguments, options);
    const auto key = [](const HostDump& host) { return std::pair(host.name, host.sha256); };
    add_name_conflicts(inputs, drop_conflicts(inputs.hosts, key), arguments);
    return inputs;
}

}  // namespace

void add_name_conflicts(Inputs& inputs, const std::set<std::string>& names, const std::vector<std::string>& arguments) {
    if (names.empty()) return;
    FileFinder finder(names);
    std::vector<std::string> again;  // standard input is gone
    std::copy_if(arguments.begin(), arguments.end(), std::back_inserter(again),
                 [](const std::string& argument) { return !is_standard_input(argument); });
    InputReader({.says = false}, finder).run(again);
    for (const std::string& name : names) {
        const std::vector<std::string>& files = finder.files[name];
        const std::string where = files.size() < 2 ? "" : ": " + enumerate(files);
        inputs.unreadable.emplace_back(
            name, InputError(name, 0, "one host of this name", "two with different content" + where));
    }
}

Inputs read_inputs(const std::vector<std::string>& arguments, const InputOptions& options) {
    return collect(arguments, options);
}

Inputs read_each(const std::vector<std::string>& arguments, const InputOptions& options, bool skips,
                 const HostSink& sink) {
    if (!skips) {
        Passer passer(sink);
        Inputs inputs = InputReader(options, passer).run(arguments);
        drop_policy_conflicts(inputs);
        return inputs;
    }
    Inputs inputs = read_all(arguments, options);
    for (const HostDump& host : std::exchange(inputs.hosts, {})) sink(host.name, host);
    return inputs;
}

OlderDigests::OlderDigests(const PoolPolicy& policy) {
    for (const HostClass& host : policy.hosts) listed_.insert(host.sha256);
}

void OlderDigests::apply(HostDump& host) const {
    if (listed_.contains(host.sha256)) return;
    for (const std::string& digest : host.older_sha256) {
        if (listed_.contains(digest)) host.sha256 = digest;
    }
}

Inputs read_hosts_of(const PoolPolicy& policy, const std::vector<std::string>& arguments) {
    Inputs inputs = collect(arguments, {.digests = Digests::and_older});
    const OlderDigests older(policy);
    for (HostDump& host : inputs.hosts) older.apply(host);
    return inputs;
}

Inputs read_hosts_or_policies(const std::vector<std::string>& arguments) {
    return collect(arguments, {.accepts_policies = true});
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
