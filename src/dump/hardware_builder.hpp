// Collects the logical CPUs of a text dump and makes a hardware view of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "dump/one_machine.hpp"
#include "dump/own_ids.hpp"
#include "dump/reader.hpp"
#include "dump/table_builder.hpp"
#include "poolcpuid/host_dump.hpp"

namespace poolcpuid::dump {

class HardwareBuilder {
public:
    // file is what messages name; it and the format must outlive the builder.
    HardwareBuilder(std::string_view file, const Format& format) noexcept : file_(file), format_(format) {}

    // Adds a logical CPU with the header that the dump gives it, if any. unknown is what the reader could
    // not tell; what the format leaves unknown comes on top of it. Throws what TableBuilder::finish
    // throws, and InputError beyond limits::logical_cpus and for a CPU that cannot be of one machine with
    // those before it (one_machine.hpp), which one without a header cannot that has the APIC ID of another such and
    // contradicts it: else it may be that CPU, taken again by a tool that stayed on it, or on a hybrid processor went
    // from core to core in between; and for CPUs with a header beside others without (CpuHeaders). A CPU that repeats
    // the one before it but for ids costs a compare and a copy.
    void add_cpu(const std::optional<CpuHeader>& header, TableBuilder rows, std::vector<UnknownRow> unknown = {});

    // The same of a tool that does not number the CPUs, and runs on each of them in turn: one whose APIC ID comes again
    // is of another dump.
    void add_next_cpu(TableBuilder rows, std::vector<UnknownRow> unknown = {});

    // Says that the text heads the rows of the logical CPU of this number, whether or not any follow. O(log n).
    void add_heading(std::optional<std::uint32_t> number);

    // The view, and notes on what was left out. The dump's own CPU numbers are kept when each CPU has one
    // and no two share one; else the CPUs are numbered from 0 in their order. Throws InputError when no
    // CPU was added.
    HardwareView finish(std::vector<DumpNote>& notes) &&;

private:
    // Of the CPUs without a header, the first with its ids: its place in the view, and the line of its first row.
    struct FirstOfIds {
        std::size_t cpu = 0;
        std::size_t line = 0;
    };

    // A logical CPU that others may repeat: what the dump says of it, and what became of that.
    struct Original {
        TableBuilder rows;
        std::vector<UnknownRow> unknown;
        TableBuilder::Result result;  // with what the format leaves unknown
        bool cut = false;             // its rows end too early
    };

    // Of the last CPU, which has no header. each_once: the tool was on each CPU once.
    void check_ids(std::size_t line, bool each_once);
    void add(const std::optional<CpuHeader>& header, TableBuilder rows, std::vector<UnknownRow> unknown);
    std::optional<std::vector<CpuidRow>> own_rows(const TableBuilder& rows,
                                                  const std::vector<UnknownRow>& unknown) const;
    void understand(TableBuilder rows, std::vector<UnknownRow> unknown);
    bool has_unique_numbers() const;

    std::string_view file_;
    const Format& format_;
    HardwareView view_;
    std::optional<Original> original_;
    std::vector<std::optional<std::uint32_t>> numbers_;
    CpuHeaders headers_;
    std::set<std::uint32_t> headed_;
    std::map<ApicIds, FirstOfIds> unnumbered_;
    std::vector<bool> cut_;
    std::size_t beyond_maximum_ = 0;
};

}  // namespace poolcpuid::dump
