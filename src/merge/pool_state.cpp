#include "poolcpuid/pool_state.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/hex.hpp"
#include "base/lists.hpp"
#include "base/printable.hpp"
#include "dump/host_name.hpp"
#include "dump/reader.hpp"
#include "merge/decisions.hpp"
#include "merge/draft.hpp"
#include "merge/findings.hpp"
#include "merge/options.hpp"
#include "merge/pool.hpp"
#include "merge/pool_variants.hpp"
#include "merge/recorded_options.hpp"
#include "merge/registers.hpp"
#include "merge/required_fields.hpp"
#include "names/names.hpp"
#include "policy/document_text.hpp"
#include "policy/names_digest.hpp"
#include "poolcpuid/guest_features.hpp"
#include "poolcpuid/read_hosts.hpp"
#include "promises/seen_value.hpp"
#include "promises/views_key.hpp"

namespace poolcpuid {

using merge::Draft;
using merge::HostGroup;
using merge::HostGroups;
using merge::Rows;
using merge::Variant;
using names::Names;
using promises::Atoms;
using promises::HostPromises;
using promises::VendorRules;

namespace {

// What views promise, by views_key.
using Known = std::map<std::string, std::shared_ptr<const promises::HostPromises>>;

std::vector<std::string> views_of(const HostGroup& group) {
    std::vector<std::string> views;
    if (group.promises->has_hardware_view) views.emplace_back("hardware");
    if (group.promises->has_hypervisor_view) views.emplace_back(group.is_ceiling ? "policy" : "hypervisor");
    return views;
}

static_assert(std::none_of(dump::formats.begin(), dump::formats.end(),
                           [](const dump::Format& format) { return format.word == ceiling_format; }),
              "a host of that format would be taken for a policy");

// What the library's user may have made by hand.
void require_named_view(const HostDump& host, const std::string& name) {
    const std::string problem = host_name_problem(name);
    if (!problem.empty()) throw InputError(printable(name), 0, "a name for the host", problem);
    const bool has_cpus = host.hardware ? !host.hardware->cpus.empty() : host.hypervisor.has_value();
    if (!has_cpus) throw InputError(name, 0, "a host with a view", host.hardware ? "one without a CPU" : "none");
    if (host.format == ceiling_format) throw InputError(name, 0, "the format of a dump", "that of a policy");
}

}  // namespace

struct PoolState::Impl {
    const Rulebook* rulebook;
    std::string vendor_string;
    std::shared_ptr<const promises::VendorRules> rules;        // none until the first host
    promises::Atoms atoms;                                     // the semilattice
    HostGroups groups;                                         // provenance
    std::shared_ptr<Known> known = std::make_shared<Known>();  // shared by copies until one changes
    std::shared_ptr<Names> names = std::make_shared<Names>();  // likewise
    std::vector<std::string> contents;                         // digests, by HostGroup::number
    std::vector<std::pair<std::string, std::string>> skipped;

    explicit Impl(const Rulebook& rulebook_of_state) : rulebook(&rulebook_of_state) {}

    void set_vendor(const std::string& host, const std::string& string) {
        if (rules) {
            if (string == vendor_string) return;
            throw NoPolicyError("mixed vendors: " + names->first() + " is \"" + vendor_string + "\", " + host +
                                " is \"" + string + "\"; software reads CPUID by vendor, so no policy is true on both");
        }
        const auto vendor = rulebook->vendor_of(string);
        if (!vendor) {
            throw NoPolicyError(host + " is of the vendor \"" + string + "\", which the rulebook does not know");
        }
        vendor_string = string;
        rules = std::make_shared<const promises::VendorRules>(*rulebook, *vendor);
    }

    // What is to be changed, which no copy has a part in then.
    template <typename Shared>
    static Shared& own(std::shared_ptr<Shared>& shared) {
        if (shared.use_count() > 1) shared = std::make_shared<Shared>(*shared);
        return *shared;
    }

    // The content of this digest, if a host has it.
    HostGroup* find_group(const std::string& digest) {
        const auto at = groups.find(digest);
        return at == groups.end() ? nullptr : &at->second;
    }

    // True when a host of this name is there. Throws InputError when it has another content.
    bool has_host(std::string_view name, const std::string& digest) const {
        const auto content = names->find(name);
        if (!content) return false;
        if (contents[*content] != digest) throw dump::name_conflict(std::string(name));
        return true;
    }

    void add_name(std::string_view name, HostGroup& group) {
        own(names).add(name, group.number);
        ++group.hosts.count;
    }

    // Hosts with equal views share their promises: computed once, and one variant of the pool.
    std::shared_ptr<const promises::HostPromises> promises_of(const HostDump& host) {
        auto& promises = own(known)[promises::views_key(*rulebook, host)];
        if (!promises) promises = std::make_shared<const promises::HostPromises>(promises::promises_of(*rules, host));
        return promises;
    }

