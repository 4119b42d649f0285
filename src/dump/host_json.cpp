#include "dump/host_json.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "base/canonical_json.hpp"
#include "base/hex.hpp"
#include "base/located_json.hpp"
#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "dump/cpu_count.hpp"
#include "dump/host_name.hpp"
#include "dump/line_reader.hpp"
#include "dump/msr_builder.hpp"
#include "dump/one_machine.hpp"
#include "dump/table_builder.hpp"
#include "poolcpuid/write_hosts.hpp"

namespace poolcpuid::dump {

namespace {

using json::ObjectReader;
using json::Value;

constexpr std::string_view host_schema = "poolcpuid/host/v1";

std::string row_name(std::uint32_t leaf, std::optional<std::uint32_t> subleaf) {
    return "leaf " + to_hex(leaf) + (subleaf ? " subleaf " + to_hex(*subleaf) : std::string());
}

// Reads the parts of one document. Holds what all of them need: the file's name and the notes.
class DocumentReader {
public:
    explicit DocumentReader(std::string_view file) : file_(file) {}

    HostDump read(const Value& root) {
        ObjectReader document(root, file_, "a host document");
        check_schema(document.required("schema"));
        HostDump dump;
        if (const Value* name = document.optional("name")) dump.name = read_name(*name, "a host's name");
        read_views(document.required_object("views"), dump);
        if (const Value* meta = document.optional_object("meta")) read_meta(*meta, dump);
        document.finish();
        note_beyond_maximum(beyond_maximum_, dump.notes);
        if (dump.hardware) note_missing_cpus(*dump.hardware, {}, dump.notes);
        return dump;
    }

private:
    [[noreturn]] void refuse(std::size_t line, std::string expected, std::string found) const {
        throw InputError(std::string(file_), line, std::move(expected), std::move(found));
    }

    void check_schema(const Value& schema) const {
        if (schema.is_string() && schema.text() == host_schema) return;
        refuse(schema.line(), "a host document, with \"schema\": " + quote(host_schema),
               describe(schema) + (schema.is_string() ? what_else(schema.text()) : ""));
    }

    // What a document of ours is that comes here, be it because the verb takes hosts alone or for how it is wrapped.
    static const char* what_else(std::string_view schema) {
        if (schema.starts_with("poolcpuid/partial/"))
            return ", a partial result, which merge alone takes (give the dumps of the hosts)";
        if (schema.starts_with("poolcpuid/policy/"))
            return ", a policy (where one is taken, it is a file of its own, as it stands; else give the dumps of the "
                   "hosts)";
        if (schema.starts_with("poolcpuid/kvm/")) return ", which is read where it is a file of its own";
        const bool is_ours = schema.starts_with("poolcpuid/") && !schema.starts_with("poolcpuid/host/");
        return is_ours ? ", which is no host's (give the dumps of the hosts)" : "";
    }

    std::string read_name(const Value& value, const std::string& what) const {
        if (!value.is_string()) refuse(value.line(), "a string as " + what, describe(value));
        const std::string problem = host_name_problem(value.text());
        if (!problem.empty()) {
            refuse(value.line(),
                   what + " of 1 to " + std::to_string(limits::name_bytes) +
                       " bytes of UTF-8 without control or bidirectional formatting characters",
                   problem);
        }
        return value.text();
    }

    void read_views(const Value& value, HostDump& dump) {
        ObjectReader views(value, file_, "\"views\"");
        if (const Value* hardware = views.optional("hardware")) dump.hardware = read_hardware(*hardware);
        if (const Value* hypervisor = views.optional("hypervisor")) dump.hypervisor = read_hypervisor(*hypervisor);
        views.finish();
        if (!dump.hardware && !dump.hypervisor) {
            refuse(value.line(), "\"hardware\" or \"hypervisor\" in \"views\"", "none");
        }
    }

    HardwareView read_hardware(const Value& value) {
        ObjectReader reader(value, file_, "the hardware view");
        HardwareView view;
        const Value& cpus = reader.required("cpus");
        if (!cpus.is_array() || cpus.items().empty()) {
            refuse(cpus.line(), "an array with at least one logical CPU as \"cpus\"",
                   cpus.is_array() ? "an empty array" : describe(cpus));
        }
        if (cpus.items().size() > limits::logical_cpus) {
            refuse(cpus.line(), "at most " + std::to_string(limits::logical_cpus) + " logical CPUs",
                   std::to_string(cpus.items().size()));
        }
        std::set<std::uint32_t> numbers;
        view.cpus.reserve(cpus.items().size());
        for (const Value& cpu : cpus.items()) {
            view.cpus.push_back(read_cpu(cpu, numbers));
            check_same_machine(view.cpus.front().cpuid, view.cpus.back().cpuid, file_, cpu.line());
        }
        view.msrs = read_msrs(reader);
        reader.finish();
        return view;
    }

