#include "poolcpuid/render.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

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

std::size_t vendor_of(const Rulebook& rulebook, const PoolPolicy& policy) {
    if (const auto vendor = rulebook.vendor_of(policy.vendor)) return *vendor;
    throw NoPolicyError("the policy is for the vendor \"" + policy.vendor + "\", which the rulebook does not know");
}

// A host's CPU and kernel, as far as its dump says them.
std::string kind_of(const Rulebook& rulebook, const HostDump& host) {
    const HostFacts facts = facts_of(rulebook, host);
    std::string kind = facts.cpu ? short_text(*facts.cpu) : "";
    if (facts.kernel.empty()) return kind;
    return kind + (kind.empty() ? "kernel " : ", kernel ") + printable(facts.kernel);
}

// Hosts with equal advice are one entry; those that need nothing come first, then by the fields.
std::vector<HostAdvice> advice_for_hosts(const Rulebook& rulebook, const TargetInput& input,
                                         const render::Target& target, const Rendering& rendering) {
    const PolicyCheck check(rulebook, input.policy);
    using Key = std::tuple<std::vector<std::string>, std::vector<std::string>, std::string>;
    std::map<Key, HostAdvice> groups;
    std::map<Key, std::set<std::string>> named;  // a dump may be given twice
    for (const HostDump& host : input.options.hosts) {
        const Verdict verdict = check.against(host);
        HostAdvice entry;
        for (const Violation& violation : verdict.violations) {
            if (violation.counts(UnknownIs::failure) && !only_degrades(violation.impact))
                entry.breaks.push_back(violation.field);
        }
        std::sort(entry.breaks.begin(), entry.breaks.end());
        entry.breaks.erase(std::unique(entry.breaks.begin(), entry.breaks.end()), entry.breaks.end());
        entry.hidden = verdict.start_up;
        std::vector<std::string> fields;
        for (const StartUp& hidden : entry.hidden) fields.push_back(hidden.field);
        if (!entry.breaks.empty()) {
            entry.advice =
                "The host does not keep every promise of the policy (poolcpuid check): no VM of it may run there.";
        } else if (!entry.hidden.empty()) {
            Remedy remedy = target.remedy(input, rendering, host, entry.hidden);
            entry.advice = std::move(remedy.advice);
            entry.output = std::move(remedy.output);
        } else {
            entry.advice = "Nothing to do.";
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
    const std::size_t vendor = vendor_of(rulebook, policy);
    const merge::Plan plan(rulebook, vendor);
    const TargetInput input{plan, policy, options, rulebook.vendors[vendor].id};
    Rendering rendering = chosen.render(input);
    rendering.target = target;
    if (!options.hosts.empty()) rendering.hosts = advice_for_hosts(rulebook, input, chosen, rendering);
    return rendering;
}

std::set<std::string> proxmox_models(const Rulebook& rulebook, const PoolPolicy& policy) {
    const std::vector<std::string> models = rulebook::proxmox_data(rulebook).models_for(policy.vendor);
    return {models.begin(), models.end()};
}

std::set<std::string> qemu_properties(const Rulebook& rulebook, const PoolPolicy& policy, QemuAccelerator accelerator) {
    const std::size_t vendor = vendor_of(rulebook, policy);
    const merge::Plan plan(rulebook, vendor);
    RenderOptions options;
    options.accelerator = accelerator;
    return render::qemu_properties({plan, policy, options, rulebook.vendors[vendor].id});
}

}  // namespace poolcpuid
