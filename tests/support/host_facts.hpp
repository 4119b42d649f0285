// What one host keeps, as docs/design.md defines it: the oracle's own reading of a HostDump, written
// without a line of the merge. Slow and plain where the merge is fast.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/host_views.hpp"

namespace poolcpuid::test {

// A field of a promise-bearing rule in one subleaf.
struct Slot {
    const RuleField* field = nullptr;
    std::uint32_t subleaf = 0;
};

inline bool is_bit_rule(const std::string& rule) { return rule == "intersect" || rule == "union" || rule == "guarded"; }
inline bool is_number_rule(const std::string& rule) { return rule == "min" || rule == "max" || rule == "equal"; }

// XSAVE layout rows are compared component by component.
inline bool is_layout_field(const RuleField& field) {
    return !field.is_msr && field.leaf == 0xD && field.rule == "equal";
}

inline std::vector<Slot> slots_of(const VendorRules& rules) {
    std::vector<Slot> slots;
    for (const RuleField& field : rules.fields) {
        if ((!is_bit_rule(field.rule) && !is_number_rule(field.rule)) || is_layout_field(field)) continue;
        if (field.of_identity) continue;  // compared between CPUs of one signature
        for (std::uint32_t s = field.subleaves.first; s <= field.subleaves.last; ++s) {
            if (rules.says_something(field, s)) slots.push_back({&field, s});
        }
    }
    return slots;
}

// What a host's RSBA and RRSBA say. Unknown is as bad as bad in a pool; only its reason differs.
enum class Returns { safe, unknown, bad };

struct HostFacts {
    std::string name;
    std::string sha256;
    std::string vendor;
    const CpuidTable* table = nullptr;    // identity: that of the CPU that stands for the host
    const CpuidTable* offered = nullptr;  // the same of hypervisors' leaves: where it has a view that knows them
    const ModelRow* model = nullptr;
    std::uint32_t signature = 0;                                      // family, model and stepping
    std::map<std::uint32_t, std::optional<std::uint32_t>> microcode;  // by signature
    std::vector<std::uint64_t> kept;                    // a slot: bits of the promise that the host keeps, shifted down
    std::vector<std::uint64_t> brought;                 // of these what a VMM there shows to new VMs
    std::vector<std::uint64_t> bad;                     // a slot of union or guarded: bits that a view or model has set
    std::vector<std::optional<std::uint64_t>> numbers;  // a slot: the limit, obligation or value
    std::array<std::optional<ComponentLayout>, 63> components;
    std::vector<bool> unread;            // a slot of an MSR: no CPU that capabilities come from knows it
    std::map<std::string, bool> scrubs;  // guarded field: VERW scrubs, or the host is immune
    std::map<std::string, bool> immune;  // guarded field: it needs no VERW
    std::map<std::string, bool> heeds;   // guarded field: VERW scrubs for guests, too, that are told in another way
    std::set<std::string> had;           // prerequisites of where_had edges that its silicon has or may have
    Returns returns = Returns::safe;
    bool returns_by_microcode = false;  // unknown only because the microcode is
    bool in_guest = false;              // its hypervisor makes up what the microcode is
};

namespace facts {

class Reader {
public:
    Reader(const VendorRules& rules, const HostDump& host) : rules_(rules), host_(host) {}

