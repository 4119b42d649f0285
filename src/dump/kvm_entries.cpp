// Lists of KVM's CPUID entries (struct kvm_cpuid_entry2) as JSON: our own document of `render --to kvm`, and what Cloud
// Hypervisor keeps of a VM: "common_cpuid" of its migration data (VmMigrationConfig of its vmm/src/lib.rs), which is a
// list of CpuIdEntry (hypervisor/src/arch/x86/mod.rs) with numbers as serde writes them, or that list alone.
//
// The values are those that a vCPU is given, so they make a hypervisor view. KVM answers zeros for a leaf within the
// maxima that has no entry (kvm_cpuid in arch/x86/kvm/cpuid.c).

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/hex.hpp"
#include "base/located_json.hpp"
#include "dump/completeness.hpp"
#include "dump/line_reader.hpp"
#include "dump/microcode.hpp"
#include "dump/msr_builder.hpp"
#include "dump/reader.hpp"
#include "dump/table_builder.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::dump {

namespace {

using json::ObjectReader;
using json::Value;

constexpr std::string_view own_schema = "poolcpuid/kvm/v1";

// KVM_CPUID_FLAG_SIGNIFCANT_INDEX: without it the entry answers for every subleaf.
constexpr std::uint32_t significant_index = 1;

class EntriesReader {
public:
    explicit EntriesReader(std::string_view file) : file_(file) {}

    HostDump read(const Value& root) const {
        if (root.is_array()) return host_of(table_of(root.items()), false);
        if (root.find("schema") == nullptr) return read_migration(root);
        return read_own(root);
    }

private:
    HostDump read_own(const Value& root) const {
        ObjectReader document(root, file_, "a document of render --to kvm");
        const Value& schema = document.required("schema");
        if (!schema.is_string() || schema.text() != own_schema) {
            document.fail(schema, "\"schema\": \"" + std::string(own_schema) + "\"");
        }
        document.required_string("pool");
        document.required_string("vendor");
        const std::vector<Value>& owned = document.required_array("owned");
        const std::vector<Value>& entries = document.required_array("cpuid");
        HostDump dump = host_of(table_of(entries, signature_for(owned, entries)), true);
        MsrBuilder msrs(file_);
        add_msrs(document.required_array("msrs"), msrs);
        // The guest reads these, too: KVM makes them, and takes them from no VMM.
        if (document.optional("made") != nullptr) add_msrs(document.required_array("made"), msrs);
        dump.hypervisor->msrs = std::move(msrs).finish();
        document.finish();
        put_revision(dump);
        return dump;
    }

    // What the VMM fills in is zeros in the entries, and promises nothing. But it signs the leaves of hypervisors, and
    // with the services of KVM it signs as KVM: what they mean follows from that.
    static std::optional<Registers> signature_for(const std::vector<Value>& owned, const std::vector<Value>& entries) {
        const auto leaf_in = [](const Value& object, std::string_view key) -> std::uint64_t {
            const Value* leaf = object.is_object() ? object.find(key) : nullptr;
            return leaf != nullptr && leaf->is_string() ? from_hex(leaf->text(), 8).value_or(0) : 0;
        };
        const bool is_owned = std::any_of(
            owned.begin(), owned.end(), [&](const Value& place) { return leaf_in(place, "leaf") == hypervisor_range; });
        std::uint64_t last = 0;
        for (const Value& entry : entries) {
            const std::uint64_t leaf = leaf_in(entry, "function");
            if (leaf == hypervisor_range) return std::nullopt;
            if (range_of(static_cast<std::uint32_t>(leaf)) == hypervisor_range) last = std::max(last, leaf);
        }
        if (!is_owned || last == 0) return std::nullopt;
        const std::string_view text = builtin_rulebook().find_hypervisor("kvm")->signature;
        const auto word = [&](std::size_t from) {
            std::uint32_t value = 0;
            for (std::size_t i = 0; i < 4 && from + i < text.size(); ++i) {
                value |= std::uint32_t{static_cast<unsigned char>(text[from + i])} << (8 * i);
            }
            return value;
        };
        return Registers{static_cast<std::uint32_t>(last), word(0), word(4), word(8)};
    }

