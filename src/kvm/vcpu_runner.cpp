// The vCPUs of KVM behind verify.hpp's VcpuRunner.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "kvm/device.hpp"
#include "kvm/guest_code.hpp"
#include "kvm/vcpu.hpp"
#include "os/pinning.hpp"
#include "poolcpuid/verify.hpp"
#include "text/hex.hpp"

namespace poolcpuid {

namespace {

using kvm::guest::Record;

// Of the content of CPUID, Linux checks the two of which the hints speak (arch/x86/kvm/cpuid.c, kvm_check_cpuid).
std::string entries_refusal(int error) {
    std::string text = "KVM refuses it (" + os::reason(error) + ")";
    if (error == EINVAL) text += ": it takes only linear addresses of 48 or 57 bits";
    if (error == EPERM || error == EACCES || error == EOPNOTSUPP) {
        text += ": of the XSAVE state components it takes only those that the kernel lets guests use";
    }
    if (error == E2BIG) text += ": it takes fewer entries";
    return text + ".";
}

std::string msr_refusal(const kvm::Device& device, const MsrRow& msr) {
    const std::optional<std::uint64_t> supported = device.feature_msr(msr.index);
    const std::string text = "KVM refuses the value " + to_hex(*msr.value, 16);
    if (!supported) return text + ": it knows no such feature MSR here.";
    return text + "; what it supports is " + to_hex(*supported, 16) + ".";
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
            const bool faulted = record[2] != 0;
            out.msrs.push_back(faulted ? std::nullopt
                                       : std::optional(std::uint64_t{record[1]} << 32U | std::uint64_t{record[0]}));
        }
    }
}

VcpuAnswer run_on(const kvm::Device& device, const VcpuTask& task) {
    os::Pinning pinning;
    pinning.move_to(pinning.allowed().front());
    kvm::Vcpu vcpu(device);
    VcpuAnswer out;
    if (const int error = vcpu.set_cpuid(task.cpuid); error != 0) {
        out.refusal = entries_refusal(error);
        return out;
    }
    for (const MsrRow& msr : task.msrs) {
        out.msr_refusals.push_back(vcpu.set_msr(msr.index, *msr.value) ? "" : msr_refusal(device, msr));
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
