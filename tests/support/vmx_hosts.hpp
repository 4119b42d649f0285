// Real Intel hosts with their VMX capability MSRs (480h to 493h), raw or as KVM shows them, and what a policy
// makes of those MSRs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/corpus.hpp"
#include "tests/support/kvm_vmx_restore.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test {

inline constexpr std::uint32_t first_vmx_msr = 0x480;
inline constexpr std::uint32_t last_vmx_msr = 0x493;
inline constexpr unsigned half = 32;  // the lower half says which controls must be 1, the upper which may be

// MSRs of two halves that a VMM restores; 481h to 484h follow from the TRUE ones.
inline constexpr std::uint32_t control_msrs[]{kvm_vmx::procbased2, kvm_vmx::true_pinbased, kvm_vmx::true_procbased,
                                              kvm_vmx::true_exit, kvm_vmx::true_entry};
inline constexpr std::uint32_t msrs_made_of_true_ones[]{kvm_vmx::pinbased, kvm_vmx::procbased, kvm_vmx::exit,
                                                        kvm_vmx::entry, kvm_vmx::cr0_fixed1};

inline VmxMsrs vmx_msrs_in(const std::vector<MsrRow>& rows) {
    VmxMsrs msrs;
    for (const MsrRow& row : rows) {
        if (first_vmx_msr <= row.index && row.index <= last_vmx_msr && row.value) msrs.value[row.index] = *row.value;
    }
    return msrs;
}

// The MSRs of the view that the merge takes capabilities from.
inline VmxMsrs vmx_msrs_of(const HostDump& host) {
    const auto& msrs = host.hypervisor ? host.hypervisor->msrs : host.hardware->msrs;
    return msrs ? vmx_msrs_in(*msrs) : VmxMsrs{};
}

// The policy's, but for those that KVM makes itself.
inline VmxMsrs restorable(const PoolPolicy& policy) {
    VmxMsrs msrs = vmx_msrs_in(policy.msrs);
    for (const std::uint32_t index : msrs_made_of_true_ones) msrs.value.erase(index);
    msrs.value.erase(kvm_vmx::cr4_fixed1);
    return msrs;
}

inline bool has_true_controls(const VmxMsrs& msrs) { return ((msrs[kvm_vmx::basic] >> 55) & 1U) != 0; }

// The host with other VMX MSRs; those that it does not have are added.
inline HostDump with_vmx(HostDump host, const std::map<std::uint32_t, std::uint64_t>& values) {
    auto& msrs = host.hypervisor ? host.hypervisor->msrs : host.hardware->msrs;
    for (const auto& [index, value] : values) {
        std::erase_if(*msrs, [wanted = index](const MsrRow& row) { return row.index == wanted; });
        msrs->push_back({index, value});
    }
    std::sort(msrs->begin(), msrs->end(), [](const MsrRow& a, const MsrRow& b) { return a.index < b.index; });
    std::string name = host.name;
    return with_digest(std::move(host), std::move(name));
}

// Linux arch/x86/kvm/vmx/nested.c, nested_vmx_setup_basic: revision 11E57ED0h (vmcs12.h), 1000h bytes, write-back
// memory, TRUE controls and, where the host has it, information about INS and OUTS.
inline constexpr std::uint64_t kvm_vmx_basic = 0x00D8100011E57ED0;
inline constexpr std::uint64_t timer_rate_mask = 0x1F;
inline constexpr std::uint64_t kvm_timer_rate =
    5;  // nested_vmx_setup_misc_data, VMX_MISC_EMULATED_PREEMPTION_TIMER_RATE

// A real host as a hypervisor's view: its registers, KVM's VMX_BASIC and timer rate, and (constructed, since the
// dumps lack it) one VM function where the host has VM functions. The rest of the VMX MSRs are as the silicon has
// them, which is more than KVM offers.
inline HostDump as_kvm(const HostDump& raw) {
    HostDump host;
    host.name = raw.name;
    host.hypervisor = HypervisorView{"kvm", raw.hardware->cpus.front().cpuid, raw.hardware->msrs};
    const VmxMsrs msrs = vmx_msrs_of(raw);
    const std::uint64_t vmfunc = (msrs[kvm_vmx::procbased2] >> (half + 13)) & 1U;
    return with_vmx(std::move(host), {{kvm_vmx::basic, kvm_vmx_basic},
                                      {kvm_vmx::misc, (msrs[kvm_vmx::misc] & ~timer_rate_mask) | kvm_timer_rate},
                                      {kvm_vmx::vmfunc, vmfunc}});
}