    LogicalCpu read_cpu(const Value& value, std::set<std::uint32_t>& numbers) {
        ObjectReader reader(value, file_, "a logical CPU");
        LogicalCpu cpu;
        const Value& number = reader.required("cpu");
        cpu.number = cpu_number(number);
        if (!numbers.insert(cpu.number).second) {
            refuse(number.line(), "each logical CPU once", "CPU " + std::to_string(cpu.number) + " again");
        }
        cpu.cpuid = read_table(reader, ViewKind::hardware);
        reader.finish();
        return cpu;
    }

    std::uint32_t cpu_number(const Value& value) const {
        std::uint32_t number = 0;
        if (value.type() == Value::Type::number) {
            const std::string& text = value.text();
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (error == std::errc{} && end == text.data() + text.size()) return number;
        }
        refuse(value.line(), "a number from 0 to 4294967295 as \"cpu\"", describe(value));
    }

    HypervisorView read_hypervisor(const Value& value) {
        ObjectReader reader(value, file_, "the hypervisor view");
        HypervisorView view;
        view.name = read_name(reader.required("name"), "a hypervisor's name");
        view.cpuid = read_table(reader, ViewKind::hypervisor);
        view.msrs = read_msrs(reader);
        reader.finish();
        return view;
    }

    // The members "cpuid", "unknown" and "unknown_bits" of a logical CPU or a hypervisor view.
    CpuidTable read_table(ObjectReader& reader, ViewKind view) {
        TableBuilder builder(file_, view);
        std::set<LeafKey> present;
        for (const Value& row : reader.required_array("cpuid")) read_row(row, builder, present);
        std::vector<UnknownRow> unknown;
        if (const auto* rows = reader.optional_array("unknown")) unknown = read_unknown(*rows, present);
        std::vector<CpuidRow> bits;
        if (const auto* rows = reader.optional_array("unknown_bits")) bits = read_unknown_bits(*rows, present);
        if (!bits.empty()) builder.keep_all();  // names of features do not say how many leaves there are
        TableBuilder::Result result = std::move(builder).finish();
        beyond_maximum_ += result.beyond_maximum;
        result.table.unknown = std::move(unknown);
        result.table.unknown_bits = std::move(bits);
        check_unknown_bits(result.table, reader);
        return std::move(result.table);
    }

    void read_row(const Value& value, TableBuilder& builder, std::set<LeafKey>& present) const {
        const auto [key, registers] = read_registers(value, "a CPUID row");
        if (!present.insert(key).second) {
            refuse(value.line(), "each CPUID row once", row_name(key.leaf, key.subleaf) + " again");
        }
        builder.add(key, registers, value.line());
    }

    CpuidRow read_registers(const Value& value, const char* what) const {
        ObjectReader reader(value, file_, what);
        CpuidRow row{{hex32(reader, "leaf"), hex32(reader, "subleaf")}, {}};
        for (const Register reg : all_registers) row.value[reg] = hex32(reader, to_string(reg));
        reader.finish();
        return row;
    }

    std::vector<CpuidRow> read_unknown_bits(const std::vector<Value>& values, const std::set<LeafKey>& present) const {
        std::map<LeafKey, Registers> rows;
        for (const Value& value : values) {
            const CpuidRow row = read_registers(value, "a row of unknown bits");
            const std::string name = row_name(row.key.leaf, row.key.subleaf);
            if (!present.contains(row.key)) refuse(value.line(), "unknown bits of a row that is listed", name);
            if (row.value.all_zero()) refuse(value.line(), "unknown bits in " + name, "none");
            if (!rows.emplace(row.key, row.value).second) {
                refuse(value.line(), "each row of unknown bits once", name + " again");
            }
        }
        std::vector<CpuidRow> sorted;
        for (const auto& [key, value] : rows) sorted.push_back({key, value});
        return sorted;
    }

