#include "poolcpuid/render.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/lists.hpp"
#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "render/targets.hpp"

namespace poolcpuid {

namespace {

using render::Remedy;
using render::TargetInput;

const render::Target& target_of(std::string_view name) {
    const auto* const at = std::find_if(render::targets.begin(), render::targets.end(),
                                        [&](const render::Target& target) { return target.is.name == name; });
    if (at == render::targets.end()) throw UsageError("there is no target \"" + std::string(name) + "\" of render");
    return *at;
}

// A host's CPU and kernel, as far as its dump says them.
std::string kind_of(const Rulebook& rulebook, const HostDump& host) {
    const HostFacts facts = facts_of(rulebook, host);
    std::string kind = facts.cpu ? short_text(*facts.cpu) : "";
    if (facts.kernel.empty()) return kind;
    return kind + (kind.empty() ? "kernel " : ", kernel ") + printable(facts.kernel);
}

// Puts value (shifted down) into bits of a policy. Owned bits and subleaves beyond the first are not its.
void put(PoolPolicy& policy, const BitPlace& place, std::uint64_t value) {
    const std::uint64_t bits = (value << place.low) & place.mask();
    if (place.is_msr) {
        for (MsrRow& row : policy.msrs) {
            if (row.index == place.leaf) row.value = (row.value.value_or(0) & ~place.mask()) | bits;
        }
        return;
    }
    const LeafKey key{place.leaf, place.subleaf_first};
    const auto at = std::lower_bound(policy.cpuid.begin(), policy.cpuid.end(), key,
                                     [](const CpuidRow& row, const LeafKey& wanted) { return row.key < wanted; });
    if (at == policy.cpuid.end() || at->key != key) return;
    std::uint32_t& reg = at->value[place.reg];
    reg = static_cast<std::uint32_t>((reg & ~place.mask()) | bits);
}

// The policy as its guests see it where they are told too much: what they rely on there.
PoolPolicy as_guests_see(PoolPolicy policy, const Rendering& rendering) {
    for (const Inexpressible& lost : rendering.inexpressible) {
        if (lost.telling == Telling::more && lost.instead) put(policy, lost.place, *lost.instead);
    }
    return policy;
}

// The fields whose promise the host does not keep, but for those whose loss costs speed alone.
std::vector<std::string> broken_fields(const Verdict& verdict) {
    std::set<std::string> fields;
    for (const Violation& violation : verdict.violations) {
        if (violation.counts(UnknownIs::failure) && !only_degrades(violation.impact)) fields.insert(violation.field);
    }
    return {fields.begin(), fields.end()};
}

// In a sentence or two. bites: what guests are told of and the host does not keep, of which something is left to do.
std::string advice_text(const Remedy& remedy, const std::vector<std::string>& bites) {
    if (bites.empty()) {
        if (!remedy.needs_nothing) return remedy.advice;
        return "Nothing to do" + (remedy.advice.empty() ? "." : ": " + remedy.advice);
    }
    std::string text = remedy.advice;
    if (remedy.needs_nothing && !text.empty()) text = "About these bits nothing can or need be done: " + text;
    return text + (text.empty() ? "" : " ") + "The guest is told more than this host keeps: " + joined(bites) +
           ", see above. It is safe there with a target that can say it, or where the guest does not use it.";
}

// Hosts with equal advice are one entry; those that need nothing come first, then by the fields.
std::vector<HostAdvice> advice_for_hosts(const Rulebook& rulebook, const TargetInput& input,
                                         const render::Target& target, const Rendering& rendering) {
    const PolicyCheck check(rulebook, input.policy);
    const PolicyCheck seen_by_guests(rulebook, as_guests_see(input.policy, rendering));
    using Key = std::tuple<std::vector<std::string>, std::vector<std::string>, std::string>;
    std::map<Key, HostAdvice> groups;
    std::map<Key, std::set<std::string>> named;  // a dump may be given twice
    for (const HostDump& host : input.options.hosts) {
        const Verdict verdict = check.against(host);
        HostAdvice entry;
        entry.breaks = broken_fields(verdict);
        entry.hidden = verdict.start_up;
        std::vector<std::string> fields;
        for (const StartUp& hidden : entry.hidden) fields.push_back(hidden.field);
        if (!entry.breaks.empty()) {
            entry.advice =
                "The host does not keep every promise of the policy (poolcpuid check): no VM of it may run there.";
        } else {
            Remedy remedy =
                entry.hidden.empty() ? render::nothing_to_do({}) : target.remedy(input, rendering, host, entry.hidden);
            entry.advice = advice_text(remedy, broken_fields(seen_by_guests.against(host)));
            entry.output = std::move(remedy.output);
        }
        HostAdvice& group = groups.try_emplace({entry.breaks, fields, entry.advice}, entry).first->second;
        if (named[{entry.breaks, fields, entry.advice}].insert(host.name).second) {
            group.hosts.push_back(host.name);
            ++group.kinds[kind_of(rulebook, host)];
        }
    }
    std::vector<HostAdvice> all;
    for (auto& [key, group] : groups) {
        std::sort(group.hosts.begin(), group.hosts.end());
        all.push_back(std::move(group));
    }
    return all;
}

}  // namespace

bool render::says_any(const Rendering& rendering, const std::vector<StartUp>& hidden) {
    return std::any_of(hidden.begin(), hidden.end(), [&](const StartUp& entry) {
        return std::none_of(
            rendering.inexpressible.begin(), rendering.inexpressible.end(), [&](const Inexpressible& lost) {
                return lost.field == entry.field && lost.place.subleaf_first == entry.place.subleaf_first;
            });
    });
}

std::vector<RenderTarget> render_targets() {
    std::vector<RenderTarget> all;
    for (const render::Target& target : render::targets) all.push_back(target.is);
    return all;
}

Rendering render_policy(const Rulebook& rulebook, const PoolPolicy& policy, std::string_view target,
                        const RenderOptions& options) {
    const render::Target& chosen = target_of(target);
    const promises::VendorRules rules = promises::VendorRules::of(rulebook, policy);
    const TargetInput input{rules, policy, options, rulebook.vendors[rules.vendor()].id};
    Rendering rendering = chosen.render(input);
    rendering.target = target;
    if (!options.hosts.empty()) rendering.hosts = advice_for_hosts(rulebook, input, chosen, rendering);
    return rendering;
}

std::set<std::string> proxmox_models(const Rulebook& rulebook, const PoolPolicy& policy) {
    const std::vector<std::string> models = rulebook::proxmox_data(rulebook).models_for(policy.vendor);
    return {models.begin(), models.end()};
}

std::optional<NearestModel> nearest_proxmox_model(const Rulebook& rulebook, const PoolPolicy& policy,
                                                  QemuModels models) {
    for (const std::string& name : rulebook::proxmox_data(rulebook).generic) {
        const auto at = models.models.find(name);
        if (at != models.models.end()) at->second.vendor.clear();
    }
    return nearest_qemu_model(rulebook, policy, models);
}

std::set<std::string> qemu_properties(const Rulebook& rulebook, const PoolPolicy& policy, QemuAccelerator accelerator) {
    const promises::VendorRules rules = promises::VendorRules::of(rulebook, policy);
    RenderOptions options;
    options.accelerator = accelerator;
    return render::qemu_properties({rules, policy, options, rulebook.vendors[rules.vendor()].id});
}

}  // namespace poolcpuid
