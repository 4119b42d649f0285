#include "poolcpuid/pool_state.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "merge/decisions.hpp"
#include "merge/draft.hpp"
#include "merge/findings.hpp"
#include "merge/floor.hpp"
#include "merge/options.hpp"
#include "merge/pool.hpp"
#include "merge/registers.hpp"
#include "policy/document_text.hpp"
#include "poolcpuid/guest_features.hpp"

namespace poolcpuid {

using merge::Atoms;
using merge::Draft;
using merge::HostGroup;
using merge::HostGroups;
using merge::HostPromises;
using merge::Plan;
using merge::Rows;
using merge::Variant;

namespace {

std::vector<std::string> views_of(const HostGroup& group) {
    std::vector<std::string> views;
    if (group.promises->has_hardware_view) views.emplace_back("hardware");
    if (group.promises->has_hypervisor_view) views.emplace_back(group.is_ceiling ? "policy" : "hypervisor");
    return views;
}

}  // namespace

struct PoolState::Impl {
    const Rulebook* rulebook;
    std::string vendor_string;
    std::shared_ptr<const Plan> plan;                                  // none until the first host
    Atoms atoms;                                                       // the semilattice
    HostGroups groups;                                                 // provenance
    std::map<std::string, std::shared_ptr<const HostPromises>> known;  // by views_digest
    std::map<std::string, std::string> names;                          // name → digest
    std::vector<std::pair<std::string, std::string>> skipped;

    explicit Impl(const Rulebook& rules) : rulebook(&rules) {}

    void set_vendor(const std::string& host, const std::string& string) {
        if (plan) {
            if (string == vendor_string) return;
            const auto& first = *names.begin();
            throw NoPolicyError("mixed vendors: " + first.first + " is \"" + vendor_string + "\", " + host + " is \"" +
                                string + "\"; software reads CPUID by vendor, so no policy is true on both");
        }
        const auto vendor = rulebook->vendor_of(string);
        if (!vendor) {
            throw NoPolicyError(host + " is of the vendor \"" + string + "\", which the rulebook does not know");
        }
        vendor_string = string;
        plan = std::make_shared<const Plan>(*rulebook, *vendor);
    }

    void claim_name(const std::string& name, const std::string& digest) {
        const auto [at, fresh] = names.emplace(name, digest);
        if (!fresh && at->second != digest) {
            throw InputError(name, 0, "one host of this name", "two with different content");
        }
    }

    // Hosts with equal views share their promises: computed once, and one variant of the pool.
    std::shared_ptr<const HostPromises> promises_of(const HostDump& host) {
        auto& promises = known[merge::views_digest(host)];
        if (!promises) promises = std::make_shared<const HostPromises>(merge::promises_of(*plan, host));
        return promises;
    }

    void add_group(HostGroup group) {
        // What a host keeps only for a VM that brings it is offered by no VMM there: new VMs are not shown it.
        if (groups.empty()) {
            atoms = group.promises->atoms;
        } else {
            atoms.meet(*plan, group.promises->atoms);
        }
        for (std::size_t w = 0; w < atoms.words.size(); ++w) atoms.words[w] &= ~group.promises->implied[w];
        groups.emplace(group.sha256, std::move(group));
    }

    void require_base(const std::vector<Variant>& variants) const {
        for (const FieldIndex index : plan->fields()) {
            const Field& field = (*rulebook)[index];
            if (!field.required || !merge::promises_by_bits(field.rule)) continue;
            const std::uint64_t all = field.mask() >> field.low;
            const auto without = merge::variants_where(variants, [&](const Variant& variant) {
                const auto seen = merge::seen_value(*plan, *variant.promises, index, field.subleaf_first);
                return seen.value != all;  // what is not known reads as 0
            });
            if (without.empty()) continue;
            throw NoPolicyError(document::enumerate(merge::hosts_of(without, most_names)) + " is not known to have " +
                                std::string(field.id) + ", without which no 64-bit guest runs");
        }
    }

