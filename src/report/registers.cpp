// What a guest is shown: the CPUID rows, the MSRs, and the bits that the VMM fills in.
#include <algorithm>
#include <array>
#include <optional>

#include "base/hex.hpp"
#include "policy/document_text.hpp"
#include "report/page.hpp"

namespace poolcpuid::report {

namespace {

class RegisterTables {
public:
    explicit RegisterTables(Page& page)
        : page_(page), rules_(page.rulebook), vendor_(rules_.vendor_of(page.policy.vendor)) {}

    void put_cpuid() {
        page_.html.element("h3", {{"id", "cpuid"}}, "CPUID");
        page_.html.element("p", "A leaf without a row reads as zeros.");
        const auto scroll = scrolling("cpuid");
        const auto table = page_.html.open("table", {{"class", "plain"}});
        page_.html.element("caption", "CPUID registers of the policy");
        put_head(page_, {"Leaf", "Subleaf", "EAX", "EBX", "ECX", "EDX", "Fields that are not 0"});
        const auto body = page_.html.open("tbody");
        for (const CpuidRow& row : page_.policy.cpuid) {
            const auto line = page_.html.open("tr");
            page_.html.element("th", {{"scope", "row"}}, to_hex(row.key.leaf));
            page_.html.element("td", to_hex(row.key.subleaf));
            std::string fields;
            for (const Register reg : all_registers) {
                page_.html.element("td", {{"class", "word"}}, to_hex(row.value[reg], 8));
                append(fields, fields_in(row, reg));
            }
            page_.html.element("td", fields);
        }
    }

    void put_msrs() {
        page_.html.element("h3", {{"id", "msrs"}}, "Feature MSRs");
        if (page_.policy.msrs.empty()) {
            page_.html.element("p", "None is offered to the guest.");
            return;
        }
        page_.html.element("p", "An MSR without a row is not offered.");
        const auto scroll = scrolling("msrs");
        const auto table = page_.html.open("table", {{"class", "plain"}});
        page_.html.element("caption", "Feature MSRs of the policy");
        put_head(page_, {"Index", "Value", "Fields that are not 0"});
        const auto body = page_.html.open("tbody");
        for (const MsrRow& row : page_.policy.msrs) {
            const auto line = page_.html.open("tr");
            const std::uint64_t value = row.value.value_or(0);
            page_.html.element("th", {{"scope", "row"}}, to_hex(row.index));
            page_.html.element("td", {{"class", "word"}}, to_hex(value, 16));
            page_.html.element("td", listed(value, [&](const Field& f) { return f.is_msr && f.leaf == row.index; }));
        }
    }

    void put_owned() {
        page_.html.element("h3", {{"id", "owned"}}, "Bits that the VMM or the guest fills in");
        if (page_.policy.owned.empty()) {
            page_.html.element("p", "None.");
            return;
        }
        page_.html.element("p", "They are 0 in the rows above.");
        const auto list = page_.html.open("ul", {{"class", "owned"}});
        for (const BitPlace& place : page_.policy.owned) {
            const auto item = page_.html.open("li");
            page_.html.element("code", document::place_text(place));
            const Field* field = field_at(place);
            if (field != nullptr) page_.html.text(" " + std::string(field->id));
        }
    }

private:
    Html::Element scrolling(std::string_view labelled_by) {
        return page_.html.open(
            "div", {{"class", "scroll"}, {"role", "region"}, {"aria-labelledby", labelled_by}, {"tabindex", "0"}});
    }

    static void append(std::string& list, const std::string& more) {
        if (!more.empty()) list += (list.empty() ? "" : " · ") + more;
    }

    bool is_of_vendor(const Field& field) const { return vendor_ && ((field.vendors >> *vendor_) & 1U) != 0; }

    // "EBX: fsgsbase, bmi1"; empty when no field of the register has a value.
    std::string fields_in(const CpuidRow& row, Register reg) const {
        const std::string fields = listed(row.value[reg], [&](const Field& f) {
            return !f.is_msr && f.reg == reg && f.leaf == row.key.leaf && f.is_in_subleaf(row.key.subleaf);
        });
        constexpr std::array<const char*, register_count> names{"EAX", "EBX", "ECX", "EDX"};
        return fields.empty() ? "" : std::string(names[static_cast<std::size_t>(reg)]) + ": " + fields;
    }

    // The fields for which is_there holds and that value does not have at 0; numbers with their value.
    template <typename IsThere>
    std::string listed(std::uint64_t value, IsThere is_there) const {
        std::string text;
        for (const Field& field : rules_.fields) {
            if (!is_of_vendor(field) || !is_there(field) || (value & field.mask()) == 0) continue;
            text += (text.empty() ? "" : ", ") + std::string(field.id);
            if (field.low != field.high) text += " " + to_hex((value & field.mask()) >> field.low);
        }
        return text;
    }

    const Field* field_at(const BitPlace& place) const {
        const auto at = std::find_if(rules_.fields.begin(), rules_.fields.end(), [&](const Field& f) {
            return is_of_vendor(f) && f.is_msr == place.is_msr && f.leaf == place.leaf && f.low == place.low &&
                   f.high == place.high && (f.is_msr || (f.reg == place.reg && f.subleaf_first == place.subleaf_first));
        });
        return at == rules_.fields.end() ? nullptr : &*at;
    }

    Page& page_;
    const Rulebook& rules_;
    std::optional<std::size_t> vendor_;
};

}  // namespace

void put_registers(Page& page) {
    const Section section(page, "registers", "What a guest is shown");
    RegisterTables registers(page);
    registers.put_cpuid();
    registers.put_msrs();
    registers.put_owned();
}

}  // namespace poolcpuid::report