    HostGroup& add_group(HostGroup group) {
        // What a host keeps only for a VM that brings it is offered by no VMM there: new VMs are not shown it.
        if (groups.empty()) {
            atoms = group.promises->atoms;
        } else {
            atoms.meet(*rules, group.promises->atoms);
        }
        for (std::size_t w = 0; w < atoms.words.size(); ++w) atoms.words[w] &= ~group.promises->implied[w];
        group.number = static_cast<std::uint32_t>(contents.size());
        contents.push_back(group.sha256);
        const std::string digest = group.sha256;
        return groups.emplace(digest, std::move(group)).first->second;
    }

    // The groups, each with the first names of its hosts and their CPU.
    HostGroups listed(std::size_t most) const {
        HostGroups all = groups;
        std::vector<HostList*> lists(contents.size());
        std::size_t missing = 0;  // names; the first of a fleet are most often enough
        for (auto& [digest, group] : all) {
            lists[group.number] = &group.hosts;
            missing += std::min(most, group.hosts.count);
            if (group.facts.cpu) group.hosts.cpus = {{short_text(*group.facts.cpu), group.hosts.count}};
        }
        if (missing == 0) return all;
        names->each_until([&](std::string_view name, std::uint32_t number) {
            if (lists[number]->names.size() == most) return false;
            lists[number]->names.emplace_back(name);
            return --missing == 0;
        });
        return all;
    }

    // The digest that an identity goes by: a host's name, or the digest itself.
    std::string identity_digest(const std::string& requested) const {
        const auto content = names->find(requested);
        return content ? contents[*content] : requested;
    }

    // Of listed groups.
    std::vector<HostClass> host_classes() const {
        std::vector<HostClass> classes;
        for (const auto& [digest, group] : groups) {
            const HostList& hosts = group.hosts;
            classes.push_back({digest, group.format, views_of(group), hosts.names, hosts.count, group.facts});
        }
        return classes;
    }

    std::string names_digest() const {
        NamesDigest digest;
        names->each([&](std::string_view name, std::uint32_t) { digest.add(name); });
        return digest.hex();
    }

