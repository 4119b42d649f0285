#include "capture/kvm.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kvm/device.hpp"
#include "kvm/ioctls.hpp"
#include "os/file_descriptor.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::capture {

namespace {

using kvm::Words;

constexpr const char* no_hypervisor_view = "No hypervisor view: ";

std::string components_text(std::uint64_t components) {
    std::string text;
    for (unsigned bit = 0; bit < 64; ++bit) {
        if ((components >> bit & 1U) == 1) text += (text.empty() ? "" : ", ") + std::to_string(bit);
    }
    return text;
}

class KvmReader {
public:
    KvmReader(const kvm::Device& device, std::vector<NotSeen>& not_seen) : device_(device), not_seen_(not_seen) {}

    // KVM leaves out of its answer what the process may not let guests use. VMMs that offer AMX ask for
    // the permission first, and what they can give is what is captured.
    std::optional<HypervisorView> read() {
        const std::uint64_t refused = device_.ask_for_components();
        if (refused != 0) {
            not_seen_.push_back(
                {unseen::kvm_states,
                 "State components that KVM can give but hides, since the kernel refused the permission: " +
                     components_text(refused) + "."});
        }
        HypervisorView view;
        view.name = "kvm";
        if (!read_cpuid(view.cpuid)) return std::nullopt;
        view.msrs = read_msrs();
        return view;
    }

private:
    void no_view(const std::string& why) {
        not_seen_.push_back({unseen::kvm, std::string(no_hypervisor_view) + device_.path() + why});
    }

    // Asks for one of the kernel's lists with ever more room. Nothing, and errno, when that fails.
    std::optional<Words> ask_list(unsigned long request, std::size_t head, std::size_t entry) const {
        for (std::size_t room = 64; room <= limits::msrs_per_view; room *= 2) {
            Words list(head + room * entry);
            list[0] = static_cast<std::uint32_t>(room);
            if (::ioctl(device_.number(), request, list.data()) >= 0) return list;
            if (errno != E2BIG) break;
        }
        return std::nullopt;
    }

    bool read_cpuid(CpuidTable& table) {
        const std::optional<Words> list = ask_list(kvm::get_supported_cpuid, kvm::cpuid_head, kvm::cpuid_entry);
        if (!list) {
            no_view(" does not say what it supports (" + os::reason(errno) + ").");
            return false;
        }
        for (std::size_t i = 0; i < list->front(); ++i) table.rows.push_back(row_of(*list, i));
        sort_rows(table);
        const bool whole = table.find(vendor_key) != nullptr && table.find(signature_key) != nullptr;
        if (!whole) no_view(" supports no leaf 0 or no leaf 1.");
        return whole;
    }

    static CpuidRow row_of(const Words& list, std::size_t index) {
        kvm_cpuid_entry2 entry{};
        std::memcpy(&entry, list.data() + kvm::cpuid_head + index * kvm::cpuid_entry, sizeof entry);
        const bool has_subleaf = (entry.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0;
        return {{entry.function, has_subleaf ? entry.index : 0}, {entry.eax, entry.ebx, entry.ecx, entry.edx}};
    }

    // Old kernels list leaf 2 several times, for the answers of one execution after the other: the first
    // stands for it.
    static void sort_rows(CpuidTable& table) {
        std::stable_sort(table.rows.begin(), table.rows.end(),
                         [](const CpuidRow& a, const CpuidRow& b) { return a.key < b.key; });
        const auto repeats = std::unique(table.rows.begin(), table.rows.end(),
                                         [](const CpuidRow& a, const CpuidRow& b) { return a.key == b.key; });
        table.rows.erase(repeats, table.rows.end());
    }

    std::optional<std::vector<MsrRow>> read_msrs() {
        const std::optional<Words> list = ask_list(kvm::get_msr_list, kvm::msr_list_head, 1);
        if (!list) {
            not_seen_.push_back({unseen::kvm_msrs, "No MSRs in the hypervisor view: " + device_.path() +
                                                       " does not list them (" + os::reason(errno) + ")."});
            return std::nullopt;
        }
        std::vector<MsrRow> rows;
        for (std::size_t i = 0; i < list->front(); ++i) {
            // One at a time, so that one that is refused does not hide those after it.
            const std::uint32_t index = (*list)[kvm::msr_list_head + i];
            rows.push_back({index, device_.feature_msr(index)});
        }
        std::sort(rows.begin(), rows.end(), [](const MsrRow& a, const MsrRow& b) { return a.index < b.index; });
        return rows;
    }

    const kvm::Device& device_;
    std::vector<NotSeen>& not_seen_;
};

}  // namespace

std::optional<HypervisorView> read_kvm(const CaptureSources& sources, std::vector<NotSeen>& not_seen) {
    try {
        const kvm::Device device(sources.dev + "/kvm");
        return KvmReader(device, not_seen).read();
    } catch (const SystemError& error) {
        not_seen.push_back({unseen::kvm, std::string(no_hypervisor_view) + error.what()});
        return std::nullopt;
    }
}

}  // namespace poolcpuid::capture