    std::vector<HostClass> host_classes(std::size_t most_listed) const {
        std::vector<HostClass> classes;
        for (const auto& [digest, group] : groups) {
            HostList hosts = group.list(most_listed);
            classes.push_back(
                {digest, group.format, views_of(group), std::move(hosts.names), hosts.count, group.facts});
        }
        return classes;
    }

    std::string names_digest() const {
        std::string text;
        for (const auto& [name, digest] : names) text += name + "\n";
        return sha256_hex(text);
    }

    // The pool with the policy that joins it as its ceiling, where there is one.
    Impl with_ceiling(const MergeOptions& options) const {
        if (!plan) throw NoPolicyError("no host to make a policy from");
        Impl pool = *this;
        if (!options.ceiling_policy) return pool;
        const std::string name = "ceiling:" + options.ceiling_policy->pool;
        pool.set_vendor(name, options.ceiling_policy->vendor);
        auto promises = std::make_shared<HostPromises>(merge::promises_of(*plan, *options.ceiling_policy));
        promises->atoms.scrubs |=
            promises->scrub_unknown;  // where it asks for no VERW it is no host that could be open
        pool.add_group({sha256_of(*options.ceiling_policy), "policy", {}, promises, {name}, {}, true});
        return pool;
    }

    // The pool's promises, closed and rendered. It points into the pool, which must outlive it.
    struct Outcome {
        const HostGroup& identity;
        std::vector<Variant> variants;
        Draft draft;
        Rows rows;
        std::size_t most_names;

        merge::DecisionInputs inputs() const { return {draft, rows, variants, identity, most_names}; }
    };

    Outcome close(const MergeOptions& options) const {
        const HostGroup& identity = merge::choose_identity(groups, options.identity);
        std::vector<Variant> variants = merge::variants_of(groups, options.most_names);
        require_base(variants);
        Draft draft(*plan, atoms, *identity.promises->table);
        merge::apply_options(options, variants, draft);
        draft.close();
        merge::check_set_survived(options, draft);
        Rows rows = merge::render(draft);
        return {identity, std::move(variants), std::move(draft), std::move(rows), options.most_names};
    }