    HostFacts read(const std::vector<Slot>& slots) {
        HostFacts facts;
        facts.name = host_.name;
        facts.sha256 = host_.sha256;
        facts.in_guest = was_taken_in_guest(host_);
        facts.vendor = vendor_string(host_.first_table()).value_or("");
        learn_kinds(facts);
        const bool has_leaves = host_.hypervisor && !host_.hypervisor->cpuid.is_unknown({0x40000000, 0});
        facts.offered = has_leaves ? &host_.hypervisor->cpuid : facts.table;
        for (const Slot& slot : slots) {
            const bool bits = is_bit_rule(slot.field->rule);
            const bool relaxed = bits && slot.field->rule != "intersect";
            const Relaxed widest = relaxed ? widest_bits(slot) : Relaxed{};
            facts.kept.push_back(relaxed ? widest.clear : bits ? set_bits(slot, true) : 0);
            facts.brought.push_back(relaxed ? widest.clear : bits ? set_bits(slot, false) : 0);
            facts.bad.push_back(widest.set);
            facts.numbers.push_back(bits ? std::nullopt : number(slot));
            facts.unread.push_back(slot.field->is_msr && is_unread(*slot.field));
            if (slot.field->rule == "guarded") read_guard(*slot.field, facts);
        }
        read_returns(facts);
        for (const DependencyRule& edge : rules_.dependencies) {
            for (const std::string& id : edge.prerequisites) {
                if (edge.where_had && rules_.find(id) != nullptr && may_have(*rules_.find(id))) facts.had.insert(id);
            }
        }
        for (const ComponentRule& component : rules_.components) facts.components[component.bit] = layout(component);
        return facts;
    }

private:
    // The CPUs that say what a guest can be given: the hypervisor's, or every logical CPU.
    std::vector<CpuView> capability_cpus() const { return host_.hypervisor ? hypervisor_cpus() : hardware_cpus(); }

    // One for each kind of CPU behind it.
    std::vector<CpuView> hypervisor_cpus() const {
        std::vector<CpuView> cpus;
        if (!host_.hypervisor) return cpus;
        for (const auto& [signature, kind] : kinds_) {
            cpus.push_back({&host_.hypervisor->cpuid, &host_.hypervisor->msrs, signature});
        }
        return cpus;
    }

    std::vector<CpuView> hardware_cpus() const {
        std::vector<CpuView> cpus;
        if (!host_.hardware) return cpus;
        for (const LogicalCpu& cpu : host_.hardware->cpus) {
            cpus.push_back({&cpu.cpuid, &host_.hardware->msrs, signature_in(cpu.cpuid)});
        }
        return cpus;
    }

    std::optional<std::uint64_t> value(const CpuView& cpu, const RuleField& field, std::uint32_t subleaf) const {
        return value_in(rules_, cpu, field, subleaf);
    }

    std::optional<std::uint64_t> value(const CpuView& cpu, const RuleField& field) const {
        return value(cpu, field, field.subleaves.first);
    }

    bool all_have(const std::vector<CpuView>& cpus, const RuleField& field) const {
        return std::all_of(cpus.begin(), cpus.end(),
                           [&](const CpuView& cpu) { return value(cpu, field).value_or(0) != 0; });
    }

    // One that is known to lack it settles it.
    bool all_may_have(const std::vector<CpuView>& cpus, const RuleField& field) const {
        return std::all_of(cpus.begin(), cpus.end(),
                           [&](const CpuView& cpu) { return value(cpu, field).value_or(1) != 0; });
    }

    // What guests are shown the silicon has, and what they are not shown it may have.
    bool may_have(const RuleField& field) const {
        const bool is_open = all_may_have(hypervisor_cpus(), field);
        if (!host_.hypervisor || (is_open && !all_have(hypervisor_cpus(), field)))
            return all_may_have(hardware_cpus(), field);
        return is_open || (host_.hardware && all_have(hardware_cpus(), field));
    }

    // CPUs of one family, model and stepping, and what the model table says of them whatever a view shows.
    struct Kind {
        const CpuidTable* table = nullptr;
        const ModelRow* model = nullptr;
        std::map<std::string, std::uint32_t> silicon;
        std::map<std::string, std::uint32_t> open;  // what an unknown microcode decides: the bits it may set
    };

    static std::uint32_t signature_in(const CpuidTable& table) {
        const Registers* row = table.find({1, 0});
        return row == nullptr ? 0 : signature_bits(row->eax);
    }

