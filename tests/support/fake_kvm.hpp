// A KVM for tests of verify: it answers CPUID as Linux' KVM does (arch/x86/kvm/cpuid.c, kvm_cpuid), and departs from
// that where a test wants it to.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "poolcpuid/error.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid::test {

class FakeKvm {
public:
    // Looks at what a vCPU is told, and changes what it answers to one execution. Where a leaf is out of range, key is
    // first that of the highest basic leaf, which answers in its place, and then the leaf's own.
    using Overlay = std::function<void(const VcpuTask& task, LeafKey key, Registers& value)>;

    FakeKvm& overlay(Overlay change) {
        overlays_.push_back(std::move(change));
        return *this;
    }

    // Some bits are as they are whatever the vCPU is told.
    FakeKvm& fixed(LeafKey key, Register reg, std::uint32_t mask, std::uint32_t bits) {
        return overlay([=](const VcpuTask&, LeafKey asked, Registers& value) {
            if (asked == key) value[reg] = (value[reg] & ~mask) | (bits & mask);
        });
    }

    // Refuses lists of entries for which the predicate holds.
    FakeKvm& refuse(std::function<bool(const std::vector<VcpuEntry>&)> refused) {
        refused_ = std::move(refused);
        return *this;
    }

    FakeKvm& refuse_msr(std::uint32_t index) {
        refused_msrs_.insert(index);
        return *this;
    }

    // RDMSR of it faults, though it can be set.
    FakeKvm& fault(std::uint32_t index) {
        faulting_.insert(index);
        return *this;
    }

    // Bits of an MSR that are as they are.
    FakeKvm& fixed_msr(std::uint32_t index, std::uint64_t mask, std::uint64_t bits) {
        fixed_msrs_[index] = {mask, bits};
        return *this;
    }

    // From the given vCPU on (0: the first) none runs.
    FakeKvm& fail_from(std::size_t vcpu) {
        fails_from_ = vcpu;
        return *this;
    }

    // The tasks of all vCPUs, in order.
    const std::vector<VcpuTask>& tasks() const noexcept { return tasks_; }

    VcpuRunner runner() {
        return [this](const VcpuTask& task) { return run(task); };
    }

    static const CpuidRow* find(const std::vector<VcpuEntry>& entries, LeafKey key) {
        const auto at = std::find_if(entries.begin(), entries.end(), [&](const VcpuEntry& entry) {
            return entry.row.key.leaf == key.leaf && (!entry.has_subleaves || entry.row.key.subleaf == key.subleaf);
        });
        return at == entries.end() ? nullptr : &at->row;
    }

    // Whether a bit is set in what a vCPU is told.
    static bool told(const VcpuTask& task, LeafKey key, Register reg, unsigned bit) {
        const CpuidRow* row = find(task.cpuid, key);
        return row != nullptr && (row->value[reg] >> bit & 1U) == 1;
    }

private:
    VcpuAnswer run(const VcpuTask& task) {
        tasks_.push_back(task);
        if (tasks_.size() > fails_from_) throw SystemError("KVM does not run the vCPU (test).");
        VcpuAnswer answer;
        if (refused_ && refused_(task.cpuid)) {
            answer.refusal = "KVM refuses it (test).";
            return answer;
        }
        for (const MsrRow& msr : task.msrs) {
            answer.msr_refusals.push_back(refused_msrs_.contains(msr.index) ? "KVM refuses the value (test)." : "");
        }
        for (const LeafKey& key : task.execute) answer.cpuid.push_back(execute(task, key));
        for (const std::uint32_t index : task.rdmsr) answer.msrs.push_back(read(task, index));
        return answer;
    }

    Registers execute(const VcpuTask& task, LeafKey key) const {
        const LeafKey answering = answering_key(task, key);
        Registers value = answer_of(task, answering);
        for (const Overlay& change : overlays_) {
            change(task, answering, value);
            if (answering != key) change(task, key, value);
        }
        return value;
    }

    static Registers answer_of(const VcpuTask& task, LeafKey key) {
        if (const CpuidRow* row = find(task.cpuid, key)) return row->value;
        // Beyond the levels of a topology the level and the APIC id are filled in.
        const CpuidRow* level = key.leaf == 0xB || key.leaf == 0x1F ? find(task.cpuid, {key.leaf, 1}) : nullptr;
        return level == nullptr ? Registers{} : Registers{0, 0, key.subleaf & 0xFFU, level->value.edx};
    }

    // The key itself, or beyond the maximum of its range that of the highest basic leaf. AMD's and Hygon's answer
    // with zeros there.
    static LeafKey answering_key(const VcpuTask& task, LeafKey key) {
        const CpuidRow* basic = find(task.cpuid, {0, 0});
        if (basic == nullptr || find(task.cpuid, key) != nullptr) return key;
        constexpr std::uint32_t amd = 0x68747541;    // "Auth"
        constexpr std::uint32_t hygon = 0x6F677948;  // "Hygo"
        if (basic->value.ebx == amd || basic->value.ebx == hygon) return key;
        const CpuidRow* first = find(task.cpuid, {first_leaf(key.leaf), 0});
        const bool is_in_range = first != nullptr && key.leaf <= first->value.eax;
        return is_in_range ? key : LeafKey{basic->value.eax, key.subleaf};
    }

    // The leaf that says how far a leaf's range goes.
    static std::uint32_t first_leaf(std::uint32_t leaf) {
        if (leaf >> 28U == 4) return leaf & 0xFFFFFF00U;
        return leaf >= 0xC0000000U ? 0xC0000000U : leaf & 0x80000000U;
    }

    std::optional<std::uint64_t> read(const VcpuTask& task, std::uint32_t index) const {
        if (faulting_.contains(index) || refused_msrs_.contains(index)) return std::nullopt;
        const auto at =
            std::find_if(task.msrs.begin(), task.msrs.end(), [&](const MsrRow& msr) { return msr.index == index; });
        std::uint64_t value = at == task.msrs.end() ? 0 : at->value.value_or(0);
        if (const auto fixed = fixed_msrs_.find(index); fixed != fixed_msrs_.end()) {
            value = (value & ~fixed->second.first) | (fixed->second.second & fixed->second.first);
        }
        return value;
    }

    std::vector<Overlay> overlays_;
    std::function<bool(const std::vector<VcpuEntry>&)> refused_;
    std::set<std::uint32_t> refused_msrs_;
    std::set<std::uint32_t> faulting_;
    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> fixed_msrs_;
    std::size_t fails_from_ = ~std::size_t{0};
    std::vector<VcpuTask> tasks_;
};

}  // namespace poolcpuid::test
