#include "dump/xen_sets.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "poolcpuid/rulebook.hpp"
#include "rulebook/target_data.hpp"

namespace poolcpuid::dump {

namespace {

class MaxSet {
public:
    MaxSet(HypervisorView& max, const std::vector<XenSet>& others) : max_(max), others_(others) {
        if (const auto vendor = rulebook_.vendor_of(vendor_string(max.cpuid).value_or(""))) find_fields(*vendor);
    }

    bool settle() {
        for (CpuidRow& row : max_.cpuid.rows) settle(row);
        if (max_.msrs) std::erase_if(*max_.msrs, [&](MsrRow& row) { return !settle(row); });
        return all_known_;
    }

private:
    struct BadNews {
        const Field* field = nullptr;
        bool forced = false;  // Xen sets it on every host
    };

    // The bits of a register that are bad news, and those of them that Xen sets on every host.
    struct Bits {
        std::uint64_t all = 0;
        std::uint64_t forced = 0;
    };

    void find_fields(std::size_t vendor) {
        const rulebook::XenTarget xen = rulebook::xen_data(rulebook_);
        const std::string_view id = rulebook_.vendors[vendor].id;
        for (std::size_t i = 0; i < rulebook_.fields.size(); ++i) {
            const Field& field = rulebook_.fields[i];
            const bool promises_clear = field.rule == Rule::union_ || field.rule == Rule::guarded ||
                                        rulebook_.retpoline_of(static_cast<FieldIndex>(i)) != nullptr;
            if (!promises_clear || ((field.vendors >> vendor) & 1U) == 0 || is_said(xen, field)) continue;
            fields_.push_back({&field, is_given(xen, id, field)});
        }
    }

    // True for bad news that is so in every guest of Xen, whatever the host does.
    static bool is_said(const rulebook::XenTarget& xen, const Field& field) {
        return std::any_of(xen.said.begin(), xen.said.end(),
                           [&](const auto& said) { return field.names.xen == std::string_view(said.first); });
    }

    static bool is_given(const rulebook::XenTarget& xen, std::string_view vendor, const Field& field) {
        return std::any_of(xen.given.begin(), xen.given.end(), [&](const auto& given) {
            return rulebook::is_for(given.vendors, vendor) &&
                   std::find(given.names.begin(), given.names.end(), field.names.xen) != given.names.end();
        });
    }

    Bits bits_of(LeafKey key, Register reg) const {
        return bits_where([&](const Field& field) {
            return !field.is_msr && field.leaf == key.leaf && field.is_in_subleaf(key.subleaf) && field.reg == reg;
        });
    }

    Bits bits_of_msr(std::uint32_t index) const {
        return bits_where([&](const Field& field) { return field.is_msr && field.leaf == index; });
    }

    template <typename IsThere>
    Bits bits_where(const IsThere& is_there) const {
        Bits bits;
        for (const BadNews& each : fields_) {
            if (!is_there(*each.field)) continue;
            bits.all |= each.field->mask();
            if (each.forced) bits.forced |= each.field->mask();
        }
        return bits;
    }

    void settle(CpuidRow& row) {
        for (const Register reg : all_registers) {
            const Bits bits = bits_of(row.key, reg);
            const auto shown = static_cast<std::uint32_t>(row.value[reg] & bits.all);
            if (shown == 0) continue;
            std::uint32_t so = 0;
            std::uint32_t told = 0;
            for (const XenSet& set : others_) {
                const Registers* value = set.cpuid.find(row.key);
                so |= value != nullptr ? (*value)[reg] : 0;
                told |= ~set.cpuid.unknown_in(row.key, reg);
            }
            const std::uint32_t unknown = shown & ~so & ~told & static_cast<std::uint32_t>(bits.forced);
            row.value[reg] &= ~(shown & ~so & told);
            if (unknown == 0) continue;
            max_.cpuid.mark_unknown(row.key, reg, unknown);
            all_known_ = false;
        }
    }

    // Returns whether something of the MSR is known. One that no other set has is offered for the sake of VMs of other
    // hosts alone: here it is not there.
    bool settle(MsrRow& row) {
        const Bits bits = bits_of_msr(row.index);
        const std::uint64_t shown = row.value.value_or(0) & bits.all;
        if (shown == 0) return true;
        std::uint64_t so = 0;
        bool told = false;
        bool there = false;
        for (const XenSet& set : others_) {
            const MsrRow* other = find_msr(set.msrs, row.index);
            if (other == nullptr) continue;
            told = true;
            there = there || other->value.has_value();
            so |= other->value.value_or(0);
        }
        if (!told) {
            const bool known = (shown & bits.forced) == 0;
            all_known_ = all_known_ && known;
            return known;
        }
        if (there) {
            row.value = *row.value & ~(shown & ~so);
        } else {
            row.value.reset();
        }
        return true;
    }

    const Rulebook& rulebook_ = builtin_rulebook();
    HypervisorView& max_;
    const std::vector<XenSet>& others_;
    std::vector<BadNews> fields_;
    bool all_known_ = true;
};

}  // namespace

bool take_bad_news(HypervisorView& max, const std::vector<XenSet>& others) { return MaxSet(max, others).settle(); }

}  // namespace poolcpuid::dump