    // The revision that a dump says is that of its first CPU's kind.
    void learn_kinds(HostFacts& facts) {
        const std::uint32_t first = signature_in(host_.first_table());
        kinds_[first].table = &host_.first_table();
        for (const CpuView& cpu : hardware_cpus()) {
            const CpuidTable*& table = kinds_[cpu.signature].table;
            if (table == nullptr) table = cpu.cpuid;
        }
        for (auto& [signature, kind] : kinds_) {
            const auto microcode = signature == first ? microcode_of(host_) : std::nullopt;
            facts.microcode[signature] = microcode;
            kind.model = model_of(rules_, signature);
            if (kind.model != nullptr) learn_silicon(kind, microcode);
        }
        facts.signature = lender();
        facts.table = kinds_.at(facts.signature).table;
        facts.model = kinds_.at(facts.signature).model;
    }

    // The kind that stands for the host.
    std::uint32_t lender() const {
        const auto rank = [](const auto& entry) { return std::tuple(lender_rank(entry.second.model), entry.first); };
        return std::min_element(kinds_.begin(), kinds_.end(),
                                [&](const auto& a, const auto& b) { return rank(a) < rank(b); })
            ->first;
    }

    void learn_silicon(Kind& kind, std::optional<std::uint32_t> microcode) const {
        kind.silicon = kind.model->silicon;
        const bool known = microcode.has_value();
        for (const MicrocodeFacts& facts : kind.model->microcode) {
            if (facts.spares_guests) {
                // A hypervisor's view tells; without one it is open, but for a microcode that has not the fault.
                const bool open = !host_.hypervisor && (!known || facts.revisions.has(*microcode));
                for (const auto& [id, value] : facts.silicon)
                    if (open) kind.open[id] = 0;
                continue;
            }
            if (known && facts.revisions.has(*microcode))
                kind.silicon.insert(facts.silicon.begin(), facts.silicon.end());
            if (known || facts.recalled) continue;
            for (const auto& [id, value] : facts.silicon) kind.open[id] |= value == 0 ? 0 : value;
        }
    }

    static std::optional<std::uint64_t> fact(const Kind& kind, const RuleField& field) {
        const auto at = kind.silicon.find(field.id);
        return at == kind.silicon.end() ? std::nullopt : std::optional<std::uint64_t>(at->second);
    }

    // The bits that an unknown microcode of some CPU may set; nothing where none decides about the field.
    std::optional<std::uint64_t> open_bits(const RuleField& field) const {
        std::optional<std::uint64_t> bits;
        for (const auto& [signature, kind] : kinds_) {
            if (const auto at = kind.open.find(field.id); at != kind.open.end()) bits = bits.value_or(0) | at->second;
        }
        return bits;
    }

    // A promise that the silicon does not keep is gone, though a kernel shows it.
    // for_others: also what no VMM there shows to a new VM, and one that brings it finds kept.
    std::uint64_t set_bits(const Slot& slot, bool for_others) const {
        const RuleField& field = *slot.field;
        if (open_bits(field)) return 0;  // with some microcode it does not work, and this one is not known
        std::uint64_t kept = ones_of(field);
        for (const auto& [signature, kind] : kinds_) kept &= fact(kind, field).value_or(ones_of(field));
        for (const CpuView& cpu : capability_cpus()) {
            const bool emulated = field.emulated && !host_.hypervisor;
            const bool counts = for_others || !field.implied_by.starts_with("!");
            if (!(counts && is_implied(field, cpu)) && !emulated)
                kept &= with_covered(field, value(cpu, field, slot.subleaf).value_or(0));
        }
        return kept & ~lacked_by_a_cpu(slot);
    }

