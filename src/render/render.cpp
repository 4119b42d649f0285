#include "poolcpuid/render.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "poolcpuid/error.hpp"
#include "render/targets.hpp"

namespace poolcpuid {

namespace {

using render::Remedy;
using render::TargetInput;

constexpr std::array<std::pair<std::string_view, RenderTarget>, 6> target_names{{
    {"firecracker", RenderTarget::firecracker},
    {"kvm", RenderTarget::kvm},
    {"libvirt", RenderTarget::libvirt},
    {"qemu", RenderTarget::qemu},
    {"xapi", RenderTarget::xapi},
    {"xen", RenderTarget::xen},
}};

std::size_t vendor_of(const Rulebook& rulebook, const PoolPolicy& policy) {
    if (const auto vendor = rulebook.vendor_of(policy.vendor)) return *vendor;
    throw NoPolicyError("the policy is for the vendor \"" + policy.vendor + "\", which the rulebook does not know");
}

Rendering render_target(const TargetInput& input, RenderTarget target) {
    switch (target) {
        case RenderTarget::firecracker: return render::render_firecracker(input);
        case RenderTarget::kvm: return render::render_kvm(input);
        case RenderTarget::libvirt: return render::render_libvirt(input);
        case RenderTarget::qemu: return render::render_qemu(input);
        case RenderTarget::xapi: return render::render_xapi(input);
        case RenderTarget::xen: break;
    }
    return render::render_xen(input);
}

Remedy remedy_for(const TargetInput& input, const Rendering& rendering, const HostDump& host,
                  const std::vector<StartUp>& hidden) {
    switch (rendering.target) {
        case RenderTarget::firecracker: return render::firecracker_remedy(input, rendering, host, hidden);
        case RenderTarget::kvm: return render::kvm_remedy(input, rendering, hidden);
        case RenderTarget::libvirt: return render::libvirt_remedy(input, rendering, hidden);
        case RenderTarget::qemu: return render::qemu_remedy(input, rendering, hidden);
        case RenderTarget::xapi: return render::xapi_remedy(input, hidden);
        case RenderTarget::xen: break;
    }
    return render::xen_remedy(input, hidden);
}

// Hosts with equal advice are one entry; those that need nothing come first, then by the fields.
std::vector<HostAdvice> advice_for_hosts(const Rulebook& rulebook, const TargetInput& input,
                                         const Rendering& rendering) {
    const PolicyCheck check(rulebook, input.policy);
    using Key = std::tuple<std::vector<std::string>, std::vector<std::string>, std::string>;
    std::map<Key, HostAdvice> groups;
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
            Remedy remedy = remedy_for(input, rendering, host, entry.hidden);
            entry.advice = std::move(remedy.advice);
            entry.output = std::move(remedy.output);
        } else {
            entry.advice = "Nothing to do.";
        }
        HostAdvice& group = groups.try_emplace({entry.breaks, fields, entry.advice}, entry).first->second;
        group.hosts.push_back(host.name);
    }
    std::vector<HostAdvice> all;
    for (auto& [key, group] : groups) {
        std::sort(group.hosts.begin(), group.hosts.end());
        group.hosts.erase(std::unique(group.hosts.begin(), group.hosts.end()), group.hosts.end());
        all.push_back(std::move(group));
    }
    return all;
}

}  // namespace

std::string_view to_string(RenderTarget target) noexcept {
    const auto at = std::find_if(target_names.begin(), target_names.end(),
                                 [&](const auto& entry) { return entry.second == target; });
    return at->first;
}

std::optional<RenderTarget> render_target_of(std::string_view name) noexcept {
    for (const auto& [text, target] : target_names) {
        if (text == name) return target;
    }
    return std::nullopt;
}

Rendering render_policy(const Rulebook& rulebook, const PoolPolicy& policy, RenderTarget target,
                        const RenderOptions& options) {
    const std::size_t vendor = vendor_of(rulebook, policy);
    const merge::Plan plan(rulebook, vendor);
    const TargetInput input{plan, policy, options, rulebook.vendors[vendor].id};
    Rendering rendering = render_target(input, target);
    rendering.target = target;
    if (!options.hosts.empty()) rendering.hosts = advice_for_hosts(rulebook, input, rendering);
    return rendering;
}

std::set<std::string> qemu_properties(const Rulebook& rulebook, const PoolPolicy& policy, QemuAccelerator accelerator) {
    const std::size_t vendor = vendor_of(rulebook, policy);
    const merge::Plan plan(rulebook, vendor);
    RenderOptions options;
    options.accelerator = accelerator;
    return render::qemu_properties({plan, policy, options, rulebook.vendors[vendor].id});
}

}  // namespace poolcpuid