    // The pool with its hosts listed, and with the policy that joins it as its ceiling, where there is one.
    Impl with_ceiling(const MergeOptions& options) const {
        if (!rules) throw NoPolicyError("no host to make a policy from");
        if (options.most_names == 0) throw UsageError("lists of hosts name at least one");
        Impl pool = *this;
        pool.groups = listed(options.most_names);
        if (!options.ceiling_policy) return pool;
        const std::string name = "ceiling:" + options.ceiling_policy->pool;
        pool.set_vendor(name, options.ceiling_policy->vendor);
        auto promises =
            std::make_shared<promises::HostPromises>(promises::promises_of(*rules, *options.ceiling_policy));
        // What it leaves open says nothing of hosts: where it asks for no VERW it is none that could be open.
        promises->atoms.scrubs |= promises->scrub_unknown;
        std::fill(promises->unknown.begin(), promises->unknown.end(), 0);
        pool.add_group(
            {sha256_of(*options.ceiling_policy), std::string(ceiling_format), {}, promises, {{name}, 1}, {}, true});
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

    // The draft points into the identity.
    Draft closed_draft(const MergeOptions& options, const std::vector<Variant>& variants,
                       const HostGroup& identity) const {
        Draft draft(*rules, atoms, *identity.promises->table);
        merge::apply_options(options, variants, draft);
        draft.close([&](FieldIndex index) {
            return std::any_of(variants.begin(), variants.end(), [&](const Variant& variant) {
                return !variant.is_ceiling && promises::may_have(*rules, *variant.promises, index);
            });
        });
        return draft;
    }

    // Of a pool with its ceiling. An identity that goes with these hosts is chosen anew.
    Draft draft_without(const std::set<const HostPromises*>& gone, const MergeOptions& options) const {
        Impl rest(*rulebook);
        rest.rules = rules;
        for (const auto& [digest, group] : groups) {
            if (!gone.contains(group.promises.get())) rest.add_group(group);
        }
        const HostGroup* asked = merge::choose_identity(rest.groups, identity_digest(options.identity));
        const HostGroup& identity = asked != nullptr ? *asked : *merge::choose_identity(rest.groups, {});
        return rest.closed_draft(options, merge::variants_of(rest.groups, options.most_names), identity);
    }

    Outcome close(const MergeOptions& options) const {
        const HostGroup* found = merge::choose_identity(groups, identity_digest(options.identity));
        if (found == nullptr) {
            throw UsageError("--identity: no host is named \"" + options.identity + "\" or has that digest");
        }
        const HostGroup& identity = *found;
        std::vector<Variant> variants = merge::variants_of(groups, options.most_names);
        merge::require_on_hosts(*rules, variants, groups);
        Draft draft = closed_draft(options, variants, identity);
        merge::check_set_survived(options, draft);
        merge::require_in_draft(options, draft);
        Rows rows = merge::render(draft);
        return {identity, std::move(variants), std::move(draft), std::move(rows), options.most_names};
    }

    PoolPolicy policy_of(const MergeOptions& options, const Rows& rows) const {
        PoolPolicy policy;
        policy.pool = options.pool;
        policy.vendor = vendor_string;
        policy.rulebook_version = rulebook->version;
        policy.rulebook_sha256 = rulebook->sha256;
        merge::put_rows(rows, policy);
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

void PoolState::add(const HostDump& host, const std::string& name) {
    require_named_view(host, name);
    const std::string string = vendor_string(host.first_table()).value_or("");
    impl_->set_vendor(name, string);
    const std::string digest = sha256_of(host);
    if (impl_->has_host(name, digest)) return;
    HostGroup* known = impl_->find_group(digest);
    if (known == nullptr) {
        HostGroup group;
        group.sha256 = digest;
        group.format = host.format;
        group.facts = facts_of(*impl_->rulebook, host);
        group.promises = impl_->promises_of(host);
        group.notes = host.notes;
        known = &impl_->add_group(std::move(group));
    }
    impl_->add_name(name, *known);
}

void PoolState::combine(const PoolState& other) {
    const Impl& theirs = *other.impl_;
    for (const auto& skipped : theirs.skipped) impl_->skipped.push_back(skipped);
    if (!theirs.rules) return;
    impl_->set_vendor(theirs.names->first(), theirs.vendor_string);
    const std::shared_ptr<const Names> names = theirs.names;  // which may be this state's own
    names->each([&](std::string_view name, std::uint32_t number) {
        impl_->has_host(name, theirs.contents[number]);  // or throws
    });
    std::vector<HostGroup*> by_number(theirs.contents.size());
    for (const auto& [digest, group] : theirs.groups) {
        HostGroup* known = impl_->find_group(digest);
        if (known == nullptr) {
            known = &impl_->add_group(group);
            known->hosts.count = 0;
        }
        by_number[group.number] = known;
    }
    names->each([&](std::string_view name, std::uint32_t number) {
        if (!impl_->has_host(name, by_number[number]->sha256)) impl_->add_name(name, *by_number[number]);
    });
}

PoolState PoolState::without(const std::vector<std::string>& hosts) const {
    PoolState rest(*this);
    Impl& impl = *rest.impl_;
    HostGroups groups = std::exchange(impl.groups, {});
    const std::shared_ptr<const Names> names = std::exchange(impl.names, std::make_shared<Names>());
    const std::vector<std::string> contents = std::exchange(impl.contents, {});
    std::set<std::string, std::less<>> gone;
    for (const std::string& name : hosts) {
        const auto content = names->find(name);
        if (!content || !gone.insert(name).second) {
            throw UsageError("no host of the pool is called " + printable(name));
        }
        --groups.at(contents[*content]).hosts.count;
    }
    for (const auto& [digest, group] : groups) {
        if (group.hosts.count > 0) impl.add_group(group).hosts.count = 0;
    }
    names->each([&](std::string_view name, std::uint32_t number) {
        if (!gone.contains(name)) impl.add_name(name, impl.groups.at(contents[number]));
    });
    if (!impl.groups.empty()) return rest;
    PoolState none(*impl.rulebook);  // of no vendor, too
    none.impl_->skipped = impl.skipped;
    return none;
}

void PoolState::note_skipped(std::string_view file, std::string_view reason) {
    impl_->skipped.emplace_back(printable(file), printable(reason));
}

std::size_t PoolState::host_count() const noexcept { return impl_->names->size(); }

CpuCounts PoolState::cpus() const {
    CpuCounts counts;
    for (const auto& [digest, group] : impl_->groups) {
        if (group.facts.cpu) counts[short_text(*group.facts.cpu)] += group.hosts.count;
    }
    return counts;
}

std::vector<std::pair<std::string, std::string>> PoolState::names() const {
    std::vector<std::pair<std::string, std::string>> all;
    all.reserve(impl_->names->size());
    impl_->names->each(
        [&](std::string_view name, std::uint32_t number) { all.emplace_back(name, impl_->contents[number]); });
    return all;
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
    policy.options = merge::recorded(options, *pool.rules);
    policy.hosts = pool.host_classes();
    policy.names_sha256 = pool.names_digest();
    policy.owned = merge::owned_bits(outcome.draft, outcome.rows);
    if (const Level* level = level_of(*pool.rulebook, policy)) policy.level = level->id;
    for (const FieldIndex index : guest_features(*pool.rulebook, policy)) {
        policy.features.emplace_back((*pool.rulebook)[index].id);
    }
    policy.decisions = merge::decide(outcome.inputs());
    const auto draft_without = [&](const std::set<const HostPromises*>& gone) {
        return pool.draft_without(gone, options);
    };
    policy.findings = merge::find(outcome.inputs(), pool.groups, pool.skipped, draft_without);
    return policy;
}

PoolPolicy PoolState::finish_promises(const MergeOptions& options) const {
    const Impl pool = impl_->with_ceiling(options);
    const Impl::Outcome outcome = pool.close(options);
    PoolPolicy policy = pool.policy_of(options, outcome.rows);
    policy.decisions = merge::scrub_decisions(outcome.draft);
    return policy;
}

merge::PoolVariants merge::variants_of(const PoolState& state, std::size_t most) {
    const PoolState::Impl& impl = *state.impl_;
    return {impl.rules, impl.atoms.scrubs, variants_of(impl.listed(most), most)};
}

}  // namespace poolcpuid
