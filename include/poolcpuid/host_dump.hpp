// One host as a dump describes it: the values as read, nothing inferred, and what is not known.
//
// A dump reader makes a HostDump; nothing here knows what a CPUID bit means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/finding_code.hpp"
#include "poolcpuid/registers.hpp"

namespace poolcpuid {

// One row of a dump.
struct CpuidRow {
    LeafKey key;
    Registers value;

    friend bool operator==(const CpuidRow&, const CpuidRow&) = default;
};

// Registers of which the dump knows nothing: one subleaf, or every subleaf of the leaf that has no row.
struct UnknownRow {
    std::uint32_t leaf = 0;
    std::optional<std::uint32_t> subleaf;

    friend auto operator<=>(const UnknownRow&, const UnknownRow&) = default;
};

// What CPUID returned on one logical CPU (or, in a hypervisor view, what a vCPU can be given).
//
// A row that is neither present nor unknown reads as zeros. Rows beyond the maximum leaf of their
// range are never stored: on Intel they echo the highest basic leaf (SDM vol. 2A, CPUID).
struct CpuidTable {
    std::vector<CpuidRow> rows;       // sorted by key, unique
    std::vector<UnknownRow> unknown;  // sorted, unique
    // Of rows that are known in part: the bits of which the dump knows nothing, which are 0 in the row. Sorted by key,
    // unique, none without bits.
    std::vector<CpuidRow> unknown_bits{};

    // The row for key, or nullptr. Logarithmic in the number of rows.
    const Registers* find(LeafKey key) const noexcept;

    // True when the dump knows nothing of key. Logarithmic in the number of unknown rows.
    bool is_unknown(LeafKey key) const noexcept;

    // The bits of a register of which the dump knows nothing. Logarithmic in the number of rows.
    std::uint32_t unknown_in(LeafKey key, Register reg) const noexcept;

    // Makes bits of a register unknown, of a row that is there. Linear in the rows that are known in part.
    void mark_unknown(LeafKey key, Register reg, std::uint32_t bits);

    friend bool operator==(const CpuidTable&, const CpuidTable&) = default;
};

struct LogicalCpu {
    std::uint32_t number = 0;
    CpuidTable cpuid;

    friend bool operator==(const LogicalCpu&, const LogicalCpu&) = default;
};

// A model-specific register: its 64-bit value, or none where RDMSR faulted.
struct MsrRow {
    std::uint32_t index = 0;
    std::optional<std::uint64_t> value;

    friend bool operator==(const MsrRow&, const MsrRow&) = default;
};

// The row of the MSR, or nullptr. rows are sorted by index, as those of a view are. Logarithmic.
const MsrRow* find_msr(const std::vector<MsrRow>& rows, std::uint32_t index) noexcept;

// What the silicon (or a VM's virtual silicon) returned.
struct HardwareView {
    std::vector<LogicalCpu> cpus;             // at least one, in the order of the dump
    std::optional<std::vector<MsrRow>> msrs;  // sorted by index, unique; none: nothing is known of MSRs

    friend bool operator==(const HardwareView&, const HardwareView&) = default;
};

// What the VMM on the host can give to a guest, KVM_GET_SUPPORTED_CPUID for one.
struct HypervisorView {
    std::string name;  // "kvm", "xen" …
    CpuidTable cpuid;
    std::optional<std::vector<MsrRow>> msrs;

    friend bool operator==(const HypervisorView&, const HypervisorView&) = default;
};

// Something a reader saw that the document cannot carry but a person should know.
struct DumpNote {
    FindingCode code;
    std::string message;  // one sentence without the host's name

    friend bool operator==(const DumpNote&, const DumpNote&) = default;
};

// One host. At least one view is present.
struct HostDump {
    std::string name;                  // see host_name_problem; empty until the caller has chosen
    std::string format = "host-json";  // of the dump, in documents and messages: "instlatx64", "cpuid-r" …
    // What tells its content from others, 64 lower-case hex digits: the SHA-256 of a text dump's bytes, and of a host
    // document's content, however it is spelt and whatever the host is called (docs/design.md); where read_hosts was
    // told what a policy lists, the digest of earlier versions by which it lists the host. A program that makes a host,
    // or changes one, leaves it empty: sha256_of has it then.
    std::string sha256;
    std::optional<HardwareView> hardware;
    std::optional<HypervisorView> hypervisor;
    std::map<std::string, std::string> meta;  // kernel, microcode … as the dump words them
    std::vector<DumpNote> notes;

    // The table that describes the host's first CPU: of the hardware view, else of the hypervisor's.
    const CpuidTable& first_table() const;

    // Some registers are known in part: it was read from names of features, and what it does not name is unknown.
    bool is_partial() const noexcept;
};

// The microcode revision of the host, as /proc/cpuinfo words it: from the document's meta data and from
// IA32_BIOS_SIGN_ID of the hardware view (SDM vol. 4: bits 63:32; AMD, PPR: Patch Level, bits 31:0), of two that differ
// the older one, or nothing: 0 and FFFFFFFFh (Hyper-V's word to its guests) are none, and of a virtual machine it is
// what its hypervisor makes up (KVM: 1 on Intel, 1000065h on AMD). Of what Hyper-V shows its root partition nothing is
// published. A hypervisor's view of that MSR is what it shows to guests, not the host's; where that is a policy's, the
// document of render --to kvm, its reader puts it into the meta data.
std::optional<std::uint32_t> microcode_revision(const HostDump& host);

// What tells the host's content from others wherever hosts are told apart: its sha256 or, where that is empty, the
// digest of its document (write_hosts.hpp), which read_hosts finds in that. Constant, or linear in the rows.
std::string sha256_of(const HostDump& host);

// The 12-byte vendor string of leaf 0 ("GenuineIntel"), or nothing when the table has no leaf 0.
std::optional<std::string> vendor_string(const CpuidTable& table);

}  // namespace poolcpuid
