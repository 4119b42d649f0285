#include "dump/virtual_machine.hpp"

#include "dump/hypervisor_leaves.hpp"
#include "poolcpuid/registers.hpp"

namespace poolcpuid::dump {

bool shows_hypervisor(const CpuidTable& cpuid) noexcept {
    const Registers* features = cpuid.find(signature_key);
    return features != nullptr && (features->ecx >> 31U) != 0;
}

namespace {

std::uint32_t register_of(const CpuidTable& cpuid, std::uint32_t leaf, Register reg) noexcept {
    const Registers* row = cpuid.find({leaf, 0});
    return row == nullptr ? 0 : (*row)[reg];
}

// As Linux and Windows tell it (hv_identify_partition_type in drivers/hv/hv_common.c; TLFS, partition privileges): the
// root may create partitions and manage CPUs, and is no confidential VM. Where Hyper-V runs in a VM itself (leaf
// 40000004h EAX[12], HV_X64_HYPERV_NESTED), its root sees that VM.
bool is_root_of_hyper_v(const CpuidTable& cpuid) noexcept {
    constexpr std::uint32_t create_partitions = 1U << 0U;
    constexpr std::uint32_t cpu_management = 1U << 12U;
    constexpr std::uint32_t isolation = 1U << 22U;
    constexpr std::uint32_t nested = 1U << 12U;
    const std::uint32_t privileges = register_of(cpuid, 0x40000003, Register::ebx);
    return serves(cpuid, hypervisor_range, "hyperv") && (privileges & create_partitions) != 0 &&
           (privileges & cpu_management) != 0 && (privileges & isolation) == 0 &&
           (register_of(cpuid, 0x40000004, Register::eax) & nested) == 0;
}

}  // namespace

TakenIn taken_in(const HostDump& host) noexcept {
    if (!host.hardware) return TakenIn::host;
    const CpuidTable& cpuid = host.hardware->cpus.front().cpuid;
    if (!shows_hypervisor(cpuid)) return TakenIn::host;
    return is_root_of_hyper_v(cpuid) ? TakenIn::root_partition : TakenIn::virtual_machine;
}

void note_virtual_machine(HostDump& host) {
    const TakenIn where = taken_in(host);
    if (where == TakenIn::virtual_machine) {
        host.notes.push_back({"virtual-machine",
                              "CPUID says that this is a virtual machine (leaf 1 ECX[31]): the hardware view is what "
                              "its hypervisor shows it, not the silicon."});
    }
    if (where == TakenIn::root_partition) {
        host.notes.push_back({"hyperv-root",
                              "CPUID says that this is the root partition of Hyper-V (leaf 40000003h EBX[0] and "
                              "EBX[12]), the host's own system: the hardware view is the silicon as Hyper-V shows it "
                              "there, which may lack what Hyper-V keeps for itself."});
    }
}

}  // namespace poolcpuid::dump
