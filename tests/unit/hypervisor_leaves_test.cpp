// Leaves from 40000000h on mean what they mean under one hypervisor's signature. Texts and numbers are those of Linux
// Documentation/virt/kvm/x86/cpuid.rst, the TLFS and Xen's public/arch-x86/cpuid.h.

#include "dump/hypervisor_leaves.hpp"

#include <cstdint>
#include <string>

#include "poolcpuid/check.hpp"
#include "tests/catch.hpp"
#include "tests/support/policy_fields.hpp"

namespace poolcpuid::test::hypervisor_leaves_test {

namespace {

constexpr std::uint32_t skylake = 0x00050654;
constexpr std::uint32_t hv_1 = 0x31237648;  // "Hv#1"
constexpr std::uint32_t kvm_bits = 0x01007EFB;
constexpr std::uint32_t below_hypervisor = 1U << 31U;  // leaf 1 ECX

// The first leaf of a block with its signature of 12 bytes.
TableBuilder with_signature(TableBuilder table, std::uint32_t block, std::uint32_t last, const std::string& text) {
    return table.row(block, 0, {last, four_bytes(text, 0), four_bytes(text, 4), four_bytes(text, 8)});
}

TableBuilder kvm(TableBuilder table, std::uint32_t block = 0x40000000) {
    return with_signature(table, block, block + 1, std::string("KVMKVMKVM\0\0\0", 12)).reg(block + 1, 0, eax, kvm_bits);
}

TableBuilder hyper_v(TableBuilder table, const std::string& signature = "Microsoft Hv") {
    return with_signature(table, 0x40000000, 0x4000000B, signature)
        .reg(0x40000001, 0, eax, hv_1)
        .row(0x40000003, 0, {0xE7F, 0, 0, 0x8000})
        .row(0x40000004, 0, {0x2C, 0xFFF, 0, 0})
        .reg(0x40000005, 0, eax, 240);
}

// Xen 4.17: the version, then the number of hypercall pages, flags, and what its own leaves say.
TableBuilder xen(TableBuilder table) {
    return with_signature(table, 0x40000000, 0x40000004, "XenVMMXenVMM")
        .reg(0x40000001, 0, eax, 0x00040011)
        .row(0x40000002, 0, {1, 0x40000000, 0, 0})
        .reg(0x40000003, 0, eax, 0x6)
        .reg(0x40000004, 0, eax, 0x1C);
}

TableBuilder plain() { return intel_table(skylake); }
TableBuilder in_guest() { return plain().set(1, 0, ecx, below_hypervisor); }

HostDump view_of(const std::string& name, const TableBuilder& table) {
    return with_hypervisor(hardware_host(name, plain()), table);
}

MergeOptions showing(const std::vector<std::string>& fields) {
    MergeOptions options;
    options.show = fields;
    return options;
}

const std::vector<std::string> services{"kvm_pv_tlb_flush", "hyperv_priv", "hyperv_recommend", "hyperv_spin",
                                        "hyperv_limits"};

Merged shown(const HostDump& host) { return Merged({host}, showing(services)); }

// How the host stands to a field that the policy of another host promises: "kept", "lost" or "unknown".
std::string stand(const HostDump& promising, const HostDump& host, const std::string& field) {
    const Verdict verdict = PolicyCheck(builtin_rulebook(), shown(promising).policy).against(host);
    for (const Violation& violation : verdict.violations) {
        if (violation.field == field) return violation.known ? "lost" : "unknown";
    }
    return "kept";
}

}  // namespace

TEST_CASE("what another hypervisor has in KVM's leaf is no promise of KVM's", "[hypervisor_leaves]") {
    for (const TableBuilder& table : {hyper_v(in_guest()), xen(in_guest()), hyper_v(plain())}) {
        const HostDump guest = hardware_host("guest", table);
        CHECK(value_of(shown(guest), "kvm_pv_tlb_flush") == 0);
        CHECK(stand(view_of("kvm", kvm(plain())), guest, "kvm_pv_tlb_flush") == "unknown");
        const HostDump offered = view_of("offered", table);
        CHECK(value_of(shown(offered), "kvm_pv_tlb_flush") == 0);
        CHECK(stand(view_of("kvm", kvm(plain())), offered, "kvm_pv_tlb_flush") == "lost");
    }
    CHECK(stand(view_of("kvm", kvm(plain())), hardware_host("bare", plain()), "kvm_pv_tlb_flush") == "unknown");
    CHECK(value_of(shown(view_of("kvm", kvm(plain()))), "kvm_pv_tlb_flush") == 1);
    CHECK(stand(view_of("kvm", kvm(plain())), hardware_host("nested", kvm(in_guest())), "kvm_pv_tlb_flush") == "kept");
}

TEST_CASE("what another hypervisor has in Hyper-V's leaves is no promise of Hyper-V's", "[hypervisor_leaves]") {
    const HostDump promising = view_of("hyper-v", hyper_v(plain()));
    for (const char* field : {"hyperv_priv", "hyperv_recommend", "hyperv_limits"}) {
        CAPTURE(field);
        CHECK(value_of(shown(promising), field) != 0);
        CHECK(value_of(shown(hardware_host("guest", xen(in_guest()))), field) == 0);
        CHECK(stand(promising, hardware_host("guest", xen(in_guest())), field) == "unknown");
        CHECK(stand(promising, hardware_host("bare", plain()), field) == "unknown");
        CHECK(stand(promising, view_of("xen", xen(plain())), field) == "lost");
        CHECK(stand(promising, view_of("hyper-v-2", hyper_v(plain())), field) == "kept");
        // Who serves the interface may sign as it likes.
        CHECK(stand(promising, view_of("other", hyper_v(plain(), "ACRNACRNACRN")), field) == "kept");
    }
}

TEST_CASE("the number of a hypervisor that comes from one host comes from that one's view", "[hypervisor_leaves]") {
    CHECK(value_of(shown(view_of("hyper-v", hyper_v(plain()))), "hyperv_spin") == 0xFFF);
    CHECK(value_of(shown(view_of("xen", xen(plain()))), "hyperv_spin") == 0);
}

TEST_CASE("KVM's leaves are read where they stand beside Hyper-V's", "[hypervisor_leaves]") {
    const Merged pool = shown(view_of("both", kvm(hyper_v(plain()), 0x40000100)));
    CHECK(value_of(pool, "kvm_pv_tlb_flush") == 1);
    CHECK(value_of(pool, "hyperv_priv") == 0xE7F);
    CHECK(pool.finding("unclassified-bit") == nullptr);
}

TEST_CASE("bits of a text or a version are no unclassified bits", "[hypervisor_leaves]") {
    for (const TableBuilder& table :
         {hyper_v(in_guest()), xen(in_guest()), kvm(in_guest()),
          with_signature(in_guest(), 0x40000100, 0x40000101, "XenVMMXenVMM").reg(0x40000101, 0, eax, 0x00040011)}) {
        CHECK(Merged({hardware_host("guest", table)}).finding("unclassified-bit") == nullptr);
        CHECK(Merged({view_of("host", table)}).finding("unclassified-bit") == nullptr);
    }
    // KVM's own, of tomorrow.
    const TableBuilder newer = kvm(plain()).set(0x40000001, 0, eax, 1U << 23U);
    CHECK(Merged({view_of("newer", newer)}).named_by("unclassified-bit") == Names{"newer"});
}

TEST_CASE("a plain dump of the hardware is said to be silent of hypervisors' leaves by nobody", "[hypervisor_leaves]") {
    const Merged pool({hardware_host("bare", plain())});
    CHECK(pool.decision("hyperv_limits") == nullptr);
    CHECK(pool.finding("unknown-leaf") == nullptr);
}

TEST_CASE("a leaf of hypervisors is known by who signed its block", "[hypervisor_leaves]") {
    const auto place = [](const TableBuilder& table, std::uint32_t leaf) {
        return dump::known_leaf(builtin_rulebook(), table.table(), leaf);
    };
    CHECK(place(kvm(plain()), 0x40000001) == 0x40000001U);
    CHECK(place(kvm(plain(), 0x40000100), 0x40000101) == 0x40000001U);
    CHECK(place(kvm(plain()), 0x40000003) == std::nullopt);
    CHECK(place(hyper_v(plain()), 0x40000003) == 0x40000003U);
    CHECK(place(hyper_v(plain()), 0x40000001) == std::nullopt);
    CHECK(place(xen(plain()), 0x40000002) == std::nullopt);
    CHECK(place(plain(), 7) == 7U);
    CHECK_FALSE(dump::with_hypervisor_leaves(builtin_rulebook(), plain().table()));
    CHECK_FALSE(dump::with_hypervisor_leaves(builtin_rulebook(), kvm(plain()).table()));
    // A dump that does not know who signed was read from names.
    const CpuidTable named = kvm(plain()).unknown(0x40000000, 0).table();
    CHECK_FALSE(dump::with_hypervisor_leaves(builtin_rulebook(), named));
}

}  // namespace poolcpuid::test::hypervisor_leaves_test
