// `VBoxManage list hostcpuids`: subleaf 0 of every leaf of the host's first CPU (VBoxManageList.cpp of VirtualBox 7).
//
//   Host CPUIDs:
//
//   Leaf no.  EAX      EBX      ECX      EDX
//   00000000  0000000d 756e6547 6c65746e 49656e69
//
// It prints one leaf too many of each range; TableBuilder drops it.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dump/hardware_builder.hpp"
#include "dump/line_reader.hpp"
#include "dump/reader.hpp"
#include "dump/row_ends.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::string_view host_cpuids_mark = "Host CPUIDs:";

std::optional<CpuidRow> read_host_cpuids_row(std::string_view line) noexcept {
    Cursor cursor(line);
    const auto leaf = cursor.hex(8);
    if (!leaf || !cursor.skip_blanks()) return std::nullopt;
    const auto value = read_joined_registers(cursor, " ");
    return value && cursor.at_end() ? std::optional(CpuidRow{{*leaf, 0}, *value}) : std::nullopt;
}

class VboxHostCpuidsReader {
public:
    explicit VboxHostCpuidsReader(const Source& source) : source_(source), rows_(source.file) {}

    HostDump read() {
        LineReader lines(source_);
        while (lines.next()) read_line(lines.text(), lines.number());
        HostDump dump;
        HardwareBuilder hardware(source_.file, format_of("vbox-hostcpuids"));
        hardware.add_cpu(std::nullopt, std::move(rows_));
        dump.hardware = std::move(hardware).finish(dump.notes);
        return dump;
    }

private:
    // A line that begins with a leaf is a row.
    void read_line(std::string_view line, std::size_t number) {
        if (!Cursor(line).hex(8)) {
            if (!is_end_of_row(line, "00000000  00000000 00000000 00000000 00000000", is_vbox_host_cpuids_row)) return;
            throw InputError(std::string(source_.file), number, lost_beginning, quote_row(line));
        }
        const auto row = read_host_cpuids_row(line);
        if (!row) {
            throw InputError(std::string(source_.file), number,
                             "a row of `VBoxManage list hostcpuids`: leaf, and four registers of 8 hexadecimal digits",
                             quote_row(line));
        }
        rows_.add(row->key, row->value, number);
    }

    Source source_;
    TableBuilder rows_;
};

}  // namespace

bool is_vbox_host_cpuids(std::string_view bytes) noexcept {
    if (bytes.find(host_cpuids_mark) == std::string_view::npos) return false;
    return any_line(bytes, [](std::string_view line) noexcept { return line == host_cpuids_mark; });
}

bool is_vbox_host_cpuids_row(std::string_view line) noexcept { return read_host_cpuids_row(line).has_value(); }

bool vbox_host_cpuids_expresses(LeafKey key) noexcept { return key.subleaf == 0; }

HostDump read_vbox_host_cpuids(const Source& source) { return VboxHostCpuidsReader(source).read(); }

}  // namespace poolcpuid::dump
