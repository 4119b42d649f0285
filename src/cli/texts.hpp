// What the verbs say to people, each on a page, and what several of these texts have in common. explain's are in
// explain_text.hpp.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/lists.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/page.hpp"
#include "poolcpuid/audit.hpp"
#include "poolcpuid/check.hpp"
#include "poolcpuid/diff.hpp"
#include "poolcpuid/explain.hpp"
#include "poolcpuid/guest_cpu.hpp"
#include "poolcpuid/inventory.hpp"
#include "poolcpuid/partial_result.hpp"
#include "poolcpuid/policy.hpp"
#include "poolcpuid/pool_plan.hpp"
#include "poolcpuid/render.hpp"
#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid::cli {

// merge, the summary of a policy that an operator reads in ten seconds: what the pool gives up and which hosts cost it,
// what was set because one host has it, and what is wrong with the inputs.
// Findings that are notes are counted, and shown when notes is set.
void merge_text(const PoolPolicy& policy, const Rulebook& rulebook, Page& page, bool notes = false);

// merge --partial: how many hosts there are in the document.
void partial_result_text(const PartialResult& part, Page& page);

// merge --expect: the causes for which expected, which file holds, is not actual; none when they are the same. What
// neither rulebook, options nor inputs explain was changed in the document. names are all hosts of
// actual with their digests, as PoolState::names gives them.
std::vector<Problem> unexpected(const Rulebook& rulebook, const std::string& file, const PoolPolicy& expected,
                                const PoolPolicy& actual,
                                const std::vector<std::pair<std::string, std::string>>& names);

// hosts: a line a group of hosts that are alike, or each host, with what is not known of them under it; outliers first.
void hosts_text(const Inventory& inventory, bool each, Page& page);

// show: the CPU that a guest gets, features by the register that says them, in a tongue (guest_cpu.hpp).
void show_text(const Rulebook& rulebook, const PoolPolicy& policy, const GuestCpu& guest, std::string_view tongue,
               Page& page);

// check: a line a host, then what is wrong, hosts that fail alike together. verdicts are sorted by name; cpus are those
// of the hosts.
void check_text(const PoolPolicy& policy, const Rulebook& rulebook, const std::vector<Verdict>& verdicts,
                Strictness strictness, const CpuNames& cpus, Page& page);

// check with several policies: how many hosts may run each, and a line a group of hosts with a column a policy.
void check_matrix_text(const std::vector<PolicyVerdicts>& matrix, Strictness strictness, const CpuNames& cpus,
                       Page& page);

// audit: what a guest is falsely safe from, what it knows to be open, then all that it believes, hosts alike together.
void audit_text(const PoolPolicy& policy, const Audit& audit, Page& page);

// diff: what is compared, whether it differs, and the changes.
void diff_text(const Difference& difference, const Rulebook& rulebook, Page& page);

// The same without the lines that name and judge the two sides. Nothing when nothing differs.
void diff_details(const Difference& difference, const Rulebook& rulebook, Page& page);

// The same for a review: Markdown with a table for each group of changes; names from the inputs are escaped.
std::string diff_markdown(const Difference& difference, const Rulebook& rulebook);

// plan: which VMs strand, then the pool, the difference, each running policy, and what to do.
void plan_text(const PoolPlan& plan, const Rulebook& rulebook, Page& page);

// render, beside the text that is to be pasted: what the target cannot say, what to do, and what hosts need.
void render_text(const PoolPolicy& policy, const Rulebook& rulebook, const Rendering& rendering, Page& page);

// verify: the verdict, what was compared, then what KVM refuses, what differs, and what is out of the VMM's hands, each
// with what it means for the guest.
void verify_text(const PoolPolicy& policy, const Rulebook& rulebook, const Verification& verification,
                 const KvmHost& host, Page& page);

// The verb itself. Opens KVM once the policy is read, verifies it there, and writes what was found. host: where that
// is. Throws what reading, writing and verifying throw.
struct VerifyArguments {
    std::string policy;
    ResultOptions result;
    std::string rulebook;
};
ExitStatus verify(const VerifyArguments& arguments, const std::function<VcpuRunner()>& open_kvm, const KvmHost& host);

// rules list: a line a field, with its place, id, rule, exposure and vendors.
void rules_table(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, Page& page);

// rules list --count: how many there are of each rule.
void rules_count(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, Page& page);

// The same for scripts (schemas/rules-count.schema.json).
std::string rules_count_json(const Rulebook& rulebook, const std::vector<FieldIndex>& fields);

// What merge --ceiling can name, one a line.
void rules_levels(const Rulebook& rulebook, Page& page);

// The same for scripts, with the features of each (schemas/rules-levels.schema.json).
std::string rules_levels_json(const Rulebook& rulebook);

// rules show: everything about each field, with what it depends on and what depends on it.
void rules_details(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, Page& page);

// The same for scripts (schemas/rules.schema.json).
std::string rules_json(const Rulebook& rulebook, const std::vector<FieldIndex>& fields);

// Lists.

inline constexpr std::size_t most_hosts_listed = 8;     // hosts
inline constexpr std::size_t most_fields = 24;          // fields; --format json has all
inline constexpr std::size_t most_groups_in_full = 12;  // groups of hosts; --format json has all

// Who stands behind a policy.
struct PoolSize {
    std::size_t hosts = 0;
    bool has_ceiling = false;  // a policy joined, which decisions count as one more host
};

PoolSize size_of(const PoolPolicy& policy);

// True for a list of all that there are, a ceiling among them.
bool is_everybody(const HostList& hosts, const PoolSize& pool) noexcept;

// "a, b": all names of at most most hosts, else their CPUs, "Haswell-EP ×40, Rome ×28", or where those are not known
// the first names, "a, b, c and 30 more"; "all 3 hosts" when those are all of the pool.
std::string hosts_text(const HostList& hosts, const PoolSize& pool, std::size_t most = most_hosts_listed);

// A group of hosts in a line: the first of its names, how many more there are and, of many, which CPUs they have: "a",
// "a and 3 more", "a and 121 more (Haswell-EP ×40, Rome ×82)".
std::string group_text(const std::vector<std::string>& names, const CpuNames& cpus);

// The columns for such texts: those of the longest that needs no more than most, and never fewer than twelve. What is
// longer takes a line of its own.
std::size_t group_columns(const std::vector<std::string>& texts, std::size_t most);

// Changes and violations.

// A field's name in a list: with its subleaf where the rulebook has it in several.
std::string name_of(const Rulebook& rulebook, const FieldChange& change);

// True for a field whose value is more than set or clear.
bool has_values(const Rulebook& rulebook, const FieldChange& change);

// What to do about vulnerabilities from which guests are falsely safe on the hosts that were asked, a sentence or more
// each. after: what the second policy is called.
std::vector<std::string> belief_advice(const Difference& difference, const std::string& after = "the policy after");

// What differs besides the registers, a sentence without its full stop each; empty when nothing does.
std::vector<std::string> other_differences(const Difference& difference);

// The violations of a verdict as paragraphs after indent blanks, those that are alike in everything but the field in
// one: known violations before unknown ones, then by impact, then by breach.
void put_violations(const Rulebook& rulebook, const std::vector<Violation>& violations, std::size_t indent, Page& page);

// The fields, with their subleaves where the rulebook has them in several.
std::string items_of(const Rulebook& rulebook, const std::vector<StartUp>& start_up);

}  // namespace poolcpuid::cli
