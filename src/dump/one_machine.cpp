#include "dump/one_machine.hpp"

#include "base/printable.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::dump {

namespace {

Signature signature(const CpuidTable& table) {
    const Registers* value = table.find({0x1, 0});
    return signature_of(value != nullptr ? value->eax : 0);
}

std::string text_of(const Signature& signature) {
    return "family " + std::to_string(signature.family) + ", model " + std::to_string(signature.model);
}

}  // namespace

bool is_hybrid(const CpuidTable& table) {
    const Registers* features = table.find({0x7, 0});
    const Registers* topology = table.find({0x80000026, 0});
    return (features != nullptr && (features->edx >> 15U & 1U) == 1) ||
           (topology != nullptr && (topology->eax >> 30U & 1U) == 1);
}

void check_same_machine(const CpuidTable& first, const CpuidTable& other, std::string_view file, std::size_t line) {
    const std::string vendor = vendor_string(first).value_or("");
    const std::string other_vendor = vendor_string(other).value_or("");
    if (vendor != other_vendor) {
        throw InputError(std::string(file), line, "CPUs of one vendor, " + quote(vendor), quote(other_vendor));
    }
    const Signature a = signature(first);
    const Signature b = signature(other);
    if ((a.family == b.family && a.model == b.model) || (is_hybrid(first) && is_hybrid(other))) return;
    throw InputError(std::string(file), line, "CPUs of one family and model, as a host has: " + text_of(a),
                     text_of(b) + two_hosts);
}

// What has no number stands first, and of each number what has no mask.
CpuHeaders::Lines::const_iterator CpuHeaders::clash_of(const Key& key) const {
    if (lines_.empty() || key == Key{} || lines_.begin()->first == Key{}) return lines_.begin();
    const auto alike = lines_.lower_bound({key.first, std::string()});
    if (alike == lines_.end() || alike->first.first != key.first) return lines_.end();
    return key.second.empty() || alike->first.second.empty() ? alike : lines_.find(key);
}

void check_same_vendor(const HostDump& host, std::string_view file, std::size_t line) {
    if (!host.hardware || !host.hypervisor) return;
    const std::string hardware = vendor_string(host.first_table()).value();
    const std::string hypervisor = vendor_string(host.hypervisor->cpuid).value();
    if (hardware == hypervisor) return;
    throw InputError(std::string(file), line, "CPUs of one vendor, " + quote(hardware), quote(hypervisor));
}

void refuse_second_dump(const std::string& found, std::string_view file, std::size_t line) {
    throw InputError(std::string(file), line, "each logical CPU of one host once", found + two_hosts);
}

void CpuHeaders::refuse_mixed(const std::string& found, std::string_view file, std::size_t line) const {
    throw InputError(std::string(file), line, std::string(heading_) + " above each CPU, or above none",
                     found + two_hosts);
}

void CpuHeaders::add(const CpuHeader& header, std::string_view file) {
    const Key key{header.number, header.affinity};
    const auto clash = clash_of(key);
    if (clash != lines_.end()) {
        refuse_second_dump("another CPU" + (header.number ? " " + std::to_string(*header.number) : "") +
                               ", after that of line " + std::to_string(clash->second),
                           file, header.line);
    }
    lines_.emplace(key, header.line);
}

void CpuHeaders::check_others(const std::optional<CpuHeader>& header, std::size_t line, std::string_view file) {
    if (!header) {
        if (!lines_.empty()) refuse_mixed("a CPU without one below others that have it", file, line);
        ++without_;
        return;
    }
    const bool may_be_second = without_ == 1 && header->number && *header->number > header->first_number;
    if (without_ > 0 && !may_be_second) refuse_mixed("one below CPUs without it", file, header->line);
}

}  // namespace poolcpuid::dump