    // Bits that a logical CPU is known not to have, of what no hypervisor makes by itself: its view is made on one CPU,
    // or is another host's.
    std::uint64_t lacked_by_a_cpu(const Slot& slot) const {
        const RuleField& field = *slot.field;
        if (!host_.hypervisor || field.emulated || field.is_made || !field.hypervisor.empty()) return 0;
        const std::vector<CpuView> offered = hypervisor_cpus();
        if (std::any_of(offered.begin(), offered.end(), [&](const CpuView& one) { return is_implied(field, one); }))
            return 0;  // it follows from what the view does not show
        std::uint64_t lacked = 0;
        for (const CpuView& cpu : hardware_cpus()) {
            const bool implied = is_implied(field, cpu);
            const auto shown = implied ? std::optional(ones_of(field)) : value(cpu, field, slot.subleaf);
            if (shown) lacked |= ~with_covered(field, *shown);
        }
        return lacked & ones_of(field);
    }

    // "lm": the CPU shows that. "!rtm": neither this CPU nor, where a hypervisor shows it, any of the hardware has
    // that, unless the hardware shows the promise itself; and an MSR must be there to say so.
    bool is_implied(const RuleField& field, const CpuView& cpu) const {
        const bool negated = field.implied_by.starts_with("!");
        const RuleField* sign = rules_.find(negated ? field.implied_by.substr(1) : field.implied_by);
        if (sign == nullptr) return false;
        if (!negated) return value(cpu, *sign).value_or(0) != 0;
        const auto lacks = [&](const CpuView& one) { return value(one, *sign) == std::uint64_t{0}; };
        if (field.is_msr && msr_word(rules_, cpu, field).state != MsrWord::State::present) return false;
        const std::vector<CpuView> silicon = hardware_cpus();
        const auto shows = [&](const CpuView& one) { return value(one, field).value_or(0) != 0; };
        return lacks(cpu) && (std::all_of(silicon.begin(), silicon.end(), lacks) ||
                              std::all_of(silicon.begin(), silicon.end(), shows) || !host_.hypervisor);
    }

    // One view of a relaxed behaviour: the bits that are set somewhere, and those known to be clear everywhere.
    struct Relaxed {
        std::uint64_t set = 0;
        std::uint64_t clear = 0;
    };

    Relaxed relaxed(const std::vector<CpuView>& cpus, const Slot& slot) const {
        const RuleField& field = *slot.field;
        Relaxed result{0, cpus.empty() ? 0 : ones_of(field)};
        for (const CpuView& cpu : cpus) {
            auto shown = value(cpu, field, slot.subleaf);
            const bool is_clear = field.rule == "guarded" && (needs_no_word(field, cpu) || has_immune_name(field, cpu));
            if (!shown && is_clear) shown = 0;
            if (const RuleField* length = rules_.find(field.length_from); length != nullptr && shown) {
                const auto bits = value(cpu, *length);
                for (unsigned bit = 0; bits && bit < 64; ++bit) *shown |= bit >= *bits ? std::uint64_t{1} << bit : 0;
            }
            result.set |= shown.value_or(0) & ones_of(field);
            result.clear &= shown ? ~*shown : 0;
        }
        return result;
    }

    // The widest view. Set: a view or the model says so. Clear: nothing says set, and something says clear.
    Relaxed widest_bits(const Slot& slot) const {
        const Relaxed one = relaxed(hypervisor_cpus(), slot);
        const Relaxed two = relaxed(hardware_cpus(), slot);
        Relaxed widest{one.set | two.set, one.clear | two.clear};
        const RuleField& field = *slot.field;
        std::uint64_t settled = ones_of(field);
        for (const auto& [signature, kind] : kinds_) {
            const auto known = fact(kind, field);
            widest.set |= known.value_or(0);
            settled &= known && !was_taken_in_guest(host_) ? ~*known : 0;
        }
        widest.clear |= settled;
        if (field.rule != "guarded") widest.clear &= ~open_bits(field).value_or(0);
        widest.clear &= ~widest.set & ones_of(field);
        return widest;
    }

    // What is beyond the largest number that is described nobody knows.
    std::optional<std::uint64_t> number_in(const CpuView& cpu, const RuleField& field, std::uint32_t subleaf) const {
        const auto known = known_number_in(cpu, field, subleaf);
        return known && field.known_to != 0 ? std::optional(std::min(*known, field.known_to)) : known;
    }

