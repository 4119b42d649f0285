#include "dump/named_features.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <set>
#include <string>

#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

namespace {

constexpr std::uint32_t all_bits = ~std::uint32_t{0};

const Rulebook& names() { return builtin_rulebook(); }

}  // namespace

bool NamedFeatures::set_vendor(std::string_view vendor) {
    const auto known = names().vendor_of(vendor);
    if (!known) return false;
    for (const Field& field : names().fields) {
        const bool is_flag = !field.is_msr && field.low == field.high;
        if (is_flag && ((field.vendors >> *known) & 1U) != 0) fields_.emplace(name_of(field), &field);
    }
    fields_.erase("");
    const auto part = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            value |= std::uint32_t{static_cast<unsigned char>(vendor[at + i])} << (8 * i);
        }
        return value;
    };
    set_register({0, 0}, Register::ebx, part(0));
    set_register({0, 0}, Register::edx, part(4));
    set_register({0, 0}, Register::ecx, part(8));
    return true;
}

bool NamedFeatures::set_signature(std::uint64_t family, std::uint64_t model, std::uint64_t stepping) {
    constexpr std::uint64_t most_base = 0xF;
    if (family > most_base + 0xFF || model > 0xFF || stepping > 0xF) return false;
    const auto base = static_cast<std::uint32_t>(std::min(family, most_base));
    const auto extended = static_cast<std::uint32_t>(family) - base;
    const auto low_model = static_cast<std::uint32_t>(model & 0xF);
    const auto high_model = static_cast<std::uint32_t>(model >> 4);
    const std::uint32_t eax =
        extended << 20 | high_model << 16 | base << 8 | low_model << 4 | static_cast<std::uint32_t>(stepping);
    const Signature back = signature_of(eax);
    if (back.family != family || back.model != model || back.stepping != stepping) return false;
    set_register(signature_key, Register::eax, eax);
    return true;
}

std::string_view NamedFeatures::name_of(const Field& field) const {
    switch (tongue_) {
        case Tongue::linux_kernel: return field.names.kernel;
        case Tongue::qemu: return field.names.qemu;
        case Tongue::libvirt: return field.names.libvirt;
        case Tongue::rulebook: break;
    }
    return field.id;
}

const Field* NamedFeatures::find(std::string_view name) const {
    const auto [first, last] = fields_.equal_range(name);
    return first != last && std::next(first) == last ? first->second : nullptr;
}

bool NamedFeatures::begins_another(std::string_view name) const {
    const auto next = fields_.upper_bound(name);
    return next != fields_.end() && next->first.starts_with(name);
}

// bits: of the field, where they stand in its register.
void NamedFeatures::set_bits(const Field& field, std::uint32_t bits) {
    Known& row = rows_[{field.leaf, field.subleaf_first}];
    const auto mask = static_cast<std::uint32_t>(field.mask());
    row.bits[field.reg] |= mask;
    row.value[field.reg] = (row.value[field.reg] & ~mask) | (bits & mask);
}

void NamedFeatures::set_number(std::string_view id, std::uint32_t value) {
    const FieldIndex index = names().find(id);
    if (index == no_field) return;
    const Field& field = names()[index];
    const std::uint64_t bits = std::uint64_t{value} << field.low;
    if ((bits & ~field.mask()) == 0) set_bits(field, static_cast<std::uint32_t>(bits));
}

void NamedFeatures::set_constants_of_qemu() {
    constexpr std::uint32_t eights_of_bytes = 8;
    set_number("clflush_size", eights_of_bytes);
}

void NamedFeatures::set_long_mode() {
    for (const auto& [name, field] : fields_) {
        if (field->required) set_bits(*field, all_bits);
    }
}

void NamedFeatures::set(std::string_view name, bool value) {
    const auto [first, last] = fields_.equal_range(name);
    for (auto at = first; at != last; ++at) {
        const Field& field = *at->second;
        // Of the CPU a name says nothing that the kernel gives to a bit of its own making.
        if (speaker_ == Speaker::of_cpu && field.made.by != Makers::none) continue;
        set_bits(field, value ? all_bits : 0);
    }
}

void NamedFeatures::set_register(LeafKey key, Register reg, std::uint32_t value) {
    Known& row = rows_[key];
    row.bits[reg] = ~std::uint32_t{0};
    row.value[reg] = value;
}

CpuidTable NamedFeatures::finish() const {
    CpuidTable table;
    std::set<UnknownRow> unknown;
    for (const Field& field : names().fields) {
        if (!field.is_msr) unknown.insert({field.leaf, std::nullopt});
    }
    table.unknown.assign(unknown.begin(), unknown.end());
    std::map<LeafKey, Known> rows = rows_;
    for (const LeafKey key : {LeafKey{0, 0}, signature_key}) rows.try_emplace(key);  // every table has them
    for (const auto& [key, known] : rows) {
        table.rows.push_back({key, known.value});
        CpuidRow open{key, {}};
        for (const Register reg : all_registers) open.value[reg] = ~known.bits[reg];
        if (!open.value.all_zero()) table.unknown_bits.push_back(open);
    }
    return table;
}

std::optional<std::uint32_t> decimal_of(std::string_view text) noexcept {
    Cursor cursor(text);
    const auto value = cursor.decimal();
    return cursor.at_end() ? value : std::nullopt;
}

void note_partial(HostDump& host) {
    if (!host.is_partial()) return;
    const CpuidTable& table = host.first_table();
    std::size_t known = 0;
    for (const CpuidRow& row : table.rows) {
        for (const Register reg : all_registers) {
            known += static_cast<std::size_t>(std::popcount(~table.unknown_in(row.key, reg)));
        }
    }
    host.notes.push_back({"partial-host", "Known by names or words of features alone: " + std::to_string(known) +
                                              " bits of CPUID. All else is not known."});
}

}  // namespace poolcpuid::dump
