// Lint of the fields: their words, what goes with their rules, where they stand, and what others call them.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "base/id_bits.hpp"
#include "rulebook/lint_context.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

namespace {

bool overlaps(const BitRange& a, const BitRange& b) { return a.low <= b.high && b.low <= a.high; }
bool overlaps(const SubleafRange& a, const SubleafRange& b) { return a.first <= b.last && b.first <= a.last; }

class FieldLinter : LintContext {
public:
    explicit FieldLinter(const LintContext& context) : LintContext(context) {}

    void run() {
        for (const SourceField& field : source_.fields) check_field(field);
        check_overlaps();
        check_vendor_strings();
        check_names();
    }

private:
    void check_reference(const SourceField& field, const char* key, const std::string& id) {
        if (!id.empty() && find(id) == nullptr) {
            report(field.place, field.id, std::string(key) + " names the unknown field \"" + id + "\"");
        }
    }

    void check_field(const SourceField& field) {
        const auto say = [&](std::string message) { report(field.place, field.id, std::move(message)); };
        if (!is_id(field.id)) say("an id is of a-z, 0-9 and _ only");
        const auto rule = parse_word(rule_words, field.rule);
        const auto exposure = parse_word(exposure_words, field.exposure);
        if (!rule) say("unknown rule \"" + field.rule + "\"");
        if (!exposure) say("unknown exposure \"" + field.exposure + "\"");
        if (!parse_word(impact_words, field.impact)) say("unknown impact \"" + field.impact + "\"");
        if (field.why.empty()) say("no why");
        if (field.source.empty()) say("no source");
        check_vendors(field.place, field.id, field.vendors);
        for (const auto& [project, name] : field.names) {
            if (std::find(name_keys.begin(), name_keys.end(), project) == name_keys.end()) {
                say("names of the unknown project \"" + project + "\"");
            }
            if (name.empty()) say("an empty name for " + project);
        }
        if (rule && exposure) check_rule(field, *rule, *exposure);
        check_reference(field, "gate", field.gate);
        if (const SourceField* gate = find(field.gate); gate != nullptr && gate->subleaf.first != gate->subleaf.last)
            say("the gate \"" + field.gate + "\" stands in several subleaves");
        else if (!field.gate.empty() && !field.is_msr)
            check_may_carry(field.place, field.id, {field.gate});
        check_reference(field, "implied_by", referred(field.implied_by));
        check_reference(field, "length_from", field.length_from);
        check_zero_means(field);
        check_subleaves(field);
        check_mitigation(field);
        if (field.missed) check_missed(field, *field.missed);
    }

    // Another field's id, or the number itself.
    void check_zero_means(const SourceField& field) {
        if (!field.zero_means.starts_with("0x")) return check_reference(field, "zero_means", field.zero_means);
        if (from_hex(field.zero_means, 8)) return;
        report(field.place, field.id, "zero_means is a field or \"0x…\" of at most 8 digits");
    }

    // Of a larger number of a host this one is promised. A revision is compared as it is.
    void check_known_to(const SourceField& field, std::uint32_t most) {
        const std::uint64_t all = bit_mask(field.bits.low, field.bits.high) >> field.bits.low;
        if (most == 0 || most > all)
            report(field.place, field.id, "known_to is a number of the field's bits, and not 0");
        if (field.of_identity) report(field.place, field.id, "known_to and of_identity exclude each other");
    }

