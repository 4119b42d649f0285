// The vCPUs of KVM behind verify.hpp's VcpuRunner.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "kvm/device.hpp"
#include "kvm/guest_code.hpp"
#include "kvm/refusal.hpp"
#include "kvm/vcpu.hpp"
#include "os/pinning.hpp"
#include "poolcpuid/verify.hpp"

namespace poolcpuid {

namespace {

using kvm::guest::Record;

// The answer to a question for RDMSR.
bool is_fault(const Record& record) { return record[2] != 0; }

// What KVM supports on this machine need not be what it takes for a vCPU: that depends on the vCPU's CPUID, and on
// what KVM makes of it. So another vCPU with the same CPUID is asked, and the first stays as it was told.
std::string msr_refusal(const kvm::Device& device, const VcpuTask& task, const MsrRow& msr) {
    kvm::RefusedMsr refused{*msr.value, device.feature_msr(msr.index)};
    if (refused.supported) {
        kvm::Vcpu vcpu(device);
        vcpu.set_cpuid(task.cpuid);
        refused.takes_supported = vcpu.set_msr(msr.index, *refused.supported);
        std::array<Record, 1> record{{{msr.index}}};
        vcpu.run({}, record);
        refused.faults = is_fault(record.front());
    }
    return kvm::msr_refusal(refused);
}

// The questions one after the other, as many at a time as fit into the guest's memory.
void answer(kvm::Vcpu& vcpu, const VcpuTask& task, VcpuAnswer& out) {
    for (std::size_t first = 0; first < task.execute.size(); first += kvm::guest::most_records) {
        std::vector<Record> records;
        const std::size_t end = std::min(first + kvm::guest::most_records, task.execute.size());
        for (std::size_t i = first; i < end; ++i) records.push_back({task.execute[i].leaf, task.execute[i].subleaf});
        vcpu.run(records, {});
        for (const Record& record : records) out.cpuid.push_back({record[0], record[1], record[2], record[3]});
    }
    for (std::size_t first = 0; first < task.rdmsr.size(); first += kvm::guest::most_records) {
        std::vector<Record> records;
        const std::size_t end = std::min(first + kvm::guest::most_records, task.rdmsr.size());
        for (std::size_t i = first; i < end; ++i) records.push_back({task.rdmsr[i]});
        vcpu.run({}, records);
        for (const Record& record : records) {
            const std::uint64_t value = std::uint64_t{record[1]} << 32U | std::uint64_t{record[0]};
            out.msrs.push_back(is_fault(record) ? std::nullopt : std::optional(value));
        }
    }
}

VcpuAnswer run_on(const kvm::Device& device, const VcpuTask& task) {
    os::Pinning pinning;
    pinning.move_to(pinning.allowed().front());
    kvm::Vcpu vcpu(device);
    VcpuAnswer out;
    if (const int error = vcpu.set_cpuid(task.cpuid); error != 0) {
        out.refusal = kvm::entries_refusal(error);
        for (const VcpuEntry& entry : task.cpuid) {
            const int alone = vcpu.set_cpuid({&entry, 1});
            out.entry_refusals.push_back(alone == 0 ? "" : kvm::entries_refusal(alone));
        }
        return out;
    }
    for (const MsrRow& msr : task.msrs) {
        out.msr_refusals.push_back(vcpu.set_msr(msr.index, *msr.value) ? "" : msr_refusal(device, task, msr));
    }
    answer(vcpu, task, out);
    return out;
}

}  // namespace

VcpuRunner kvm_vcpus(const std::string& device_path) {
    const auto device = std::make_shared<const kvm::Device>(device_path);
    device->ask_for_components();
    return [device](const VcpuTask& task) { return run_on(*device, task); };
}

}  // namespace poolcpuid
