// poolcpuid merge: the main job, the pool's policy from host dumps.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/idle_options.hpp"
#include "cli/inputs.hpp"
#include "cli/list_of_files.hpp"
#include "cli/log.hpp"
#include "cli/name_conflicts.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/texts.hpp"
#include "dump/host_name.hpp"
#include "hosts/vendor_counter.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/floor.hpp"
#include "poolcpuid/inventory.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/pool_state.hpp"

namespace poolcpuid::cli {

namespace {

struct MergeArguments : HostArguments {
    ResultOptions result;
    std::string pool = "pool";
    std::string identity;
    std::string ceiling;
    std::string floor;
    std::vector<std::string> hide;
    std::vector<std::string> show;
    std::vector<std::string> set;
    std::string rulebook;
    std::string fail_on;
    std::string expect;
    std::string list_hosts;
    bool skip_unreadable = false;
    bool allow_partial = false;
    bool partial = false;
    bool lean = false;
    bool notes = false;

    // What acts on the reading of hosts.
    PartialOptions reading() const { return {skip_unreadable, allow_partial}; }
};

MergeOptions options_of(const MergeArguments& arguments, const Rulebook& rulebook) {
    const std::string problem = arguments.pool.empty() ? "an empty one" : dump::text_problem(arguments.pool);
    if (!problem.empty()) throw UsageError("--pool takes a name, not " + problem);
    MergeOptions options;
    options.pool = arguments.pool;
    options.identity = arguments.identity;
    options.hide = arguments.hide;
    options.show = arguments.show;
    for (const std::string& text : arguments.set) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            throw UsageError("--set takes FIELD=VALUE, not \"" + text + "\"");
        options.set.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    if (!arguments.ceiling.empty()) {
        const bool is_level = std::any_of(rulebook.levels.begin(), rulebook.levels.end(),
                                          [&](const Level& level) { return level.id == arguments.ceiling; });
        // A name without "/" or "." that is no level is more likely a misspelt level than a file.
        const bool looks_like_file =
            arguments.ceiling.find_first_of("./") != std::string::npos || arguments.ceiling == "-";
        if (is_level || !looks_like_file) {
            options.ceiling_level = arguments.ceiling;
        } else {
            options.ceiling_policy = read_bound(arguments.ceiling, rulebook);
        }
    }
    return options;
}

// A partial host that the merge does not take.
bool is_refused(const MergeArguments& arguments, const HostDump& host) {
    return host.is_partial() && !arguments.allow_partial;
}

InputError refusal_of(const std::string& name, const HostDump& host) {
    return partial_problem(name, host, " (or --allow-partial)");
}

// Every host of the partial results that were read.
void each_host(const PartialResult& part, const HostSink& take) {
    part.each([&](const HostDump& host, const std::set<std::string>& names) {
        for (const std::string& name : names) take(name, host);
    });
}

// Merges hosts as they are read, and remembers what is wrong with them.
class Merger {
public:
    Merger(const MergeArguments& arguments, const Rulebook& rulebook) : arguments_(arguments), rulebook_(rulebook) {}

    void add(const std::string& name, const HostDump& host) {
        const std::string vendor = vendor_string(host.first_table()).value_or("");
        if (!rulebook_.vendor_of(vendor) || (state_.host_count() > 0 && vendor != vendor_)) {
            others_.add(name, vendor, facts_of(rulebook_, host).cpu);
            if (!first_other_) (first_other_ = host)->name = name;
            return;
        }
        vendor_ = vendor;
        if (is_refused(arguments_, host)) {
            partial_.emplace_back(name, refusal_of(name, host));
            return;
        }
        try {
            state_.add(host, name);
        } catch (const InputError&) {
            conflicts_.insert(name);
        }
    }

    // All hosts are read. Adds what is wrong with them to inputs. Throws NoPolicyError.
    PoolState finish(Inputs& inputs) {
        refuse_vendors();
        // Of a name with two contents nobody knows which one is meant, so none of them counts.
        if (!conflicts_.empty()) state_ = state_.without({conflicts_.begin(), conflicts_.end()});
        add_name_conflicts(inputs, conflicts_, arguments_.hosts);
        for (auto& problem : partial_) inputs.unreadable.push_back(std::move(problem));
        return std::move(state_);
    }