    void check_rule(const SourceField& field, Rule rule, Exposure exposure) {
        const auto say = [&](std::string message) { report(field.place, field.id, std::move(message)); };
        const auto only = [&](bool present, const char* key, Rule owner) {
            if (present && rule != owner)
                say(std::string(key) + " goes with the rule " + std::string(to_string(owner)));
        };
        if ((rule == Rule::hide) != (exposure == Exposure::never)) say("rule hide and exposure never go together");
        only(!field.zero_means.empty(), "zero_means", Rule::min);
        only(field.assured != 0, "assured", Rule::min);
        only(field.known_to.has_value(), "known_to", Rule::min);
        if (field.known_to) check_known_to(field, *field.known_to);
        only(!field.wider.empty(), "wider", Rule::min);
        only(!field.length_from.empty(), "length_from", Rule::union_);
        only(field.allowed_by.has_value(), "allowed_by", Rule::union_);
        only(!field.guard_immune.empty() || !field.guard_model.empty(), "guard", Rule::guarded);
        only(field.derive.has_value(), "derive", Rule::derive);
        only(!field.implied_by.empty(), "implied_by", Rule::intersect);
        only(field.emulated, "emulated", Rule::intersect);
        only(field.made.has_value(), "made", Rule::intersect);
        only(field.of_identity, "of_identity", Rule::min);
        only(!field.covers.empty(), "covers", Rule::intersect);
        only(!field.rates.empty(), "rate", Rule::intersect);
        only(field.missed.has_value(), "missed", Rule::intersect);
        if (rule == Rule::derive && !field.derive) say("a derived field says how");
        if (rule == Rule::guarded && field.guard_immune.empty()) say("a guarded field says who is immune");
        if (rule == Rule::guarded && field.bits.low != field.bits.high) say("a guarded field is one bit");
        if (field.guard_told_by.empty() && !field.guard_heeds.empty()) say("heeds of a guard goes with told_by");
        if (!field.ask.empty() && exposure != Exposure::asked) say("ask goes with the exposure asked");
        if (rule == Rule::union_ && exposure == Exposure::asked && field.gate.empty()) {
            say("bad news that is told only when asked for has a gate: without, its absence would be a promise");
        }
        if (field.required && rule != Rule::intersect && rule != Rule::equal) say("only a promise can be required");
        const bool is_promise = rule != Rule::identity && rule != Rule::owned && rule != Rule::hide;
        const std::uint64_t bits = bit_mask(field.bits.low, field.bits.high);
        if (!field.is_msr && is_promise && (own_ids(field.leaf)[field.reg] & bits) != 0) {
            say("an id that each logical CPU of a host has for itself is no promise");
        }
        if (field.derive) check_derive(field);
        check_covers(field);
        if (field.allowed_by && rule == Rule::union_) check_allowed_by(field, *field.allowed_by);
        for (const SourceEasing& easing : field.eased_by) {
            if (find(easing.field) == nullptr) say("eased_by names the unknown field \"" + easing.field + "\"");
            if (!parse_word(impact_words, easing.impact)) say("unknown impact \"" + easing.impact + "\"");
        }
        check_hides(field);
        if (field.by_microcode && !announces(rule)) say("by_microcode goes with a bit that announces something");
        if (!field.brought_to.empty() && !field.by_microcode) say("brought_to goes with by_microcode");
        if (field.made && field.emulated) say("made and emulated exclude each other");
        if (field.made && !parse_word(maker_words, field.made->by)) {
            say("made by \"" + field.made->by + "\", which is neither all nor some");
        }
        check_conditions(field.place, field.id, "guard", field.guard_immune);
        check_conditions(field.place, field.id, "guard", field.guard_told_by);
        check_conditions(field.place, field.id, "guard", field.guard_heeds);
        check_conditions(field.place, field.id, "guard", field.guard_in_vain);
        if (field.made) {
            check_conditions(field.place, field.id, "made", field.made->where);
            check_conditions(field.place, field.id, "made", field.made->unsure);
            if (!field.made->unsure.empty() && field.made->by == "some") say("unsure goes with what all make");
            if (!field.made->vendors.empty()) check_vendors(field.place, field.id, field.made->vendors);
        }
        check_hypervisor(field);
        for (const SourceRate& rate : field.rates) check_rate(field, rate);
    }

    // A leaf has one meaning, that of one interface.
    void check_hypervisor(const SourceField& field) {
        if (field.hypervisor.empty()) return;
        const auto& known = source_.hypervisors;
        const bool is_known = std::any_of(known.begin(), known.end(), [&](const SourceHypervisor& hypervisor) {
            return hypervisor.id == field.hypervisor;
        });
        if (!is_known) report(field.place, field.id, "of the unknown hypervisor \"" + field.hypervisor + "\"");
        if (range_of(field.leaf) != hypervisor_range) {
            report(field.place, field.id, "no leaf of a hypervisor: those begin at " + to_hex(hypervisor_range));
        }
    }

    void check_rate(const SourceField& field, const SourceRate& rate) {
        if (rate.product.empty() || rate.product.size() > 2) {
            report(field.place, field.id, "rate is a product of one field or two");
        }
        for (const std::string& id : rate.product) {
            check_reference(field, "rate", id);
            const SourceField* factor = find(id);
            if (factor != nullptr && factor->is_msr) report(field.place, field.id, "rate is told by CPUID alone");
        }
        check_reference(field, "rate", rate.per);
        if (rate.unit != "Hz" && rate.unit != "kHz") {
            report(field.place, field.id, "rate has the unit \"" + rate.unit + "\", which is neither Hz nor kHz");
        }
    }