    // A bit that is not known is 0 in its row.
    void check_unknown_bits(const CpuidTable& table, const ObjectReader& reader) const {
        for (const CpuidRow& row : table.unknown_bits) {
            const Registers* value = table.find(row.key);
            for (const Register reg : all_registers) {
                if (value == nullptr || ((*value)[reg] & row.value[reg]) == 0) continue;
                throw InputError(reader.file(), 0, "no bit that is both set and unknown",
                                 row_name(row.key.leaf, row.key.subleaf) + " " + to_string(reg));
            }
        }
    }

    std::vector<UnknownRow> read_unknown(const std::vector<Value>& values, const std::set<LeafKey>& present) const {
        std::set<UnknownRow> rows;
        for (const Value& value : values) {
            ObjectReader reader(value, file_, "an unknown row");
            UnknownRow row{hex32(reader, "leaf"), std::nullopt};
            if (reader.optional("subleaf") != nullptr) row.subleaf = hex32(reader, "subleaf");
            reader.finish();
            if (row.subleaf && present.contains({row.leaf, *row.subleaf})) {
                refuse(value.line(), "no row that is both listed and unknown", row_name(row.leaf, row.subleaf));
            }
            if (!rows.insert(row).second) {
                refuse(value.line(), "each unknown row once", row_name(row.leaf, row.subleaf) + " again");
            }
            if (rows.size() > limits::rows_per_cpu) {
                refuse(value.line(), "at most " + std::to_string(limits::rows_per_cpu) + " unknown rows", "more");
            }
        }
        return {rows.begin(), rows.end()};
    }

    std::optional<std::vector<MsrRow>> read_msrs(ObjectReader& reader) const {
        const std::vector<Value>* values = reader.optional_array("msrs");
        if (values == nullptr) return std::nullopt;
        MsrBuilder builder(file_);
        for (const Value& value : *values) {
            ObjectReader row(value, file_, "an MSR");
            const std::uint32_t index = hex32(row, "index");
            builder.add(index, read_msr_value(value, row), value.line());
            row.finish();
        }
        return std::move(builder).finish();
    }

    // Exactly one of "value": "0x…" and "fault": true.
    std::optional<std::uint64_t> read_msr_value(const Value& msr, ObjectReader& row) const {
        const Value* const value = row.optional("value");
        const Value* const fault = row.optional("fault");
        if (fault != nullptr && (fault->type() != Value::Type::boolean || !fault->boolean())) {
            refuse(fault->line(), "true as \"fault\" of an MSR", describe(*fault));
        }
        if ((value == nullptr) == (fault == nullptr)) {
            refuse(msr.line(), "either \"value\" or \"fault\" in an MSR", value == nullptr ? "none" : "both");
        }
        if (value == nullptr) return std::nullopt;
        return json::hex_of(*value, file_, 16);
    }

    void read_meta(const Value& meta, HostDump& dump) const {
        for (const auto& [key, value] : meta.members()) {
            if (!value.is_string()) refuse(value.line(), "strings in \"meta\"", describe(value));
            const std::string problem = meta_problem(key, value.text());
            if (!problem.empty()) refuse(value.line(), "printable text in \"meta\"", problem);
            dump.meta.emplace(key, value.text());
        }
    }

    static std::uint32_t hex32(ObjectReader& reader, std::string_view key) {
        return static_cast<std::uint32_t>(reader.required_hex(key, 8));
    }

    std::string_view file_;
    std::size_t beyond_maximum_ = 0;
};

}  // namespace

HostDump read_host_document(const Source& source, std::size_t first_line) {
    const Value document = json::parse(source.bytes, source.file, first_line);
    HostDump host = DocumentReader(source.file).read(document);
    host.sha256 = content_digest(document);
    return host;
}

std::string content_digest(const Value& document) { return sha256_hex(json::canonical(document, "name")); }

std::string digest_with_name(const Source& source) {
    return sha256_hex(json::canonical(json::parse(source.bytes, source.file)));
}

bool is_host_json(std::string_view bytes) noexcept {
    if (first_character(bytes) != '{') return false;
    return bytes.find("\"schema\"") != std::string_view::npos || bytes.find("\"views\"") != std::string_view::npos;
}

HostDump read_host_json(const Source& source) { return read_host_document(source, 1); }

}  // namespace poolcpuid::dump

namespace poolcpuid {

std::string sha256_of(const HostDump& host) {
    if (!host.sha256.empty()) return host.sha256;
    return dump::content_digest(json::parse(to_host_line(host), host.name));
}

}  // namespace poolcpuid
