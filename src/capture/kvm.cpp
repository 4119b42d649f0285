#include "capture/kvm.hpp"

#include <asm/prctl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "capture/file_descriptor.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::capture {

namespace {

// The kernel's lists, kvm_cpuid2 and kvm_msr_list, as the 32-bit words of which they consist: the number
// of entries, perhaps padding, and the entries. The structures themselves are of no use here: some versions
// of the kernel's headers give them another size in C++ than in C, and so another number to the ioctls.
using Words = std::vector<std::uint32_t>;
constexpr std::size_t word = sizeof(std::uint32_t);
constexpr std::size_t cpuid_head = 2;
constexpr std::size_t cpuid_entry = sizeof(kvm_cpuid_entry2) / word;
constexpr std::size_t msr_list_head = 1;

// kvm_msrs with one entry.
struct OneMsr {
    std::uint32_t count = 1;
    std::uint32_t padding = 0;
    kvm_msr_entry entry{};
};

// The number of an ioctl that takes a structure of so many bytes, entries left aside.
constexpr unsigned long sized(unsigned long request, std::size_t bytes) noexcept {
    return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), bytes);
}
constexpr unsigned long get_supported_cpuid = sized(KVM_GET_SUPPORTED_CPUID, cpuid_head* word);
constexpr unsigned long get_msr_list = sized(KVM_GET_MSR_FEATURE_INDEX_LIST, msr_list_head* word);
constexpr unsigned long get_msrs = sized(KVM_GET_MSRS, offsetof(OneMsr, entry));

std::string components_text(std::uint64_t components) {
    std::string text;
    for (unsigned bit = 0; bit < 64; ++bit) {
        if ((components >> bit & 1U) == 1) text += (text.empty() ? "" : ", ") + std::to_string(bit);
    }
    return text;
}

// What the process may let guests use, of XCR0; nothing on kernels that ask for no permission.
std::optional<std::uint64_t> permitted_components() {
    std::uint64_t components = 0;
    if (::syscall(SYS_arch_prctl, ARCH_GET_XCOMP_GUEST_PERM, &components) != 0) return std::nullopt;
    return components;
}

class Kvm {
public:
    Kvm(const std::string& path, std::vector<std::string>& not_seen)
        : path_(path), device_(path, O_RDWR), open_error_(errno), not_seen_(not_seen) {}

    std::optional<HypervisorView> read() {
        if (!is_usable()) return std::nullopt;
        ask_for_components();
        HypervisorView view;
        view.name = "kvm";
        if (!read_cpuid(view.cpuid)) return std::nullopt;
        view.msrs = read_msrs();
        return view;
    }

private:
    void no_view(const std::string& why) { not_seen_.push_back("No hypervisor view: " + path_ + " " + why); }

    bool is_usable() {
        if (!device_.is_open()) {
            no_view("cannot be opened (" + reason(open_error_) + ")." + advice());
            return false;
        }
        const int version = ::ioctl(device_.number(), KVM_GET_API_VERSION, 0);
        if (version == KVM_API_VERSION) return true;
        no_view(version < 0 ? "is not KVM (" + reason(errno) + ")."
                            : "has the API version " + std::to_string(version) + ", not " +
                                  std::to_string(KVM_API_VERSION) + ".");
        return false;
    }

    std::string advice() const {
        if (open_error_ == EACCES || open_error_ == EPERM) return " Run as root, or as a member of the group kvm.";
        if (open_error_ != ENOENT && open_error_ != ENODEV && open_error_ != ENXIO) return {};
        return " Load kvm_intel or kvm_amd, with virtualization enabled in the firmware.";
    }

    // KVM leaves out of its answer what the process may not let guests use. VMMs that offer AMX ask for
    // the permission first, and what they can give is what is captured.
    void ask_for_components() {
        std::uint64_t supported = 0;
        kvm_device_attr attribute{};
        attribute.attr = KVM_X86_XCOMP_GUEST_SUPP;
        attribute.addr = reinterpret_cast<std::uintptr_t>(&supported);
        const std::optional<std::uint64_t> before = permitted_components();
        if (!before || ::ioctl(device_.number(), KVM_GET_DEVICE_ATTR, &attribute) != 0) return;
        for (unsigned bit = 0; bit < 64; ++bit) {
            if ((supported & ~*before) >> bit & 1U) ::syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, bit);
        }
        const std::uint64_t refused = supported & ~permitted_components().value_or(*before);
        if (refused == 0) return;
        not_seen_.push_back("State components that KVM can give but hides, since the kernel refused the permission: " +
                            components_text(refused) + ".");
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
        const std::optional<Words> list = ask_list(get_supported_cpuid, cpuid_head, cpuid_entry);
        if (!list) {
            no_view("does not say what it supports (" + reason(errno) + ").");
            return false;
        }
        for (std::size_t i = 0; i < list->front(); ++i) table.rows.push_back(row_of(*list, i));
        sort_rows(table);
        const bool whole = table.find(vendor_key) != nullptr && table.find(signature_key) != nullptr;
        if (!whole) no_view("supports no leaf 0 or no leaf 1.");
        return whole;
    }

    static CpuidRow row_of(const Words& list, std::size_t index) {
        kvm_cpuid_entry2 entry{};
        std::memcpy(&entry, list.data() + cpuid_head + index * cpuid_entry, sizeof entry);
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
        const std::optional<Words> list = ask_list(get_msr_list, msr_list_head, 1);
        if (!list) {
            not_seen_.push_back("No MSRs in the hypervisor view: " + path_ + " does not list them (" + reason(errno) +
                                ").");
            return std::nullopt;
        }
        std::vector<MsrRow> rows;
        for (std::size_t i = 0; i < list->front(); ++i) rows.push_back(read_msr((*list)[msr_list_head + i]));
        std::sort(rows.begin(), rows.end(), [](const MsrRow& a, const MsrRow& b) { return a.index < b.index; });
        return rows;
    }

    // One at a time, so that one that is refused does not hide those after it.
    MsrRow read_msr(std::uint32_t index) const {
        OneMsr msr;
        msr.entry.index = index;
        if (::ioctl(device_.number(), get_msrs, &msr) != 1) return {index, std::nullopt};
        return {index, msr.entry.data};
    }

    std::string path_;
    FileDescriptor device_;
    int open_error_;
    std::vector<std::string>& not_seen_;
};

}  // namespace

std::optional<HypervisorView> read_kvm(const CaptureSources& sources, std::vector<std::string>& not_seen) {
    return Kvm(sources.dev + "/kvm", not_seen).read();
}

}  // namespace poolcpuid::capture
