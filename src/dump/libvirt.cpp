// libvirt's raw CPU data: the <cpudata> documents that its tests keep, made with `cpuid -r` on a host.
//
//   <cpudata arch='x86'>
//     <cpuid eax_in='0x00000007' ecx_in='0x00' eax='0x…' ebx='0x…' ecx='0x…' edx='0x…'/>
//     <msr index='0x10a' edx='0x…' eax='0x…'/>
//   </cpudata>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/hex.hpp"
#include "base/printable.hpp"
#include "dump/completeness.hpp"
#include "dump/line_reader.hpp"
#include "dump/msr_builder.hpp"
#include "dump/reader.hpp"
#include "dump/table_builder.hpp"
#include "dump/xml.hpp"

namespace poolcpuid::dump {

namespace {

class CpuDataReader {
public:
    explicit CpuDataReader(const Source& source) : source_(source), lines_(source.bytes) {}

    HostDump read() {
        const pugi::xml_document document = parse_xml(source_, lines_);
        const pugi::xml_node root = document.first_child();
        check_root(root);
        for (const pugi::xml_node node : root.children()) read_node(node);
        expect_end_after(root, source_, lines_);
        return finish();
    }

private:
    [[noreturn]] void refuse(std::size_t line, std::string expected, std::string found) const {
        throw InputError(std::string(source_.file), line, std::move(expected), std::move(found));
    }

    void check_root(const pugi::xml_node& root) {
        root_line_ = lines_.line_of(root.offset_debug());
        if (std::string_view(root.name()) != "cpudata") {
            refuse(root_line_, "<cpudata>, libvirt's raw CPU data", "the element " + quote(root.name()));
        }
        const std::string_view arch = root.attribute("arch").value();
        if (arch != "x86") refuse(root_line_, "<cpudata arch='x86'>", "arch " + quote(arch));
    }

    void read_node(const pugi::xml_node& node) {
        const std::size_t line = lines_.line_of(node.offset_debug());
        const std::string_view name = node.name();
        if (node.first_child()) refuse(line, "an element without content", "content in " + quote(name));
        if (name == "cpuid") {
            refuse_without_subleaves(node, line);
            check_attributes(node, {"eax_in", "ecx_in", "eax", "ebx", "ecx", "edx"}, line);
            table_.add({hex32(node, "eax_in", line), hex32(node, "ecx_in", line)},
                       {hex32(node, "eax", line), hex32(node, "ebx", line), hex32(node, "ecx", line),
                        hex32(node, "edx", line)},
                       line);
        } else if (name == "msr") {
            check_attributes(node, {"index", "edx", "eax"}, line);
            const std::uint64_t high = hex32(node, "edx", line);
            msrs_.add(hex32(node, "index", line), high << 32U | hex32(node, "eax", line), line);
        } else {
            refuse(line, "<cpuid> and <msr> in <cpudata>", name.empty() ? "text" : quote(name));
        }
    }

    // libvirt wrote leaves by themselves (x86CPUDataFormat of cpu_x86.c) before it knew of subleaves, and none of
    // zeros.
    void refuse_without_subleaves(const pugi::xml_node& node, std::size_t line) const {
        if (!node.attribute("function") || node.attribute("eax_in")) return;
        refuse(line, "<cpuid> with eax_in and ecx_in",
               "\"function\" in their place, as libvirt wrote before it knew of subleaves (run `poolcpuid capture` or "
               "`cpuid -r` on that host)");
    }

    // Refuses an element that has not exactly these attributes, each once.
    void check_attributes(const pugi::xml_node& node, std::initializer_list<const char*> names,
                          std::size_t line) const {
        std::size_t count = 0;
        for ([[maybe_unused]] const pugi::xml_attribute attribute : node.attributes()) ++count;
        const bool all =
            std::all_of(names.begin(), names.end(), [&](const char* name) { return node.attribute(name); });
        if (all && count == names.size()) return;
        std::string expected = "<" + std::string(node.name()) + "> with";
        for (const char* name : names) expected += " " + std::string(name);
        refuse(line, expected, all ? "other attributes as well" : "some of them missing");
    }

    std::uint32_t hex32(const pugi::xml_node& node, const char* name, std::size_t line) const {
        const std::string_view text = node.attribute(name).value();
        const auto value = from_hex(text, 8);
        if (!value) refuse(line, std::string(name) + " of \"0x\" and 1 to 8 hexadecimal digits", quote(text));
        return static_cast<std::uint32_t>(*value);
    }

    HostDump finish() {
        if (table_.empty()) refuse(root_line_, "<cpuid> elements in <cpudata>", "none");
        HostDump dump;
        TableBuilder::Result result = std::move(table_).finish();
        note_beyond_maximum(result.beyond_maximum, dump.notes);
        if (mark_unknown(result.table, format_of("libvirt"))) note_truncated({"0"}, dump.notes);
        dump.hardware.emplace().cpus.push_back({0, std::move(result.table)});
        if (!msrs_.empty()) dump.hardware->msrs = std::move(msrs_).finish();
        return dump;
    }

    Source source_;
    LineFinder lines_;
    std::size_t root_line_ = 0;
    TableBuilder table_{source_.file};
    MsrBuilder msrs_{source_.file};
};

}  // namespace

bool is_libvirt(std::string_view bytes) noexcept {
    return first_character(bytes) == '<' && bytes.find("<cpudata") != std::string_view::npos;
}

HostDump read_libvirt(const Source& source) { return CpuDataReader(source).read(); }

}  // namespace poolcpuid::dump
