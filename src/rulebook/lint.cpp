#include "rulebook/lint.hpp"

#include <algorithm>
#include <bitset>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "rulebook/lint_models.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

namespace {

constexpr std::size_t most_vendors = 8;            // VendorMask is 8 bits wide
constexpr std::size_t most_vulnerabilities = 256;  // VulnerabilityIndex likewise
constexpr std::size_t most_fields = no_field;      // and what no FieldIndex can tell apart from none is too many
constexpr std::string_view all_vendors = "all";

bool overlaps(const BitRange& a, const BitRange& b) { return a.low <= b.high && b.low <= a.high; }
bool overlaps(const SubleafRange& a, const SubleafRange& b) { return a.first <= b.last && b.first <= a.last; }

bool is_id(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

class Linter {
public:
    Linter(const SourceRulebook& source, std::vector<LintFinding>& findings) : source_(source), findings_(findings) {}

    void run() {
        check_head();
        check_vulnerabilities();
        collect_ids();
        for (const SourceField& field : source_.fields) check_field(field);
        check_overlaps();
        check_vendor_strings();
        check_names();
        check_dependencies();
        check_cycles();
        check_equality();
        check_retpoline();
        check_xsave();
        check_models();
        check_levels();
    }

private:
    void report(const Place& place, const std::string& field, std::string message) {
        findings_.push_back({place.file, place.line, field, std::move(message)});
    }

    void check_head() {
        if (source_.version.empty()) report({"rulebook.json", 0}, "", "the rulebook has no version");
        if (source_.vendors.size() > most_vendors) {
            report(source_.vendors.back().place, "", "more than " + std::to_string(most_vendors) + " vendors");
        }
        if (source_.vendors.empty()) report({"rulebook.json", 0}, "", "the rulebook has no vendors");
        std::set<std::string> strings;
        for (const SourceVendor& vendor : source_.vendors) {
            if (!is_id(vendor.id) || vendor.id == all_vendors) {
                report(vendor.place, "", "a vendor's id is of a-z, 0-9 and _ only, and not \"all\"");
            }
            if (!vendors_.insert(vendor.id).second) report(vendor.place, "", "vendor \"" + vendor.id + "\" again");
            for (const std::string& text : vendor.strings) {
                if (text.size() != 12)
                    report(vendor.place, "", "the vendor string \"" + text + "\" is not of 12 bytes");
                if (!strings.insert(text).second) report(vendor.place, "", "the vendor string \"" + text + "\" again");
            }
        }
    }

    void check_vulnerabilities() {
        if (source_.vulnerabilities.size() > most_vulnerabilities) {
            report(source_.vulnerabilities.back().place, "",
                   "more than " + std::to_string(most_vulnerabilities) + " vulnerabilities");
        }
        for (const SourceVulnerability& vulnerability : source_.vulnerabilities) {
            if (!is_id(vulnerability.id)) report(vulnerability.place, "", "an id is of a-z, 0-9 and _ only");
            if (!vulnerabilities_.insert(vulnerability.id).second) {
                report(vulnerability.place, "", "vulnerability \"" + vulnerability.id + "\" again");
            }
            if (vulnerability.name.empty()) report(vulnerability.place, "", "no name");
            if (vulnerability.source.empty()) report(vulnerability.place, "", "no source");
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

    void collect_ids() {
        if (source_.fields.size() > most_fields) {
            report(source_.fields.back().place, "", "more than " + std::to_string(most_fields) + " fields");
        }
        for (const SourceField& field : source_.fields) {
            const auto [at, fresh] = fields_.emplace(field.id, &field);
            if (!fresh) {
                report(field.place, field.id,
                       "the id is used twice; first in " + at->second->place.file + ":" +
                           std::to_string(at->second->place.line));
            }
        }
    }

    const SourceField* find(const std::string& id) const {
        const auto at = fields_.find(id);
        return at == fields_.end() ? nullptr : at->second;
    }

    void check_vendors(const Place& place, const std::string& field, const std::vector<std::string>& vendors) {
        if (vendors.empty()) report(place, field, "no vendors");
        for (const std::string& vendor : vendors) {
            if (vendor != all_vendors && !vendors_.contains(vendor))
                report(place, field, "unknown vendor \"" + vendor + "\"");
        }
    }

    // The field of a term, which may be negated.
    static std::string referred(const std::string& term) { return term.starts_with("!") ? term.substr(1) : term; }

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
    }

    // Another field's id, or the number itself.
    void check_zero_means(const SourceField& field) {
        if (!field.zero_means.starts_with("0x")) return check_reference(field, "zero_means", field.zero_means);
        if (from_hex(field.zero_means, 8)) return;
        report(field.place, field.id, "zero_means is a field or \"0x…\" of at most 8 digits");
    }

    void check_rule(const SourceField& field, Rule rule, Exposure exposure) {
        const auto say = [&](std::string message) { report(field.place, field.id, std::move(message)); };
        const auto only = [&](bool present, const char* key, Rule owner) {
            if (present && rule != owner)
                say(std::string(key) + " goes with the rule " + std::string(to_string(owner)));
        };
        if ((rule == Rule::hide) != (exposure == Exposure::never)) say("rule hide and exposure never go together");
        only(!field.zero_means.empty(), "zero_means", Rule::min);
        only(!field.length_from.empty(), "length_from", Rule::union_);
        only(!field.guard_immune.empty() || !field.guard_model.empty(), "guard", Rule::guarded);
        only(field.derive.has_value(), "derive", Rule::derive);
        only(!field.implied_by.empty(), "implied_by", Rule::intersect);
        only(field.emulated, "emulated", Rule::intersect);
        only(field.made.has_value(), "made", Rule::intersect);
        only(field.of_identity, "of_identity", Rule::min);
        only(!field.covers.empty(), "covers", Rule::intersect);
        if (rule == Rule::derive && !field.derive) say("a derived field says how");
        if (rule == Rule::guarded && field.guard_immune.empty()) say("a guarded field says who is immune");
        if (rule == Rule::guarded && field.bits.low != field.bits.high) say("a guarded field is one bit");
        if (!field.ask.empty() && exposure != Exposure::asked) say("ask goes with the exposure asked");
        if (rule == Rule::union_ && exposure == Exposure::asked && field.gate.empty()) {
            say("bad news that is told only when asked for has a gate: without, its absence would be a promise");
        }
        if (field.required && rule != Rule::intersect && rule != Rule::equal) say("only a promise can be required");
        if (field.derive) check_derive(field);
        check_covers(field);
        for (const SourceEasing& easing : field.eased_by) {
            if (find(easing.field) == nullptr) say("eased_by names the unknown field \"" + easing.field + "\"");
            if (!parse_word(impact_words, easing.impact)) say("unknown impact \"" + easing.impact + "\"");
        }
        if (field.by_microcode && !announces(rule)) say("by_microcode goes with a bit that announces something");
        if (field.made && field.emulated) say("made and emulated exclude each other");
        if (field.made && !parse_word(maker_words, field.made->by)) {
            say("made by \"" + field.made->by + "\", which is neither all nor some");
        }
        check_conditions(field, "guard", field.guard_immune);
        if (field.made) check_conditions(field, "made", field.made->where);
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

    static bool announces(Rule rule) {
        return rule == Rule::intersect || rule == Rule::guarded || rule == Rule::group || rule == Rule::derive;
    }

    void check_conditions(const SourceField& field, const char* key,
                          const std::vector<std::vector<std::string>>& lists) {
        for (const std::vector<std::string>& list : lists) {
            if (list.empty())
                report(field.place, field.id,
                       std::string(key) + " has an empty list of fields, which every host fulfils");
            for (const std::string& term : list) {
                if (find(referred(term)) != nullptr) continue;
                report(field.place, field.id, std::string(key) + " names the unknown field \"" + referred(term) + "\"");
            }
        }
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

    void check_ids(const Place& place, const std::string& owner, const std::vector<std::string>& ids) {
        if (ids.empty()) report(place, owner, "an empty list of fields");
        for (const std::string& id : ids) {
            if (find(id) == nullptr) report(place, owner, "unknown field \"" + id + "\"");
        }
    }

    void check_reason(const Place& place, const std::string& owner, const std::string& why, const std::string& source) {
        if (why.empty()) report(place, owner, "no why");
        if (source.empty()) report(place, owner, "no source");
    }

    // Taking away a bit that announces bad news would hide the news: such fields may not be dependents.
    void check_may_go(const Place& place, const std::string& owner, const std::vector<std::string>& ids) {
        for (const std::string& id : ids) {
            const SourceField* field = find(id);
            if (field == nullptr) continue;
            const auto rule = parse_word(rule_words, field->rule);
            if (rule == Rule::union_ || rule == Rule::guarded || is_bad_news(id)) {
                report(place, owner, "\"" + id + "\" announces a relaxed behaviour and may not be taken away");
            }
        }
    }

    // RSBA or RRSBA of a group; EIBRS, the good member, may go.
    bool is_bad_news(const std::string& id) const {
        return std::any_of(source_.retpoline.begin(), source_.retpoline.end(),
                           [&](const SourceRetpoline& bits) { return bits.rsba == id || bits.rrsba == id; });
    }

    // What a feature stands on must have a value before derived fields are computed, or none at all.
    void check_may_carry(const Place& place, const std::string& owner, const std::vector<std::string>& ids) {
        for (const std::string& id : ids) {
            const SourceField* field = find(id);
            if (field == nullptr) continue;
            const auto rule = parse_word(rule_words, field->rule);
            if (!field->is_msr && (rule == Rule::derive || rule == Rule::owned || rule == Rule::group)) {
                report(place, owner, "\"" + id + "\" is of the rule " + field->rule + " and can carry nothing");
            }
        }
    }

    void check_dependencies() {
        for (const SourceDependency& dependency : source_.dependencies) {
            const std::string owner = dependency.prerequisites.front();
            check_ids(dependency.place, owner, dependency.prerequisites);
            check_may_carry(dependency.place, owner, dependency.prerequisites);
            check_ids(dependency.place, owner, dependency.dependents);
            check_may_go(dependency.place, owner, dependency.dependents);
            check_reason(dependency.place, owner, dependency.why, dependency.source);
            check_shown_without(dependency, owner);
        }
    }

    void check_shown_without(const SourceDependency& dependency, const std::string& owner) {
        const auto& dependents = dependency.dependents;
        for (const auto& [id, reason] : dependency.shown_without) {
            if (std::find(dependents.begin(), dependents.end(), id) == dependents.end())
                report(dependency.place, owner, "shown_without names \"" + id + "\", which is not a dependent");
            if (reason.empty()) report(dependency.place, owner, "no reason why \"" + id + "\" goes all the same");
        }
    }

    // Dependencies and gates must not run in a circle, but for a field that its own gate needs: the two
    // stand or fall together, like a control and the MSR that it announces.
    void check_cycles() {
        std::map<std::string, std::vector<std::pair<std::string, Place>>> edges;
        for (const SourceDependency& dependency : source_.dependencies) {
            for (const std::string& from : dependency.prerequisites) {
                const SourceField* field = find(from);
                for (const std::string& to : dependency.dependents) {
                    if (field == nullptr || field->gate != to) edges[from].emplace_back(to, dependency.place);
                }
            }
        }
        for (const SourceField& field : source_.fields) {
            if (!field.gate.empty()) edges[field.gate].emplace_back(field.id, field.place);
        }
        enum class State : std::uint8_t { fresh, open, done };
        std::map<std::string, State> states;
        const auto visit = [&](const auto& self, const std::string& id) -> void {
            states[id] = State::open;
            const auto out = edges.find(id);
            if (out != edges.end()) {
                for (const auto& [to, place] : out->second) {
                    if (states[to] == State::open) report(place, to, "a cycle of dependencies through \"" + id + "\"");
                    if (states[to] == State::fresh) self(self, to);
                }
            }
            states[id] = State::done;
        };
        for (const auto& [id, unused] : edges) {
            if (states[id] == State::fresh) visit(visit, id);
        }
    }

    void check_equality() {
        std::map<std::string, int> uses;
        for (const SourceEquality& group : source_.equality) {
            check_ids(group.place, group.id, group.fields);
            check_ids(group.place, group.id, group.drop);
            check_may_go(group.place, group.id, group.drop);
            check_reason(group.place, group.id, group.why, group.source);
            count_members(group.place, group.fields, "equal", uses);
        }
        for (const SourceField& field : source_.fields) {
            if (field.rule != "equal" || field.required || is_xsave_layout(field)) continue;
            check_used_once(field, uses[field.id], "equality group");
        }
    }

    void count_members(const Place& place, const std::vector<std::string>& ids, const std::string& rule,
                       std::map<std::string, int>& uses) {
        for (const std::string& id : ids) {
            ++uses[id];
            const SourceField* field = find(id);
            if (field != nullptr && field->rule != rule) report(place, id, "not of the rule " + rule);
        }
    }

    // What a field of such a rule promises is said where it stands with others: nowhere, it would promise nothing.
    void check_used_once(const SourceField& field, int uses, const std::string& where) {
        if (uses == 1) return;
        report(field.place, field.id,
               "a field of the rule " + field.rule + " is in one " + where + ", this is in " + std::to_string(uses));
    }

    // The layout rows of the XSAVE leaf are governed by xsave.json.
    bool is_xsave_layout(const SourceField& field) const {
        return std::any_of(source_.fields.begin(), source_.fields.end(), [&](const SourceField& other) {
            return other.derive && other.derive->how == "xsave_size" && !field.is_msr && field.leaf == other.leaf;
        });
    }

    void check_retpoline() {
        std::map<std::string, int> uses;
        for (const SourceRetpoline& bits : source_.retpoline) {
            const std::vector<std::string> ids{bits.rsba, bits.rrsba, bits.eibrs};
            check_ids(bits.place, "retpoline", ids);
            check_reason(bits.place, "retpoline", bits.why, bits.source);
            count_members(bits.place, ids, "group", uses);
        }
        // A slip in the file of the entries is one finding, and not also that a field stands in none.
        if (std::any_of(findings_.begin(), findings_.end(),
                        [](const LintFinding& finding) { return finding.file == "rulebook.json"; }))
            return;
        for (const SourceField& field : source_.fields) {
            if (field.rule == "group") check_used_once(field, uses[field.id], "entry of retpoline");
        }
    }

    void check_xsave() {
        std::set<std::string> ids;
        std::set<unsigned> bits;
        for (const SourceComponent& component : source_.xsave) {
            if (!ids.insert(component.id).second) report(component.place, component.id, "the component again");
            if (!bits.insert(component.bit).second)
                report(component.place, component.id, "the bit of another component");
            if (!parse_word(xsave_state_words, component.state)) {
                report(component.place, component.id, "unknown state \"" + component.state + "\"");
            }
            check_ids(component.place, component.id, component.features);
            check_reason(component.place, component.id, component.why, component.source);
            for (const SourceLayout& layout : component.layouts) {
                check_vendors(component.place, component.id, layout.vendors);
                if (layout.size == 0) report(component.place, component.id, "a layout of size 0");
                if (layout.source.empty()) report(component.place, component.id, "a layout without source");
            }
        }
        for (const std::vector<std::string>& list : source_.xsave_together) {
            for (const std::string& id : list) {
                if (!ids.contains(id)) report({"xsave.json", 0}, id, "unknown component in \"together\"");
            }
        }
    }

    void check_models() {
        for (const SourceModel& model : source_.models) {
            check_vendors(model.place, model.name, {model.vendor});
            if (model.vendor == all_vendors) report(model.place, model.name, "a model is of one vendor");
        }
        lint_models(source_, fields_, findings_);
    }

    void check_levels() {
        for (const SourceLevel& level : source_.levels) check_ids(level.place, level.id, level.features);
    }

    const SourceRulebook& source_;
    std::vector<LintFinding>& findings_;
    std::set<std::string> vendors_;
    std::set<std::string> vulnerabilities_;
    std::map<std::string, const SourceField*> fields_;
};

}  // namespace

void lint(const SourceRulebook& source, std::vector<LintFinding>& findings) { Linter(source, findings).run(); }

}  // namespace poolcpuid::rulebook