// Every real host with VMX and its MSRs, raw.
inline std::vector<HostDump> hosts_with_vmx() {
    std::vector<HostDump> hosts;
    for (const HostDump& host : real_hosts()) {
        if (host.hardware && vmx_msrs_of(host).value.contains(kvm_vmx::basic) &&
            vendor_string(host.first_table()) == "GenuineIntel") {
            hosts.push_back(host);
        }
    }
    return hosts;
}

inline Merged nested(const std::vector<HostDump>& hosts) {
    MergeOptions options;
    options.show = {"nested"};
    return Merged(hosts, options);
}

// Judges the VMX MSRs of a policy by those of its hosts, bit by bit, with the rulebook for nothing but the names of
// the bits and what depends on what.
class VmxJudge {
public:
    VmxJudge(const Merged& pool, const std::vector<HostDump>& hosts)
        : pool_(pool), merged_(vmx_msrs_in(pool.policy.msrs)) {
        for (const HostDump& host : hosts) hosts_.push_back(vmx_msrs_of(host));
    }

    // Everything that is wrong; empty when nothing is.
    std::vector<std::string> run() {
        for (const std::uint32_t index : control_msrs) {
            expect(index, "controls that must be 1", merged_[index] & kvm_vmx::low_half,
                   any(index) & kvm_vmx::low_half);
            check_capabilities(index, ~kvm_vmx::low_half);
        }
        for (const std::uint32_t index : {kvm_vmx::cr0_fixed0, kvm_vmx::cr4_fixed0}) {
            expect(index, "fixed bits", merged_[index], any(index));
        }
        check_capabilities(kvm_vmx::ept_vpid_cap, 0x00000F01FFFFFFFF);
        check_capabilities(kvm_vmx::vmfunc, ~std::uint64_t{0});
        check_basic();
        check_misc();
        check_made();
        return complaints_;
    }

private:
    void expect(std::uint32_t index, const std::string& what, std::uint64_t found, std::uint64_t expected) {
        if (found == expected) return;
        complaints_.push_back("MSR " + kvm_vmx::hex(index) + ": " + what + " are " + kvm_vmx::hex(found) + " and not " +
                              kvm_vmx::hex(expected));
    }

    std::uint64_t any(std::uint32_t index) const {
        std::uint64_t value = 0;
        for (const VmxMsrs& host : hosts_) value |= host[index];
        return value;
    }

    std::uint64_t all(std::uint32_t index) const {
        std::uint64_t value = ~std::uint64_t{0};
        for (const VmxMsrs& host : hosts_) value &= host[index];
        return value;
    }

    // The smallest or largest value of a field.
    std::pair<std::uint64_t, std::uint64_t> range(std::uint32_t index, unsigned high, unsigned low) const {
        std::set<std::uint64_t> values;
        for (const VmxMsrs& host : hosts_) values.insert(kvm_vmx::bits(host[index], high, low));
        return {*values.begin(), *values.rbegin()};
    }

    // Of the bits in mask the policy has those that all hosts have, but for the ones that must go.
    void check_capabilities(std::uint32_t index, std::uint64_t mask) {
        std::uint64_t expected = 0;
        for (unsigned bit = 0; bit < 64; ++bit) {
            const std::uint64_t one = std::uint64_t{1} << bit;
            if ((all(index) & mask & one) != 0 && !must_go(index, bit)) expected |= one;
        }
        expect(index, "capabilities", merged_[index] & mask, expected);
    }