    const std::set<std::string>& conflicts() const noexcept { return conflicts_; }

private:
    // Names all of both sides; a state knows only the host that it meets.
    void refuse_vendors() {
        if (!first_other_) return;
        std::vector<VendorCount> vendors = others_.counts();
        if (state_.host_count() > 0) vendors.push_back({vendor_, state_.host_count(), state_.cpus()});
        sort_by_count(vendors);
        if (vendors.size() < 2) state_.add(*first_other_);  // throws: the rulebook does not know the vendor
        throw NoPolicyError("mixed vendors: " + text_of(vendors) +
                            ". Software reads CPUID by vendor, so no policy is true on all of them. poolcpuid hosts "
                            "lists them; merge each vendor's apart");
    }

    const MergeArguments& arguments_;
    const Rulebook& rulebook_;
    PoolState state_{rulebook_};
    std::string vendor_;           // of the hosts in state_
    hosts::VendorCounter others_;  // of other vendors
    std::optional<HostDump> first_other_;
    std::set<std::string> conflicts_;
    std::vector<std::pair<std::string, InputError>> partial_;
};

// Adds every host, and reports every one that cannot be added.
PoolState state_of(const MergeArguments& arguments, const Rulebook& rulebook, const std::optional<PoolPolicy>& expected,
                   bool& failed) {
    Progress progress;
    progress.start("reading");
    InputOptions options{.progress = &progress, .merge = MergeInputs{&rulebook, arguments.reading()}};
    if (expected) options.listed = listed_in(*expected);
    Merger merger(arguments, rulebook);
    const auto add = [&](const std::string& name, const HostDump& host) { merger.add(name, host); };
    Inputs inputs = read_each(arguments.hosts, options, add);
    each_host(inputs.part, add);
    // What was left out when the partial results were made is left out again.
    for (const UnreadableInput& input : inputs.part.unreadable()) {
        inputs.unreadable.emplace_back(input.input, InputError(input.file, input.line, input.expected, input.found));
    }
    failed = !inputs.refused.empty() && report_unreadable(inputs);
    if (failed) return PoolState(rulebook);
    PoolState state = merger.finish(inputs);
    progress.wipe();
    failed = report_unreadable(inputs, arguments.skip_unreadable);
    for (const auto& [file, error] : inputs.unreadable) {
        // In which files two hosts of one name stand is no matter of the policy: a merge of partial results has others.
        const InputError& reason = merger.conflicts().contains(file) ? dump::name_conflict(file) : error;
        state.note_skipped(file, reason.what());
    }
    return state;
}

void list_hosts(const std::string& file, const PoolState& state) {
    std::string text;
    for (const auto& [name, digest] : state.names()) text += digest + "  " + name + "\n";
    write_file(file, text);
}

// Names the findings for which --fail-on fails. True when there are any.
bool reaches(const PoolPolicy& policy, const std::string& fail_on) {
    bool any = false;
    for (const Finding& finding : policy.findings) {
        const bool counts =
            finding.severity == Severity::error || (fail_on == "warning" && finding.severity == Severity::warning);
        if (!counts) continue;
        any = true;
        Problem problem{.kind = "finding",
                        .message = "--fail-on " + fail_on + ": " + finding.code + ": " + finding.message};
        problem.severity = to_string(finding.severity);
        problem.code = finding.code;
        if (!finding.field.empty()) problem.fields.push_back(finding.field);
        problem.hosts = finding.hosts;
        log_error(problem);
    }
    return any;
}

// That guests are told to run VERW takes nothing from those that start.
std::string floor_text(const FloorLoss& loss) {
    const std::string text = "below the floor: " + loss.field + " is " + loss.result + ", the floor promises " +
                             loss.promised +
                             (loss.hosts.count == 0 ? "" : " (" + document::enumerate(loss.hosts) + ")");
    const char* const only_tells = ": it only tells new VMs to run VERW, of which those of the floor are not told";
    return loss.only_tells ? text + only_tells : text;
}

bool meets_floor(const PoolPolicy& floor, const PoolState& state, const PoolPolicy& policy) {
    const auto losses = below_floor(state, floor, policy);
    for (const FloorLoss& loss : losses) {
        Problem problem{.kind = "floor", .message = floor_text(loss)};
        problem.expected = loss.promised;
        problem.found = loss.result;
        problem.fields = {loss.field};
        problem.hosts = loss.hosts;
        log_error(problem);
    }
    return losses.empty();
}

void check_outputs(const MergeArguments& arguments) {
    std::vector<std::string> inputs = arguments.hosts;
    inputs.insert(inputs.end(), {arguments.list, arguments.ceiling, arguments.floor, arguments.expect});
    check_output(arguments.result.output, inputs);
    check_output(arguments.list_hosts, inputs, {}, "--list-hosts");
    check_two_outputs(arguments.result.output, arguments.list_hosts, "--list-hosts");
}

// What acts on the policy belongs to the merge that writes it.
void refuse_options_of_policy(const MergeArguments& arguments) {
    const MergeArguments none;
    const auto refuse = [](const char* option, bool given) {
        if (!given) return;
        throw UsageError(std::string("--partial writes no policy: ") + option +
                         " belongs to the merge that takes the partial results");
    };
    refuse("--pool", arguments.pool != none.pool);
    refuse("--identity", !arguments.identity.empty());
    refuse("--ceiling", !arguments.ceiling.empty());
    refuse("--floor", !arguments.floor.empty());
    refuse("--hide", !arguments.hide.empty());
    refuse("--show", !arguments.show.empty());
    refuse("--set", !arguments.set.empty());
    refuse("--fail-on", !arguments.fail_on.empty());
    refuse("--expect", !arguments.expect.empty());
    refuse("--list-hosts", !arguments.list_hosts.empty());
    refuse("--lean", arguments.lean);
    refuse("--notes", arguments.notes);
}

// merge --partial: what the hosts say, and nothing that follows from it.
ExitStatus merge_partially(const MergeArguments& arguments) {
    refuse_options_of_policy(arguments);
    const RulebookChoice rulebook(arguments.rulebook);
    Progress progress;
    progress.start("reading");
    const InputOptions options{.progress = &progress, .merge = MergeInputs{&rulebook.get(), arguments.reading()}};
    PartialResult part;
    std::vector<InputError> refused;
    const auto add = [&](const std::string& name, const HostDump& host) {
        try {
            part.add(host, name);
        } catch (const InputError& error) {
            refused.push_back(error);
        }
    };
    Inputs inputs = read_each(arguments.hosts, options, add);
    progress.wipe();
    part.combine(inputs.part);
    for (InputError& error : refused) inputs.refused.push_back(std::move(error));
    for (const auto& [file, error] : inputs.unreadable) part.note_unreadable(file, error);
    // Those that were left out before were told then.
    if (!arguments.skip_unreadable) {
        NameConflicts conflicts;
        each_host(part, [&](const std::string& name, const HostDump& host) {
            conflicts.see(name, host.sha256);
            if (is_refused(arguments, host)) inputs.unreadable.emplace_back(name, refusal_of(name, host));
        });
        add_name_conflicts(inputs, conflicts.names(), arguments.hosts);
    }
    if (report_unreadable(inputs, arguments.skip_unreadable)) return ExitStatus::bad_input;
    emit(
        arguments.result, [&] { return to_json(part, rulebook.get(), arguments.reading()); },
        [&](Page& page) { partial_result_text(part, page); });
    return ExitStatus::done;
}

ExitStatus merge(MergeArguments& arguments) {
    arguments.read_list(arguments.partial);
    check_outputs(arguments);
    if (arguments.partial) return merge_partially(arguments);
    const RulebookChoice rulebook(arguments.rulebook);
    const MergeOptions options = options_of(arguments, rulebook.get());
    std::optional<PoolPolicy> expected;
    if (!arguments.expect.empty()) expected = read_policy_file(arguments.expect);
    bool failed = false;
    const PoolState state = state_of(arguments, rulebook.get(), expected, failed);
    if (failed) return ExitStatus::bad_input;
    log_debug("merged " + std::to_string(state.host_count()) + " hosts");
    const PoolPolicy policy = state.finish(options);

    if (expected) {
        const auto causes = unexpected(rulebook.get(), arguments.expect, *expected, policy, state.names());
        for (const Problem& cause : causes) log_error(cause);
        if (causes.empty()) log_info(arguments.expect + " is what these inputs give");
        return causes.empty() ? ExitStatus::done : ExitStatus::different;
    }
    if (!arguments.floor.empty() && !meets_floor(read_bound(arguments.floor, rulebook.get()), state, policy)) {
        return ExitStatus::different;
    }
    if (!arguments.list_hosts.empty()) list_hosts(arguments.list_hosts, state);
    warn_of_idle_options(policy, rulebook.get());
    emit(
        arguments.result, [&] { return arguments.lean ? to_json(as_lean(policy)) : to_json(policy); },
        [&](Page& page) { merge_text(policy, rulebook.get(), page, arguments.notes); });
    return !arguments.fail_on.empty() && reaches(policy, arguments.fail_on) ? ExitStatus::different : ExitStatus::done;
}

}  // namespace

void add_merge_command(CLI::App& verb, Action& action) {
    auto arguments = std::make_shared<MergeArguments>();
    add_host_arguments(verb, *arguments,
                       "A dump in any format that is read: a file, NAME=FILE, a directory (each file one host), or - "
                       "for stdin. Also a partial result, for all of its hosts");
    CLI::Option* output = add_output_option(verb, arguments->result.output,
                                            "Write the policy (JSON) to FILE, atomically; the summary goes to stderr");
    verb.add_option("--format", arguments->result.format,
                    "json or text (a summary); default: text on a terminal, else json")
        ->check(one_of({"json", "text"}))
        ->type_name("FORMAT");
    verb.add_option("--pool", arguments->pool, "The pool's name, for the document (default: pool)")->type_name("NAME");
    verb.add_option("--list-hosts", arguments->list_hosts, "Write every host's digest and name to FILE")
        ->type_name("FILE");
    verb.add_flag("--lean", arguments->lean,
                  "Leave out of the document what only says why: it is small, and explain needs the hosts");
    verb.add_flag("--skip-unreadable", arguments->skip_unreadable,
                  "Leave out hosts that cannot be read, with an error finding for each");
    verb.add_flag("--allow-partial", arguments->allow_partial,
                  "Take hosts of which names of features alone are known (/proc/cpuinfo, libvirt, QMP …)");
    verb.add_flag("--partial", arguments->partial,
                  "Write no policy but a partial result: what these hosts say, for another merge to take in their "
                  "place");
    verb.add_flag("--notes", arguments->notes, "Show findings that are notes in the summary, too");

    const char* shape = "What the guest is shown";
    verb.add_option("--identity", arguments->identity,
                    "Take family, model, caches and brand from this host (name or digest)")
        ->type_name("HOST")
        ->group(shape);
    verb.add_option("--ceiling", arguments->ceiling,
                    "Withhold features above a level (x86-64-v1 … v4), a CPU model of QEMU or libvirt "
                    "(poolcpuid rules levels), or another POLICY (a file)")
        ->type_name("LEVEL|MODEL|POLICY")
        ->group(shape);
    verb.add_option("--hide", arguments->hide, "Give this feature its weakest value")
        ->type_name("FIELD")
        ->group(shape)
        ->allow_extra_args(false);
    verb.add_option("--show", arguments->show,
                    "Show a field, or a group (nested, pmu, tsc), that is shown only when asked for")
        ->type_name("FIELD")
        ->group(shape)
        ->allow_extra_args(false);
    verb.add_option("--set", arguments->set, "Give a field this value; exit 4 if a host does not keep the promise")
        ->type_name("FIELD=VALUE")
        ->group(shape)
        ->allow_extra_args(false);
    verb.add_option("--rulebook", arguments->rulebook,
                    "Use the rulebook in DIR instead of the built-in one; it is linted first")
        ->type_name("DIR")
        ->group(shape);

    const char* conditions = "Conditions (exit 1 when not met)";
    verb.add_option("--floor", arguments->floor,
                    "The result must keep every promise of this policy; else nothing is written")
        ->type_name("POLICY")
        ->group(conditions);
    verb.add_option("--fail-on", arguments->fail_on,
                    "Write the policy, but fail when a finding is this severe: error or warning")
        ->check(one_of({"error", "warning"}))
        ->type_name("SEVERITY")
        ->group(conditions);
    verb.add_option("--expect", arguments->expect, "Write nothing; say whether this policy is what these inputs give")
        ->type_name("POLICY")
        ->excludes(output)
        ->group(conditions);
    verb.footer(
        "Fields go by any of their names: the rulebook's id, or what Intel,\n"
        "AMD, Linux, QEMU, libvirt, Xen, VMware or NFD call them. Options with a\n"
        "FIELD may be given several times; one that changes nothing is warned of.\n\n"
        "Examples:\n"
        "  poolcpuid merge hosts/ -o pool.json\n"
        "  poolcpuid merge old=a.txt new=b.json --ceiling x86-64-v3\n"
        "  poolcpuid merge hosts/ --ceiling qemu:Skylake-Server-v5\n"
        "  poolcpuid merge hosts/ --expect pool.json && echo still the same");
    verb.callback([&action, arguments] { action = [arguments] { return merge(*arguments); }; });
}

}  // namespace poolcpuid::cli
