// Collects the logical CPUs of a text dump and makes a hardware view of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dump/one_machine.hpp"
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
    // those before it (one_machine.hpp). A CPU that repeats the one before it but for ids costs a compare and a copy.
    void add_cpu(const std::optional<CpuHeader>& header, TableBuilder rows, std::vector<UnknownRow> unknown = {});

    // The view, and notes on what was left out. The dump's own CPU numbers are kept when each CPU has one
    // and no two share one; else the CPUs are numbered from 0 in their order. Throws InputError when no
    // CPU was added.
    HardwareView finish(std::vector<DumpNote>& notes) &&;

private:
    // A logical CPU that others may repeat: what the dump says of it, and what became of that.
    struct Original {
        TableBuilder rows;
        std::vector<UnknownRow> unknown;
        TableBuilder::Result result;  // with what the format leaves unknown
        bool cut = false;             // its rows end too early
    };

    void understand(TableBuilder rows, std::vector<UnknownRow> unknown);
    bool has_unique_numbers() const;

    std::string_view file_;
    const Format& format_;
    HardwareView view_;
    std::optional<Original> original_;
    std::vector<std::optional<std::uint32_t>> numbers_;
    CpuHeaders headers_;
    std::vector<bool> cut_;
    std::size_t beyond_maximum_ = 0;
};

}  // namespace poolcpuid::dump