    std::optional<std::uint64_t> known_number_in(const CpuView& cpu, const RuleField& field,
                                                 std::uint32_t subleaf) const {
        const auto shown = value(cpu, field, subleaf);
        // Only a hypervisor's own view denies what is a hypervisor's.
        const bool is_silent = !host_.hypervisor && !field.hypervisor.empty() && field.rule == "min";
        if (is_silent && shown.value_or(0) == 0) return std::nullopt;
        if (field.assured != 0 && (!host_.hypervisor || (is_for_guests(cpu) && shown.value_or(0) == 0))) {
            const auto most = limit_in(cpu, field, subleaf);
            return most ? std::optional(std::min(*most, field.assured)) : most;
        }
        return limit_in(cpu, field, subleaf);
    }

    std::optional<std::uint64_t> limit_in(const CpuView& cpu, const RuleField& field, std::uint32_t subleaf) const {
        const auto shown = value(cpu, field, subleaf);
        if (field.zero_means.empty()) return shown;
        if (field.zero_means.starts_with("0x"))
            return shown.value_or(0) != 0 ? shown : std::optional<std::uint64_t>(hex_number(field.zero_means));
        const RuleField& other = *rules_.find(field.zero_means);
        const auto most = number_in(cpu, other, other.subleaves.first);
        return shown.value_or(0) != 0 && most ? std::min(*shown, *most) : most;
    }

    std::optional<std::uint64_t> number(const Slot& slot) const {
        const std::string& rule = slot.field->rule;
        const auto meet = [&](const std::vector<CpuView>& cpus) {
            std::optional<std::uint64_t> result;
            bool first = true;
            for (const CpuView& cpu : cpus) {
                const auto own = number_in(cpu, *slot.field, slot.subleaf);
                if (first) {
                    result = own;
                } else if (!own || !result || (rule == "equal" && *own != *result)) {
                    result.reset();
                } else {
                    result = rule == "min" ? std::min(*own, *result) : std::max(*own, *result);
                }
                first = false;
            }
            return result;
        };
        const auto capability = with_hardware(slot, meet(capability_cpus()));
        if (rule != "max" || !host_.hypervisor || !host_.hardware) return capability;
        const auto silicon = meet(hardware_cpus());
        if (!capability || !silicon) return capability ? capability : silicon;
        return std::max(*capability, *silicon);
    }

    // Where logical CPUs tell different numbers a hypervisor's view, which is made on one of them, has no more.
    std::optional<std::uint64_t> with_hardware(const Slot& slot, std::optional<std::uint64_t> number) const {
        const RuleField& field = *slot.field;
        if (!host_.hypervisor || !number || !field.hypervisor.empty()) return number;
        std::set<std::uint64_t> told;
        for (const CpuView& cpu : hardware_cpus()) {
            const auto own = number_in(cpu, field, slot.subleaf);
            const RuleField* other = rules_.find(field.zero_means);
            const bool is_said = value(cpu, field, slot.subleaf) && (other == nullptr || value(cpu, *other));
            const bool is_beyond = field.assured != 0 && own && *own > field.assured;
            if (own && is_said && !is_beyond) told.insert(*own);
        }
        if (told.size() < 2) return number;
        if (field.rule == "equal") return std::nullopt;
        return field.rule == "min" ? std::min(*number, *told.begin()) : std::max(*number, *told.rbegin());
    }

    bool is_for_guests(const CpuView& cpu) const { return host_.hypervisor && cpu.cpuid == &host_.hypervisor->cpuid; }