    // Of a bit only 0 can stand for "hidden", and of a maximum leaf what lies above it.
    void check_hides(const SourceField& field) {
        const auto say = [&](std::string message) { report(field.place, field.id, std::move(message)); };
        if (!field.hides.empty() && !field.is_msr) say("hides goes with a field of an MSR");
        for (const std::string& id : field.hides) {
            const SourceField* hidden = find(id);
            if (hidden == nullptr) {
                say("hides the unknown field \"" + id + "\"");
                continue;
            }
            const bool is_maximum = hidden->derive && hidden->derive->how == "max_leaf";
            const bool is_bit = hidden->rule == to_string(Rule::intersect) && hidden->bits.low == hidden->bits.high;
            if (hidden->is_msr || (!is_bit && !is_maximum)) {
                say("hides \"" + id + "\", which is neither a bit of CPUID of the rule intersect nor a maximum leaf");
            }
        }
    }

    // A higher bit covers a lower one, so that following them comes to an end.
    void check_covers(const SourceField& field) {
        for (const auto& [bit, covered] : field.covers) {
            const bool inside = field.bits.low <= covered && bit <= field.bits.high;
            if (!inside || covered >= bit) {
                report(field.place, field.id,
                       "a bit covers a lower one of the field, not " + std::to_string(bit) + " the bit " +
                           std::to_string(covered));
            }
        }
    }

    // A bit each, and something that goes when the two contradict each other.
    void check_allowed_by(const SourceField& field, const BitRange& bits) {
        const auto say = [&](std::string message) { report(field.place, field.id, std::move(message)); };
        if (bits.high - bits.low != field.bits.high - field.bits.low)
            say("allowed_by has not as many bits as the field");
        if (bits.low <= field.bits.high) say("allowed_by stands above the field");
        if (field.gate.empty()) say("allowed_by goes with a gate, which goes when a bit is set that is not allowed");
        if (!field.gate.empty()) check_may_go(field.place, field.id, {field.gate});
    }

    static bool announces(Rule rule) {
        return rule == Rule::intersect || rule == Rule::guarded || rule == Rule::group || rule == Rule::derive;
    }

    void check_derive(const SourceField& field) {
        const SourceDerive& derive = *field.derive;
        const auto say = [&](std::string message) { report(field.place, field.id, std::move(message)); };
        const auto how = parse_word(derivation_words, derive.how);
        if (!how) return say("unknown derivation \"" + derive.how + "\"");
        const unsigned width = field.bits.high - field.bits.low + 1U;
        const auto check_width = [&](std::uint32_t value) {
            if (width < 32 && value >> width != 0)
                say("a value of more than the field's " + std::to_string(width) + " bits");
        };
        if (how == Derivation::select) check_condition(field, derive.condition);
        check_width(derive.then_value);
        check_width(derive.else_value);
        for (const SourceChoice& choice : derive.choices) {
            check_condition(field, choice.condition);
            check_width(choice.value);
        }
        for (const SourceBit& bit : derive.bits) {
            if (!bit.field.empty()) check_condition(field, bit.field);  // nothing: always
            if (bit.bit >= width) say("bit " + std::to_string(bit.bit) + " is outside of the field");
        }
        if (how == Derivation::vmx_cr4_fixed1 && derive.bits.empty()) say("no bits");
        if (how == Derivation::vmx_vmcs_enum && derive.choices.empty()) say("no choices");
        if (how == Derivation::vmx_default1) check_default1(field);
    }

    // What a value is derived from must itself have a value before derived fields are computed.
    void check_condition(const SourceField& field, const std::string& id) {
        if (find(id) == nullptr) return report(field.place, field.id, "derive names the unknown field \"" + id + "\"");
        check_may_carry(field.place, field.id, {id});
    }

    // A control MSR is two halves of 32 bits: what must be 1 and what may be 1.
    void check_default1(const SourceField& field) {
        if (!field.is_msr || field.bits.low % 32 != 0 || field.bits.high != field.bits.low + 31) {
            report(field.place, field.id, "vmx_default1 makes one half of an MSR");
        }
        const bool known = std::any_of(source_.fields.begin(), source_.fields.end(), [&](const SourceField& other) {
            return other.is_msr && other.leaf == field.derive->msr && other.rule != "derive";
        });
        if (!known) report(field.place, field.id, "vmx_default1 from an MSR of which the rulebook knows no promise");
    }

    void check_subleaves(const SourceField& field) {
        constexpr std::uint32_t most_subleaves = 64;
        if (field.subleaf.last - field.subleaf.first >= most_subleaves) {
            report(field.place, field.id, "a range of more than " + std::to_string(most_subleaves) + " subleaves");
        }
        // Those who walk over a field's subleaves stop beyond the last, which must exist.
        if (field.subleaf.last == ~std::uint32_t{0})
            report(field.place, field.id, "no leaf has the subleaf 0xffffffff");
    }

