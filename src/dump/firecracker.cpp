// Firecracker's fingerprints (cpu-template-helper fingerprint dump) and CPU configurations (template
// dump), which are the same lists of registers without the versions around them.
//
// The values are those of a KVM guest, so they make a hypervisor view. KVM answers zeros for a leaf
// within the maxima that has no entry (kvm_cpuid in arch/x86/kvm/cpuid.c).

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "dump/completeness.hpp"
#include "dump/host_name.hpp"
#include "dump/line_reader.hpp"
#include "dump/msr_builder.hpp"
#include "dump/reader.hpp"
#include "dump/table_builder.hpp"

namespace poolcpuid::dump {

namespace {

using json::ObjectReader;
using json::Value;

class FingerprintReader {
public:
    explicit FingerprintReader(std::string_view file) : file_(file) {}

    HostDump read(const Value& root) const {
        HostDump dump;
        if (root.is_object() && root.find("guest_cpu_config") != nullptr) {
            ObjectReader fingerprint(root, file_, "a Firecracker fingerprint");
            read_configuration(fingerprint.required_object("guest_cpu_config"), dump);
            read_meta(root, dump);
        } else {
            read_configuration(root, dump);
        }
        return dump;
    }

private:
    void read_configuration(const Value& value, HostDump& dump) const {
        ObjectReader configuration(value, file_, "a Firecracker CPU configuration");
        if (const Value* arm = configuration.optional("reg_modifiers")) {
            throw InputError(std::string(file_), arm->line(), "a dump of an x86 CPU, with \"cpuid_modifiers\"",
                             "\"reg_modifiers\", which only a dump of an ARM CPU has");
        }
        HypervisorView view;
        view.name = "kvm";
        TableBuilder builder(file_, ViewKind::hypervisor);
        for (const Value& leaf : configuration.required_array("cpuid_modifiers")) read_leaf(leaf, builder);
        TableBuilder::Result result = std::move(builder).finish();
        note_beyond_maximum(result.beyond_maximum, dump.notes);
        view.cpuid = std::move(result.table);
        if (mark_unknown(view.cpuid, format_of("firecracker"))) {
            dump.notes.push_back({"truncated", "The rows end before the maximum leaf: what is missing is unknown."});
        }
        if (const auto* msrs = configuration.optional_array("msr_modifiers")) view.msrs = read_msrs(*msrs);
        configuration.optional_array("kvm_capabilities");  // how the values came about; they are final
        configuration.finish();
        dump.hypervisor = std::move(view);
    }

    void read_leaf(const Value& value, TableBuilder& builder) const {
        ObjectReader reader(value, file_, "an entry of \"cpuid_modifiers\"");
        const LeafKey key{static_cast<std::uint32_t>(reader.required_hex("leaf", 8)),
                          static_cast<std::uint32_t>(reader.required_hex("subleaf", 8))};
        reader.required("flags");  // KVM's word on whether the subleaf matters; the rows show it themselves
        std::array<std::optional<std::uint32_t>, register_count> registers;
        for (const Value& modifier : reader.required_array("modifiers")) read_register(modifier, registers);
        reader.finish();
        for (const auto& reg : registers) {
            if (!reg) reader.fail(value, "bitmaps for eax, ebx, ecx and edx");
        }
        builder.add(key, {*registers[0], *registers[1], *registers[2], *registers[3]}, value.line());
    }

    void read_register(const Value& value, std::array<std::optional<std::uint32_t>, register_count>& registers) const {
        ObjectReader reader(value, file_, "a register of \"modifiers\"");
        const Value& name = reader.required("register");
        const auto bits = static_cast<std::uint32_t>(bitmap_of(reader.required("bitmap"), 32));
        reader.finish();
        for (std::size_t i = 0; i < register_count; ++i) {
            if (!name.is_string() || name.text() != to_string(static_cast<Register>(i))) continue;
            if (registers[i]) reader.fail(name, "each register once");
            registers[i] = bits;
            return;
        }
        reader.fail(name, "\"eax\", \"ebx\", \"ecx\" or \"edx\"");
    }

    std::vector<MsrRow> read_msrs(const std::vector<Value>& values) const {
        MsrBuilder builder(file_);
        for (const Value& value : values) {
            ObjectReader reader(value, file_, "an entry of \"msr_modifiers\"");
            const auto index = static_cast<std::uint32_t>(reader.required_hex("addr", 8));
            builder.add(index, bitmap_of(reader.required("bitmap"), 64), value.line());
            reader.finish();
        }
        return std::move(builder).finish();
    }

    // The value of "0b" and exactly width binary digits. Firecracker lets "_" stand between digits; its
    // templates write "x" for a bit that stays as it is, and such a bitmap is no register's content.
    std::uint64_t bitmap_of(const Value& value, std::size_t width) const {
        std::uint64_t bits = 0;
        std::size_t digits = 0;
        const std::string_view text = value.is_string() ? std::string_view(value.text()) : std::string_view();
        bool well_formed = text.starts_with("0b");
        for (const char c : text.substr(well_formed ? 2 : 0)) {
            if (c == '_') continue;
            if (c == 'x' && well_formed) refuse_template(value);
            well_formed = well_formed && (c == '0' || c == '1');
            bits = bits << 1U | static_cast<std::uint64_t>(c == '1');
            ++digits;
        }
        if (!well_formed || digits != width) {
            throw InputError(std::string(file_), value.line(),
                             "a bitmap of \"0b\" and " + std::to_string(width) + " binary digits", describe(value));
        }
        return bits;
    }

    [[noreturn]] void refuse_template(const Value& bitmap) const {
        throw InputError(std::string(file_), bitmap.line(), "bitmaps of 0 and 1, as a dump has them",
                         quote(bitmap.text()) + ", which has the wildcard x of a CPU template");
    }

    // The versions around the configuration, under the names that our own documents use.
    void read_meta(const Value& root, HostDump& dump) const {
        for (const auto& [key, value] : root.members()) {
            if (key == "guest_cpu_config") continue;
            if (!value.is_string()) {
                throw InputError(std::string(file_), value.line(), "strings beside \"guest_cpu_config\"",
                                 describe(value) + " as " + quote(key));
            }
            const std::string problem = meta_problem(key, value.text());
            if (!problem.empty()) throw InputError(std::string(file_), value.line(), "printable text", problem);
            std::string name = key;
            if (key == "kernel_version") name = "kernel";
            if (key == "microcode_version") name = "microcode";
            dump.meta.emplace(std::move(name), value.text());
        }
    }

    std::string_view file_;
};

}  // namespace

bool is_firecracker(std::string_view bytes) noexcept {
    if (first_character(bytes) != '{') return false;
    for (const std::string_view key : {"\"cpuid_modifiers\"", "\"guest_cpu_config\"", "\"reg_modifiers\""}) {
        if (bytes.find(key) != std::string_view::npos) return true;
    }
    return false;
}

HostDump read_firecracker(const Source& source) {
    return FingerprintReader(source.file).read(json::parse(source.bytes, source.file));
}

}  // namespace poolcpuid::dump