    // Nameless, not for nested guests, without anything that it needs, or of a timer whose rate differs.
    bool must_go(std::uint32_t index, unsigned bit) const {
        const Rulebook& rulebook = builtin_rulebook();
        const auto at = std::find_if(rulebook.fields.begin(), rulebook.fields.end(), [&](const Field& field) {
            return field.is_msr && field.leaf == index && field.low <= bit && bit <= field.high;
        });
        if (at == rulebook.fields.end() || at->exposure != Exposure::asked || at->ask != "nested") return true;
        const auto number = static_cast<FieldIndex>(at - rulebook.fields.begin());
        const auto holds = [&](std::span<const FieldIndex> fields) {
            return std::find(fields.begin(), fields.end(), number) != fields.end();
        };
        const auto is_present = [&](FieldIndex field) { return value_of(pool_, std::string(rulebook[field].id)) != 0; };
        if (at->gate != no_field && !is_present(at->gate)) return true;
        for (const Dependency& dependency : rulebook.dependencies) {
            if (!holds(dependency.dependents)) continue;
            const auto& needed = dependency.prerequisites;
            if (std::none_of(needed.begin(), needed.end(), is_present)) return true;
        }
        const bool is_timer = at->id == "vmx_true_pinbased_preemption_timer" || at->id == "vmx_true_exit_save_timer";
        return is_timer && !agree_on_timer();
    }

    bool agree_on_timer() const {
        const auto rates = range(kvm_vmx::misc, 4, 0);
        return rates.first == rates.second;
    }

    void check_basic() {
        const std::uint64_t value = merged_[kvm_vmx::basic];
        const auto field = [&](const char* what, unsigned high, unsigned low, std::uint64_t expected) {
            expect(kvm_vmx::basic, what, kvm_vmx::bits(value, high, low), expected);
        };
        field("revisions", 30, 0, range(kvm_vmx::basic, 30, 0).first);
        field("region sizes", 44, 32, range(kvm_vmx::basic, 44, 32).second);
        field("address limits", 48, 48, range(kvm_vmx::basic, 48, 48).second);
        field("dual-monitor bits", 49, 49, 0);
        field("memory types", 53, 50, range(kvm_vmx::basic, 53, 50).first);
        check_capabilities(kvm_vmx::basic, 0xFFC0000000000000);
    }

    void check_misc() {
        const std::uint64_t value = merged_[kvm_vmx::misc];
        const auto field = [&](const char* what, unsigned high, unsigned low, std::uint64_t expected) {
            expect(kvm_vmx::misc, what, kvm_vmx::bits(value, high, low), expected);
        };
        field("timer rates", 4, 0, agree_on_timer() ? range(kvm_vmx::misc, 4, 0).first : 0);
        check_capabilities(kvm_vmx::misc, 0x00000000F000FFE0);
        field("CR3 targets", 24, 16, range(kvm_vmx::misc, 24, 16).first);
        field("lengths of MSR lists", 27, 25, range(kvm_vmx::misc, 27, 25).first);
        field("MSEG revisions", 63, 32, 0);
    }

    void check_made() {
        for (const std::uint32_t index : msrs_made_of_true_ones) {
            expect(index, "values made of others", merged_[index], kvm_makes(index, merged_));
        }
        expect(kvm_vmx::cr4_fixed1, "values made of CPUID", merged_[kvm_vmx::cr4_fixed1],
               kvm_makes_cr4_fixed1(CpuidTable{pool_.policy.cpuid, {}}));
        // By the field's index in bits 9:1 of its encoding (SDM vol. 3D, appendix B): the secondary VM-exit controls
        // 2044h, the TSC multiplier 2032h, the preemption timer 482Eh. No host has FRED.
        const bool exits_more = (merged_[kvm_vmx::true_exit] >> 63) != 0;
        const bool scales = ((merged_[kvm_vmx::procbased2] >> (half + 25)) & 1U) != 0;
        expect(kvm_vmx::vmcs_enum, "highest VMCS fields", merged_[kvm_vmx::vmcs_enum],
               exits_more ? 0x44U
               : scales   ? 0x32U
                          : 0x2EU);
    }

    const Merged& pool_;
    VmxMsrs merged_;
    std::vector<VmxMsrs> hosts_;
    std::vector<std::string> complaints_;
};

}  // namespace poolcpuid::test