    // Fields of one register may share bits only when they share no vendor.
    void check_overlaps() {
        struct Claim {
            Place place;
            std::string id;
            SubleafRange subleaf;
            BitRange bits;
            const std::vector<std::string>* vendors;
        };
        std::map<std::tuple<bool, std::uint32_t, Register>, std::vector<Claim>> registers;
        for (const SourceField& field : source_.fields) {
            registers[{field.is_msr, field.leaf, field.reg}].push_back(
                {field.place, field.id, field.subleaf, field.bits, &field.vendors});
        }
        for (const auto& [key, claims] : registers) {
            for (std::size_t i = 0; i < claims.size(); ++i) {
                for (std::size_t j = i + 1; j < claims.size(); ++j) {
                    const Claim& a = claims[i];
                    const Claim& b = claims[j];
                    if (overlaps(a.bits, b.bits) && overlaps(a.subleaf, b.subleaf) &&
                        shares_vendor(*a.vendors, *b.vendors)) {
                        report(b.place, b.id, "its bits overlap those of " + a.id);
                    }
                }
            }
        }
    }

    // A policy says by leaf 0 whose it is: nobody can read one that does not. Required fields are never taken away.
    void check_vendor_strings() {
        for (const Register reg : {Register::ebx, Register::ecx, Register::edx}) {
            Place place{"rulebook.json", 0};
            std::map<std::string, std::uint64_t> shown;  // bits, by vendor
            for (const SourceField& field : source_.fields) {
                if (!spells_vendor(field, reg)) continue;
                place = field.place;
                if (field.rule != to_string(Rule::equal) || !field.required) continue;
                for (const std::string& vendor : field.vendors)
                    shown[vendor] |= bit_mask(field.bits.low, field.bits.high);
            }
            std::string without;
            for (const std::string& vendor : vendors_) {
                const std::uint64_t bits = shown[std::string(all_vendors)] | shown[vendor];
                if (bits != bit_mask(0, 31)) without += (without.empty() ? "" : ", ") + vendor;
            }
            if (without.empty()) continue;
            report(place, "",
                   "no required field of the rule equal has all of CPUID " + to_hex(vendor_key.leaf) + " " +
                       std::string(to_string(reg)) + ", where the vendor's string stands, for: " + without);
        }
    }

    static bool spells_vendor(const SourceField& field, Register reg) {
        return !field.is_msr && LeafKey{field.leaf, field.subleaf.first} == vendor_key && field.reg == reg;
    }

    // QEMU, libvirt and Xen name each bit once; a second owner of a name is a slip.
    void check_names() {
        std::map<std::pair<std::string, std::string>, const SourceField*> owners;
        for (const SourceField& field : source_.fields) {
            for (const auto& [project, name] : field.names) {
                if (project == "vendor" || project == "linux") continue;
                const auto [at, fresh] = owners.emplace(std::pair{project, name}, &field);
                if (fresh) continue;
                const SourceField& owner = *at->second;
                if (shares_vendor(owner.vendors, field.vendors)) {
                    report(field.place, field.id, project + " calls " + owner.id + " \"" + name + "\" as well");
                } else if (project == "qemu" && owner.qemu_age != field.qemu_age) {
                    report(field.place, field.id, "\"" + name + "\" has another release at " + owner.id);
                }
            }
        }
    }

    void check_mitigation(const SourceField& field) {
        std::set<std::string> seen;
        for (const std::string& id : field.mitigation) {
            if (!vulnerabilities_.contains(id)) {
                report(field.place, field.id, "a mitigation of the unknown vulnerability \"" + id + "\"");
            }
            if (!seen.insert(id).second) report(field.place, field.id, "the mitigation \"" + id + "\" again");
        }
    }

    void check_missed(const SourceField& field, const SourceMissed& missed) {
        const auto say = [&](std::string message) { report(field.place, field.id, std::move(message)); };
        if (field.mitigation.empty()) say("missed goes with a mitigation");
        if (missed.says.empty()) say("missed says nothing");
        check_reference(field, "missed", missed.unless);
        const SourceField* immunity = find(missed.unless);
        if (immunity != nullptr && immunity->rule != to_string(Rule::intersect)) {
            say("missed unless \"" + missed.unless + "\", which is no promise");
        }
    }
};

}  // namespace

void lint_fields(const LintContext& context) { FieldLinter(context).run(); }

}  // namespace poolcpuid::rulebook