    PoolPolicy policy_of(const MergeOptions& options, const Rows& rows) const {
        PoolPolicy policy;
        policy.pool = options.pool;
        policy.vendor = vendor_string;
        policy.rulebook_version = rulebook->version;
        policy.rulebook_sha256 = rulebook->sha256;
        for (const auto& [key, value] : rows.cpuid) policy.cpuid.push_back({key, value});
        for (const auto& [index, value] : rows.msrs) policy.msrs.push_back({index, value});
        return policy;
    }
};

PoolState::PoolState(const Rulebook& rulebook) : impl_(std::make_unique<Impl>(rulebook)) {}
PoolState::PoolState(const PoolState& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
PoolState::PoolState(PoolState&& other) noexcept = default;
PoolState::~PoolState() = default;

PoolState& PoolState::operator=(PoolState other) noexcept {
    impl_.swap(other.impl_);
    return *this;
}

void PoolState::add(const HostDump& host) { add(host, {{host.name, host.sha256, host.bytes_sha256}}); }

void PoolState::add(const HostDump& host, const std::vector<HostName>& hosts) {
    const std::string string = vendor_string(host.first_table()).value_or("");
    HostGroup content;  // without digest and names; made for the first that needs it
    for (const HostName& each : hosts) {
        impl_->set_vendor(each.name, string);
        impl_->claim_name(each.name, each.sha256);
        const auto at = impl_->groups.find(each.sha256);
        if (at != impl_->groups.end()) {
            at->second.names.insert(each.name);
            continue;
        }
        if (!content.promises) {
            content.format = host.format;
            content.facts = facts_of(*impl_->rulebook, host);
            content.promises = impl_->promises_of(host);
            content.notes = host.notes;
        }
        HostGroup group = content;
        group.sha256 = each.sha256;
        group.names.insert(each.name);
        impl_->add_group(std::move(group));
    }
}

void PoolState::combine(const PoolState& other) {
    for (const auto& skipped : other.impl_->skipped) impl_->skipped.push_back(skipped);
    if (!other.impl_->plan) return;
    impl_->set_vendor(other.impl_->names.begin()->first, other.impl_->vendor_string);
    for (const auto& [name, digest] : other.impl_->names) impl_->claim_name(name, digest);
    for (const auto& [digest, group] : other.impl_->groups) {
        const auto at = impl_->groups.find(digest);
        if (at == impl_->groups.end()) {
            impl_->add_group(group);
        } else {
            at->second.names.insert(group.names.begin(), group.names.end());
        }
    }
}

PoolState PoolState::without(const std::vector<std::string>& hosts) const {
    PoolState rest(*this);
    Impl& impl = *rest.impl_;
    for (const std::string& name : hosts) {
        const auto at = impl.names.find(name);
        if (at == impl.names.end()) throw UsageError("no host of the pool is called " + printable(name));
        impl.groups.at(at->second).names.erase(name);
        impl.names.erase(at);
    }
    const HostGroups groups = std::exchange(impl.groups, {});
    for (const auto& [digest, group] : groups) {
        if (!group.names.empty()) impl.add_group(group);
    }
    if (!impl.groups.empty()) return rest;
    PoolState none(*impl.rulebook);  // of no vendor, too
    none.impl_->skipped = impl.skipped;
    return none;
}

void PoolState::note_skipped(std::string_view file, std::string_view reason) {
    impl_->skipped.emplace_back(printable(file), printable(reason));
}

std::size_t PoolState::host_count() const noexcept { return impl_->names.size(); }

std::vector<std::pair<std::string, std::string>> PoolState::names() const {
    return {impl_->names.begin(), impl_->names.end()};
}

bool PoolState::same_promises(const PoolState& other) const {
    return impl_->vendor_string == other.impl_->vendor_string && impl_->atoms == other.impl_->atoms;
}

PoolPolicy PoolState::finish(const MergeOptions& options) const {
    Impl pool = impl_->with_ceiling(options);
    std::sort(pool.skipped.begin(), pool.skipped.end());
    pool.skipped.erase(std::unique(pool.skipped.begin(), pool.skipped.end()), pool.skipped.end());
    const Impl::Outcome outcome = pool.close(options);
    PoolPolicy policy = pool.policy_of(options, outcome.rows);
    policy.options = merge::recorded(options, *pool.plan);
    policy.hosts = pool.host_classes(options.most_names);
    policy.names_sha256 = pool.names_digest();
    policy.owned = merge::owned_bits(outcome.draft, outcome.rows);
    if (const Level* level = level_of(*pool.rulebook, policy)) policy.level = level->id;
    for (const FieldIndex index : guest_features(*pool.rulebook, policy)) {
        policy.features.emplace_back((*pool.rulebook)[index].id);
    }
    policy.decisions = merge::decide(outcome.inputs());
    policy.findings = merge::find(outcome.inputs(), pool.groups, pool.skipped);
    return policy;
}

PoolPolicy PoolState::finish_promises(const MergeOptions& options) const {
    const Impl pool = impl_->with_ceiling(options);
    const Impl::Outcome outcome = pool.close(options);
    PoolPolicy policy = pool.policy_of(options, outcome.rows);
    policy.decisions = merge::lost_scrubs(outcome.draft);
    return policy;
}

std::vector<FloorLoss> PoolState::below_floor(const PoolPolicy& floor, const PoolPolicy& policy) const {
    const HostPromises wanted = merge::promises_of(*impl_->plan, floor);
    HostPromises given = merge::promises_of(*impl_->plan, policy);
    // Where the result asks for no VERW its registers do not show that every host is immune.
    given.atoms.scrubs |= impl_->atoms.scrubs & given.scrub_unknown;
    return merge::losses(*impl_->plan, wanted, given, merge::variants_of(impl_->groups, most_names));
}

}  // namespace poolcpuid
