#include "verify/probe.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "poolcpuid/error.hpp"

namespace poolcpuid::verify {

namespace {

using promises::RegisterPlace;
using promises::VendorRules;

using Bits = std::map<RegisterPlace, std::uint64_t>;
using Values = std::map<RegisterPlace, std::uint64_t>;

void turn(std::uint32_t& value, std::uint64_t bits, bool set) {
    value = static_cast<std::uint32_t>(set ? value | bits : value & ~bits);
}

// The entry for a key, in a list that is sorted by them; a new one where there is none, which is only of use where bits
// are set.
VcpuEntry& entry_for(VcpuTask& task, const LeafKey& key) {
    const auto at =
        std::lower_bound(task.cpuid.begin(), task.cpuid.end(), key,
                         [](const VcpuEntry& entry, const LeafKey& wanted) { return entry.row.key < wanted; });
    if (at != task.cpuid.end() && at->row.key == key) return *at;
    const bool has_subleaves = std::any_of(task.execute.begin(), task.execute.end(), [&](const LeafKey& other) {
        return other.leaf == key.leaf && other.subleaf > 0;
    });
    return *task.cpuid.insert(at, VcpuEntry{{key, {}}, has_subleaves});
}

// The task with bits set or cleared in what the vCPU is told.
VcpuTask with(VcpuTask task, const Bits& bits, bool set) {
    for (const auto& [place, mask] : bits) {
        if (!place.is_msr) {
            turn(entry_for(task, place.key).row.value[place.reg], mask, set);
            continue;
        }
        for (MsrRow& msr : task.msrs) {
            if (msr.index == place.key.leaf) msr.value = set ? *msr.value | mask : *msr.value & ~mask;
        }
    }
    return task;
}

// The flags in the rows of a task.
Bits flags_of(const VendorRules& rules, const VcpuTask& task) {
    Bits flags;
    for (const VcpuEntry& entry : task.cpuid) {
        for (const Register reg : all_registers) {
            const RegisterPlace place{false, entry.row.key, reg};
            if (const auto word = rules.find_word(place)) flags[place] = rules.words()[*word].all();
        }
    }
    return flags;
}

// What the registers in which bits are wrong read with a task; nothing when the vCPU is refused or fails.
std::optional<Values> ask(const VcpuTask& task, const VcpuRunner& run) {
    try {
        const VcpuAnswer answer = run(task);
        if (!answer.refusal.empty()) return std::nullopt;
        Values values;
        for (std::size_t i = 0; i < task.execute.size(); ++i) {
            for (const Register reg : all_registers) {
                values[{false, task.execute[i], reg}] = answer.cpuid.at(i)[reg];
            }
        }
        for (std::size_t i = 0; i < task.rdmsr.size(); ++i) {
            if (answer.msrs.at(i)) values[{true, {task.rdmsr[i], 0}, Register::eax}] = *answer.msrs[i];
        }
        return values;
    } catch (const SystemError&) {
        return std::nullopt;
    }
}

}  // namespace

Control divide(const VendorRules& rules, const VcpuTask& task, const std::vector<WrongBits>& wrong,
               const VcpuRunner& run) {
    Bits own;
    for (const WrongBits& bits : wrong) own[bits.place] = bits.bits;
    Bits with_flags = flags_of(rules, task);
    for (const auto& [place, bits] : own) with_flags[place] |= bits;

    std::vector<Values> probes;
    for (const bool set : {true, false}) {
        auto values = ask(with(task, with_flags, set), run);
        if (!values) values = ask(with(task, own, set), run);
        if (values) probes.push_back(*std::move(values));
    }
    Control control;
    for (const WrongBits& bits : wrong) {
        std::uint64_t same = probes.size() == 2 ? bits.bits : 0;
        for (const Values& probe : probes) {
            const auto at = probe.find(bits.place);
            same &= at == probe.end() ? 0 : ~(at->second ^ bits.seen);
        }
        if (same != 0) control.uncontrolled.push_back({bits.place, bits.policy, bits.seen, same});
        if ((bits.bits & ~same) != 0) {
            control.controlled.push_back({bits.place, bits.policy, bits.seen, bits.bits & ~same});
        }
    }
    return control;
}

}  // namespace poolcpuid::verify