    // A view for guests shows no host controls, hides what has lost its object, and where it has no such MSR it does
    // not say what the CPU is immune to; but what its model is known to suffer from it does.
    bool may_be_hidden(const RuleField& field, const CpuView& cpu) const {
        if (!is_for_guests(cpu)) return false;
        const RuleField* sign = field.implied_by.starts_with("!") ? rules_.find(field.implied_by.substr(1)) : nullptr;
        if (field.rule == "hide" || (sign != nullptr && value(cpu, *sign) == std::uint64_t{0})) return true;
        const bool is_immune = is_immune_to(field.made_of_model, cpu) && !was_taken_in_guest(host_);
        if (!field.is_msr || msr_word(rules_, cpu, field).state != MsrWord::State::absent) return is_immune;
        const bool is_affected = !field.made_of_model.empty() && kinds_.at(cpu.signature).model != nullptr &&
                                 !was_taken_in_guest(host_) && !is_immune;
        return !is_affected;
    }

    // Whether all its CPUs are known to have it, whatever the view for guests shows.
    bool silicon_has(const RuleField& field) const {
        const auto cpus = hardware_cpus();
        return !cpus.empty() && std::all_of(cpus.begin(), cpus.end(),
                                            [&](const CpuView& cpu) { return value(cpu, field).value_or(0) != 0; });
    }

    // Whether a term holds of a CPU, or nothing where nobody knows.
    std::optional<bool> term(const std::string& text, const CpuView& cpu) const {
        const bool negated = text.starts_with("!");
        const std::string id = negated ? text.substr(1) : text;
        const RuleField* field = rules_.find(id);
        if (field == nullptr) {
            const auto shown = value(cpu, rules_.foreign.at(id));
            return shown ? std::optional((*shown != 0) != negated) : std::nullopt;
        }
        auto shown = value(cpu, *field);
        if (!negated && field->rule == "intersect") {
            if (const auto known = fact(kinds_.at(cpu.signature), *field)) shown = known;
        }
        if (negated && shown == std::uint64_t{0} && is_for_guests(cpu) && silicon_has(*field)) return false;
        if (!shown || (*shown == 0 && may_be_hidden(*field, cpu))) return std::nullopt;
        return (*shown != 0) != negated;
    }

    // Whether every term of one of the guard's lists holds: yes, no, or nobody knows.
    std::optional<bool> one_list(const RuleField& guarded, const char* key, const CpuView& cpu) const {
        bool may_be = false;
        for (const nlohmann::json& list : guarded.guard.value(key, nlohmann::json::array())) {
            std::size_t known = 0;
            bool refuted = false;
            for (const nlohmann::json& each : list) {
                const auto one = term(each.get<std::string>(), cpu);
                known += one ? 1 : 0;
                refuted = refuted || one == std::optional(false);
            }
            if (known == list.size() && !refuted) return true;
            may_be = may_be || !refuted;
        }
        return may_be ? std::nullopt : std::optional(false);
    }

    // By its family, model and stepping.
    bool is_immune_to(const std::vector<std::string>& tags, const CpuView& cpu) const {
        const ModelRow* model = kinds_.at(cpu.signature).model;
        const auto immune = [&](const std::string& tag) { return model != nullptr && is_listed(model->immune, tag); };
        return !tags.empty() && std::all_of(tags.begin(), tags.end(), immune);
    }

    bool has_immune_name(const RuleField& field, const CpuView& cpu) const {
        return is_immune_to(field.guard.value("model", std::vector<std::string>{}), cpu);
    }

    // A VM's model is no silicon's.
    std::optional<bool> immunity(const RuleField& field, const CpuView& cpu) const {
        const auto by_bits = one_list(field, "immune", cpu);
        if (by_bits.value_or(false) || !has_immune_name(field, cpu)) return by_bits;
        return was_taken_in_guest(host_) ? std::nullopt : std::optional(true);
    }

    bool is_immune(const RuleField& field, const CpuView& cpu) const { return immunity(field, cpu).value_or(false); }

    // It asks for no VERW, or says by other bits that VERW scrubs.
    bool needs_no_word(const RuleField& field, const CpuView& cpu) const {
        return is_immune(field, cpu) || one_list(field, "told_by", cpu).value_or(false);
    }

    // What VERW does on the CPUs of one view.
    struct Verw {
        bool scrubs = false;           // on all of them
        bool unknown = false;          // that it does not is known of no
        bool told = false;             // other bits alone say so of one
        bool in_vain = false;          // on one the bit is there and means nothing
        bool in_vain_unknown = false;  // or may mean nothing
    };

