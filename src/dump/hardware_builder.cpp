#include "dump/hardware_builder.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "dump/completeness.hpp"
#include "dump/cpu_count.hpp"
#include "dump/leaf_shapes.hpp"
#include "poolcpuid/read_hosts.hpp"

namespace poolcpuid::dump {

namespace {

// table, with what a logical CPU says that differs in its own rows.
CpuidTable with_rows(CpuidTable table, const std::vector<CpuidRow>& own) {
    const auto by_key = [](const CpuidRow& each, LeafKey key) { return each.key < key; };
    for (const CpuidRow& row : own) {
        const auto at = std::lower_bound(table.rows.begin(), table.rows.end(), row.key, by_key);
        if (at != table.rows.end() && at->key == row.key) at->value = row.value;  // else it was left out
    }
    return table;
}

}  // namespace

void HardwareBuilder::add_cpu(const std::optional<CpuHeader>& header, TableBuilder rows,
                              std::vector<UnknownRow> unknown) {
    const std::size_t line = rows.first_line();
    add(header, std::move(rows), std::move(unknown));
    if (!header) check_ids(line, false);
}

void HardwareBuilder::add_next_cpu(TableBuilder rows, std::vector<UnknownRow> unknown) {
    const std::size_t line = rows.first_line();
    add(std::nullopt, std::move(rows), std::move(unknown));
    check_ids(line, true);
}

void HardwareBuilder::add_heading(std::optional<std::uint32_t> number) {
    if (number && headed_.size() < limits::logical_cpus) headed_.insert(*number);
}

void HardwareBuilder::check_ids(std::size_t line, bool each_once) {
    const CpuidTable& cpu = view_.cpus.back().cpuid;
    const ApicIds ids = apic_ids(cpu);
    const auto [at, is_new] = unnumbered_.try_emplace(ids, FirstOfIds{view_.cpus.size() - 1, line});
    if (is_new) return;
    const FirstOfIds& first = at->second;
    const bool may_be_mixed = !each_once && is_hybrid(cpu);
    const bool is_again = each_once && ids.tell_all;
    if (may_be_mixed || (!is_again && !contradict(view_.cpus[first.cpu].cpuid, cpu))) return;
    refuse_second_dump("another CPU with APIC ID " + std::to_string(ids.x2apic.value_or(ids.initial)) +
                           ", after that of line " + std::to_string(first.line),
                       file_, line);
}

void HardwareBuilder::add(const std::optional<CpuHeader>& header, TableBuilder rows, std::vector<UnknownRow> unknown) {
    if (view_.cpus.size() >= limits::logical_cpus) {
        throw InputError(std::string(file_), rows.first_line(),
                         "at most " + std::to_string(limits::logical_cpus) + " logical CPUs", "more");
    }
    if (header) headers_.add(*header, file_);
    const std::size_t line = rows.first_line();
    const auto own = own_rows(rows, unknown);
    if (!own) understand(std::move(rows), std::move(unknown));
    headers_.check_others(header, line, file_);
    const TableBuilder::Result& result = original_->result;
    view_.cpus.push_back({0, own ? with_rows(result.table, *own) : result.table});
    beyond_maximum_ += result.beyond_maximum;
    cut_.push_back(original_->cut);
    numbers_.push_back(header ? header->number : std::nullopt);
}

// What is added differs in from the last CPU that was understood, if that is ids alone.
std::optional<std::vector<CpuidRow>> HardwareBuilder::own_rows(const TableBuilder& rows,
                                                               const std::vector<UnknownRow>& unknown) const {
    // Of a row that came again it is not told which of the two differs.
    if (!original_ || !original_->result.each_once || unknown != original_->unknown) return std::nullopt;
    return rows.own_rows(original_->rows);
}

void HardwareBuilder::understand(TableBuilder rows, std::vector<UnknownRow> unknown) {
    const std::size_t line = rows.first_line();
    TableBuilder as_read = rows;
    TableBuilder::Result result = std::move(rows).finish();
    if (!view_.cpus.empty()) check_same_machine(view_.cpus.front().cpuid, result.table, file_, line);
    for (const UnknownRow& row : unknown) {
        const bool known = row.subleaf && result.table.find({row.leaf, *row.subleaf}) != nullptr;
        if (!known && (within_maximum(result.table, row.leaf) || is_of_unknown_maximum(result.table, row.leaf)))
            result.table.unknown.push_back(row);
    }
    const bool cut = mark_unknown(result.table, format_);
    original_.emplace(Original{std::move(as_read), std::move(unknown), std::move(result), cut});
}

bool HardwareBuilder::has_unique_numbers() const {
    std::vector<std::optional<std::uint32_t>> sorted = numbers_;
    std::sort(sorted.begin(), sorted.end());
    return sorted.front().has_value() && std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

HardwareView HardwareBuilder::finish(std::vector<DumpNote>& notes) && {
    if (view_.cpus.empty()) throw InputError(std::string(file_), 0, "CPUID rows", "none");
    const bool keep_numbers = has_unique_numbers();
    std::vector<std::string> cut;
    for (std::size_t i = 0; i < view_.cpus.size(); ++i) {
        view_.cpus[i].number = keep_numbers ? *numbers_[i] : static_cast<std::uint32_t>(i);
        if (cut_[i]) cut.push_back(std::to_string(view_.cpus[i].number));
    }
    note_beyond_maximum(beyond_maximum_, notes);
    for (const auto& number : numbers_) {
        if (number) headed_.erase(*number);
    }
    note_missing_cpus(view_, headed_, notes);
    note_truncated(cut, notes);
    return std::move(view_);
}

}  // namespace poolcpuid::dump