    // What a VMM shows its guests as the revision is its own invention. Here it is the policy's: none of the hosts
    // with the CPU that the guest is shown has an older one.
    static void put_revision(HostDump& dump) {
        const auto revision = revision_in(*dump.hypervisor->msrs, vendor_string(dump.first_table()).value_or(""));
        if (revision) dump.meta["microcode"] = to_hex(*revision);
    }

    // What else Cloud Hypervisor keeps there is of the VM and not of its CPU.
    HostDump read_migration(const Value& root) const {
        ObjectReader migration(root, file_, "a VM of Cloud Hypervisor");
        return host_of(table_of(migration.required_array("common_cpuid")), false);
    }

    // A policy is whole; of another list nobody said so.
    static HostDump host_of(TableBuilder::Result result, bool is_whole) {
        HostDump dump;
        note_beyond_maximum(result.beyond_maximum, dump.notes);
        dump.hypervisor.emplace();
        dump.hypervisor->name = "kvm";
        dump.hypervisor->cpuid = std::move(result.table);
        if (!is_whole && mark_unknown(dump.hypervisor->cpuid, format_of("kvm"))) {
            dump.notes.push_back({"truncated", "The rows end before the maximum leaf: what is missing is unknown."});
        }
        return dump;
    }

    TableBuilder::Result table_of(const std::vector<Value>& entries,
                                  const std::optional<Registers>& signature = std::nullopt) const {
        TableBuilder builder(file_, ViewKind::hypervisor);
        if (signature) builder.add({hypervisor_range, 0}, *signature, 0);
        for (const Value& entry : entries) read_entry(entry, builder);
        return std::move(builder).finish();
    }

    void read_entry(const Value& value, TableBuilder& builder) const {
        ObjectReader entry(value, file_, "a CPUID entry of KVM");
        LeafKey key{word(entry, "function"), word(entry, "index")};
        if ((word(entry, "flags") & significant_index) == 0) key.subleaf = 0;
        Registers registers;
        for (const Register reg : all_registers) registers[reg] = word(entry, to_string(reg));
        entry.optional_array("padding");  // of the structure, where a program writes that as it is
        entry.finish();
        builder.add(key, registers, value.line());
    }

    void add_msrs(const std::vector<Value>& values, MsrBuilder& builder) const {
        for (const Value& value : values) {
            ObjectReader msr(value, file_, "an MSR");
            const std::uint32_t index = word(msr, "index");
            builder.add(index, msr.required_hex("data", 16), value.line());
            msr.finish();
        }
    }

    // "0x…" as we write it, or a number.
    static std::uint32_t word(ObjectReader& reader, std::string_view key) {
        const Value& value = reader.required(key);
        if (value.is_string()) return static_cast<std::uint32_t>(json::hex_of(value, reader.file(), 8));
        const auto number = json::unsigned_of(value);
        if (!number || *number > std::numeric_limits<std::uint32_t>::max()) {
            reader.fail(value, "a number of 32 bits as \"" + std::string(key) + "\"");
        }
        return static_cast<std::uint32_t>(*number);
    }

    std::string_view file_;
};

}  // namespace

bool is_kvm_entries(std::string_view bytes) noexcept {
    const char first = first_character(bytes);
    if (first != '{' && first != '[') return false;
    const auto has = [&](std::string_view key) noexcept { return bytes.find(key) != std::string_view::npos; };
    if (first == '[') return has("\"function\"") && has("\"index\"") && has("\"edx\"");
    return has("\"common_cpuid\"") || (has(own_schema) && has("\"function\""));
}

HostDump read_kvm_entries(const Source& source) {
    return EntriesReader(source.file).read(json::parse(source.bytes, source.file));
}

}  // namespace poolcpuid::dump