    Verw verw_on(const RuleField& field, const CpuView& cpu) const {
        const auto shown = value(cpu, field);
        const auto immune = immunity(field, cpu);
        const auto told = one_list(field, "told_by", cpu);
        const auto in_vain = one_list(field, "in_vain", cpu);
        const Kind& kind = kinds_.at(cpu.signature);
        const bool works = (shown.value_or(0) != 0 && !in_vain.value_or(false)) || fact(kind, field).value_or(0) != 0;
        const bool by_others = !works && told.value_or(false) && !immune.value_or(false);
        const bool scrubs = works || by_others || immune.value_or(false);
        const bool unknown = !scrubs && (!shown || !immune || !told || kind.open.contains(field.id));
        return {scrubs, unknown, by_others, in_vain.value_or(false), !in_vain};
    }

    Verw verw_on_all(const RuleField& field, const std::vector<CpuView>& cpus) const {
        Verw all{!cpus.empty()};
        for (const CpuView& cpu : cpus) {
            const Verw one = verw_on(field, cpu);
            all = {all.scrubs && one.scrubs, all.unknown || one.unknown, all.told || one.told,
                   all.in_vain || one.in_vain, all.in_vain_unknown || one.in_vain_unknown};
        }
        all.unknown = all.unknown && !all.scrubs;
        all.in_vain_unknown = all.in_vain_unknown && !all.in_vain;
        return all;
    }

    // VERW is the silicon's: what other bits of a view for guests say counts where the silicon's own view knows
    // nothing.
    bool scrubs(const RuleField& field, bool is_immune) const {
        const Verw silicon = verw_on_all(field, hardware_cpus());
        const Verw guests = verw_on_all(field, hypervisor_cpus());
        if (!host_.hypervisor || !host_.hardware) return silicon.scrubs || guests.scrubs;
        if (is_immune) return true;
        if (silicon.in_vain || (silicon.in_vain_unknown && guests.in_vain)) return false;
        return silicon.scrubs || (guests.scrubs && (!guests.told || silicon.unknown) && !is_lost_on_some(field));
    }

    // On one logical CPU VERW scrubs, and on another it is known not to.
    bool is_lost_on_some(const RuleField& field) const {
        bool on_one = false;
        for (const CpuView& cpu : hardware_cpus()) on_one = on_one || verw_on(field, cpu).scrubs;
        const Verw all = verw_on_all(field, hardware_cpus());
        return on_one && !all.scrubs && !all.unknown;
    }

    bool is_unread(const RuleField& field) const {
        const auto cpus = capability_cpus();
        if (std::any_of(cpus.begin(), cpus.end(), [&](const CpuView& cpu) { return value(cpu, field).has_value(); }))
            return false;
        // What a CPU is known not to have no hypervisor gives.
        const auto silicon = hardware_cpus();
        return !host_.hypervisor || std::none_of(silicon.begin(), silicon.end(), [&](const CpuView& cpu) {
            return value(cpu, field) == std::uint64_t{0};
        });
    }

    void read_guard(const RuleField& field, HostFacts& facts) const {
        facts.immune[field.id] = one_view_says([&](const CpuView& cpu) { return is_immune(field, cpu); });
        facts.scrubs[field.id] = scrubs(field, facts.immune[field.id]);
        const auto minds = [&](const CpuView& cpu) { return one_list(field, "heeds", cpu).value_or(false); };
        const std::vector<CpuView> cpus = host_.hardware ? hardware_cpus() : hypervisor_cpus();
        facts.heeds[field.id] = std::all_of(cpus.begin(), cpus.end(), minds);
    }

    // One of the views says so of all its CPUs.
    template <typename Says>
    bool one_view_says(const Says& says) const {
        for (const std::vector<CpuView>& cpus : {hypervisor_cpus(), hardware_cpus()}) {
            if (!cpus.empty() && std::all_of(cpus.begin(), cpus.end(), says)) return true;
        }
        return false;
    }

    void read_returns(HostFacts& facts) const {
        const RuleField* rsba = rules_.find(rules_.retpoline.rsba);
        if (rsba == nullptr) return;
        const Relaxed one = widest_bits({rsba, 0});
        const Relaxed two = widest_bits({rules_.find(rules_.retpoline.rrsba), 0});
        if ((one.set | two.set) != 0) {
            facts.returns = Returns::bad;
        } else if ((one.clear & two.clear) == 0) {
            facts.returns = Returns::unknown;
            const std::uint64_t open = (open_bits(*rsba) ? ~one.clear : 0) & 1;
            facts.returns_by_microcode = open != 0 && relaxed_known(*rsba) && (two.clear & 1) != 0;
        }
    }

    // A view says that the bit is clear.
    bool relaxed_known(const RuleField& field) const {
        return ((relaxed(hypervisor_cpus(), {&field, 0}).clear | relaxed(hardware_cpus(), {&field, 0}).clear) & 1) != 0;
    }

    std::optional<ComponentLayout> layout_in(const CpuidTable& table, const ComponentRule& component) const {
        const bool supervisor = component.state == "supervisor";
        const LeafKey mask_row{0xD, supervisor ? 1U : 0U};
        bool supported = false;
        if (const Registers* row = table.find(mask_row)) {
            const std::uint64_t low = supervisor ? row->ecx : row->eax;
            supported = (((std::uint64_t{row->edx} << 32 | low) >> component.bit) & 1U) != 0;
        } else if (table.is_unknown(mask_row)) {
            for (const std::string& id : component.features) {
                const RuleField* field = rules_.find(id);
                supported =
                    supported || (field != nullptr && value_in(table, *field, field->subleaves.first).value_or(0) != 0);
            }
        }
        if (!supported) return std::nullopt;
        if (component.state == "legacy") return ComponentLayout{};
        const Registers* row = table.find({0xD, component.bit});
        if (row == nullptr || row->eax == 0) return component.documented;
        if (((row->ecx & 1U) != 0) != supervisor) return std::nullopt;
        return ComponentLayout{row->eax, supervisor ? 0 : row->ebx, (row->ecx & 2U) != 0};
    }

    // Whether the table says nothing of the component: neither the row that lists it nor a feature that uses it.
    bool is_silent(const CpuidTable& table, const ComponentRule& component) const {
        const LeafKey mask_row{0xD, component.state == "supervisor" ? 1U : 0U};
        return table.is_unknown(mask_row) && !layout_in(table, component);
    }

    std::optional<ComponentLayout> layout(const ComponentRule& component) const {
        const auto cpus = capability_cpus();
        const auto first = layout_in(*cpus.front().cpuid, component);
        for (const CpuView& cpu : cpus) {
            if (layout_in(*cpu.cpuid, component) != first) return std::nullopt;
        }
        if (!host_.hypervisor || !host_.hardware) return first;
        // Where the first CPU does not tell nothing is known to differ from it.
        const auto silicon = hardware_cpus();
        const CpuidTable& front = *silicon.front().cpuid;
        const auto one = layout_in(front, component);
        const auto is_alike = [&](const CpuView& cpu) {
            return is_silent(front, component) || is_silent(*cpu.cpuid, component) ||
                   layout_in(*cpu.cpuid, component) == one;
        };
        return std::all_of(silicon.begin(), silicon.end(), is_alike) ? first : std::nullopt;
    }

    const VendorRules& rules_;
    const HostDump& host_;
    std::map<std::uint32_t, Kind> kinds_;  // by signature
};

}  // namespace facts

// host must outlive the facts.
inline HostFacts facts_of(const VendorRules& rules, const std::vector<Slot>& slots, const HostDump& host) {
    return facts::Reader(rules, host).read(slots);
}

}  // namespace poolcpuid::test
