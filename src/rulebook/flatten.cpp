#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "rulebook/storage.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

namespace {

class Flattener {
public:
    Flattener(SourceRulebook source, RulebookStorage& storage) : source_(std::move(source)), storage_(storage) {}

    void run(std::string sha256) {
        sort_fields();
        for (const SourceVendor& vendor : source_.vendors) {
            vendor_bits_[vendor.id] = static_cast<VendorMask>(1U << storage_.vendors.size());
            storage_.vendors.push_back({keep(vendor.id), keep(vendor.name), keep_all(vendor.strings)});
        }
        for (const SourceVulnerability& vulnerability : source_.vulnerabilities) {
            vulnerability_numbers_[vulnerability.id] = static_cast<VulnerabilityIndex>(storage_.vulnerabilities.size());
            storage_.vulnerabilities.push_back(
                {keep(vulnerability.id), keep(vulnerability.name), keep(vulnerability.source)});
        }
        for (const SourceField& field : source_.fields) storage_.fields.push_back(flat(field));
        for (const SourceDependency& dependency : source_.dependencies) {
            storage_.dependencies.push_back({indices(dependency.prerequisites), indices(dependency.dependents),
                                             keep(dependency.why), keep(dependency.source)});
        }
        for (const SourceEquality& group : source_.equality) {
            storage_.equality.push_back(
                {keep(group.id), indices(group.fields), indices(group.drop), keep(group.why), keep(group.source)});
        }
        for (const SourceRetpoline& bits : source_.retpoline) {
            storage_.retpoline.push_back(
                {index(bits.rsba), index(bits.rrsba), index(bits.eibrs), keep(bits.why), keep(bits.source)});
        }
        flatten_xsave();
        for (const SourceModel& model : source_.models) storage_.models.push_back(flat(model));
        for (const SourceLevel& level : source_.levels) {
            storage_.levels.push_back({keep(level.id), indices(level.features)});
        }
        for (const auto& [key, means] : source_.sources) storage_.sources.push_back({keep(key), keep(means)});
        storage_.view = {keep(source_.version),    keep(std::move(sha256)), storage_.vendors,
                         storage_.vulnerabilities, storage_.fields,         storage_.dependencies,
                         storage_.equality,        storage_.retpoline,      source_.xsave_legacy_size,
                         storage_.xsave,           storage_.models,         storage_.levels,
                         storage_.sources};
    }

private:
    // The order of every list in our documents: CPUID before MSR, leaf or index, subleaf, register, low bit.
    void sort_fields() {
        const auto key = [](const SourceField& f) {
            return std::tuple(f.is_msr, f.leaf, f.subleaf.first, f.reg, f.bits.low, f.id);
        };
        std::sort(source_.fields.begin(), source_.fields.end(),
                  [&](const SourceField& a, const SourceField& b) { return key(a) < key(b); });
        for (std::size_t i = 0; i < source_.fields.size(); ++i) {
            field_numbers_[source_.fields[i].id] = static_cast<FieldIndex>(i);
        }
    }

    std::string_view keep(std::string text) { return storage_.strings.emplace_back(std::move(text)); }

    std::span<const std::string_view> keep_all(const std::vector<std::string>& texts) {
        auto& list = storage_.string_lists.emplace_back();
        for (const std::string& text : texts) list.push_back(keep(text));
        return list;
    }

    FieldIndex index(const std::string& id) const { return id.empty() ? no_field : field_numbers_.at(id); }

    std::span<const FieldIndex> indices(const std::vector<std::string>& ids) {
        auto& list = storage_.field_lists.emplace_back();
        for (const std::string& id : ids) list.push_back(index(id));
        return list;
    }

    VendorMask vendor_mask(const std::vector<std::string>& vendors) const {
        VendorMask mask = 0;
        for (const std::string& vendor : vendors) {
            mask = static_cast<VendorMask>(
                mask | (vendor == "all" ? (1U << source_.vendors.size()) - 1U : vendor_bits_.at(vendor)));
        }
        return mask;
    }

    static std::string name_of(const SourceField& field, const char* project) {
        const auto at = field.names.find(project);
        return at == field.names.end() ? std::string() : at->second;
    }

    Field flat(const SourceField& from) {
        Field to;
        to.id = keep(from.id);
        to.is_msr = from.is_msr;
        to.leaf = from.leaf;
        to.subleaf_first = from.subleaf.first;
        to.subleaf_last = from.subleaf.last;
        to.reg = from.reg;
        to.low = from.bits.low;
        to.high = from.bits.high;
        to.vendors = vendor_mask(from.vendors);
        to.rule = parse_word(rule_words, from.rule).value();
        to.exposure = parse_word(exposure_words, from.exposure).value();
        to.impact = parse_word(impact_words, from.impact).value();
        to.mitigation = flat_mitigation(from.mitigation);
        to.required = from.required;
        to.emulated = from.emulated;
        to.by_microcode = from.by_microcode;
        to.of_identity = from.of_identity;
        if (!from.zero_means.empty()) set_zero_means(from.zero_means, to);
        to.gate = index(from.gate);
        to.implied_by = term(from.implied_by);
        to.length_from = index(from.length_from);
        if (!from.covers.empty()) to.covers = flat_covers(from);
        if (!from.eased_by.empty()) to.eased_by = flat_easings(from);
        to.ask = keep(from.ask);
        if (!from.guard_immune.empty()) to.guard = {conditions(from.guard_immune), keep_all(from.guard_model)};
        if (from.made) {
            to.made = {parse_word(maker_words, from.made->by).value(), conditions(from.made->where),
                       keep_all(from.made->model), keep(from.made->source)};
        }
        if (from.derive) to.derive = flat(*from.derive);
        to.names = {keep(name_of(from, "vendor")),  keep(name_of(from, "linux")), keep(name_of(from, "qemu")),
                    keep(name_of(from, "libvirt")), keep(name_of(from, "xen")),   from.qemu_age};
        to.why = keep(from.why);
        to.source = keep(from.source);
        return to;
    }

    // In the order of the list of vulnerabilities.
    std::span<const VulnerabilityIndex> flat_mitigation(const std::vector<std::string>& ids) {
        auto& list = storage_.mitigations.emplace_back();
        for (const std::string& id : ids) list.push_back(vulnerability_numbers_.at(id));
        std::sort(list.begin(), list.end());
        return list;
    }

    void set_zero_means(const std::string& text, Field& to) const {
        to.zero_has_meaning = true;
        if (text.starts_with("0x")) {
            to.zero_means = static_cast<std::uint32_t>(from_hex(text, 8).value());
        } else {
            to.zero_means_field = index(text);
        }
    }

    // In rising order of bits, so that what a bit covers has been found when it is covered itself.
    std::span<const Cover> flat_covers(const SourceField& from) {
        auto& covers = storage_.covers.emplace_back();
        for (const auto& [bit, covered] : from.covers) {
            std::uint64_t mask = std::uint64_t{1} << covered;
            for (const Cover& lower : covers) {
                if (lower.bit == covered) mask |= lower.covered;
            }
            covers.push_back({bit, mask});
        }
        return covers;
    }

    std::span<const Easing> flat_easings(const SourceField& from) {
        auto& easings = storage_.easings.emplace_back();
        for (const SourceEasing& easing : from.eased_by)
            easings.push_back({index(easing.field), parse_word(impact_words, easing.impact).value()});
        return easings;
    }

    // "rtm" is a field that must be set, "!rtm" one that must be clear, and nothing is no_field.
    GuardTerm term(const std::string& text) const {
        const bool negated = text.starts_with("!");
        return {index(negated ? text.substr(1) : text), negated};
    }

    std::span<const std::span<const GuardTerm>> conditions(const std::vector<std::vector<std::string>>& lists) {
        auto& all = storage_.guards.emplace_back();
        for (const std::vector<std::string>& list : lists) {
            auto& terms = storage_.guard_lists.emplace_back();
            for (const std::string& text : list) terms.push_back(term(text));
            all.push_back(terms);
        }
        return all;
    }

    Derive flat(const SourceDerive& from) {
        Derive to{parse_word(derivation_words, from.how).value(),
                  from.from,
                  from.reg,
                  index(from.condition),
                  from.then_value,
                  from.else_value,
                  from.msr,
                  from.default1,
                  {},
                  {}};
        if (!from.bits.empty()) {
            auto& bits = storage_.bits.emplace_back();
            for (const SourceBit& bit : from.bits) bits.push_back({bit.bit, index(bit.field)});
            to.bits = bits;
        }
        if (!from.choices.empty()) {
            auto& choices = storage_.choices.emplace_back();
            for (const SourceChoice& choice : from.choices) choices.push_back({index(choice.condition), choice.value});
            to.choices = choices;
        }
        return to;
    }

    void flatten_xsave() {
        std::map<std::string, std::uint8_t> bits;
        for (const SourceComponent& component : source_.xsave) bits[component.id] = component.bit;
        for (const SourceComponent& component : source_.xsave) {
            std::uint64_t together = 0;
            for (const std::vector<std::string>& list : source_.xsave_together) {
                if (std::find(list.begin(), list.end(), component.id) == list.end()) continue;
                for (const std::string& id : list) together |= std::uint64_t{1} << bits.at(id);
            }
            auto& layouts = storage_.layouts.emplace_back();
            for (const SourceLayout& layout : component.layouts) {
                layouts.push_back(
                    {vendor_mask(layout.vendors), layout.size, layout.offset, layout.align64, keep(layout.source)});
            }
            storage_.xsave.push_back(
                {keep(component.id), component.bit, parse_word(xsave_state_words, component.state).value(),
                 indices(component.features), layouts, together, keep(component.why), keep(component.source)});
        }
    }

    std::span<const SiliconFact> facts(const std::map<std::string, std::uint32_t>& silicon) {
        auto& list = storage_.facts.emplace_back();
        for (const auto& [id, value] : silicon) list.push_back({index(id), value});
        return list;
    }

    // In rising order of revisions.
    std::span<const MicrocodeFacts> flat(const std::vector<SourceMicrocode>& from) {
        auto& list = storage_.microcode.emplace_back();
        for (const SourceMicrocode& entry : from) {
            MicrocodeFacts to;
            to.from = entry.from.value_or(to.from);
            to.below = entry.below.value_or(to.below);
            to.silicon = facts(entry.silicon);
            list.push_back(to);
        }
        std::sort(list.begin(), list.end(),
                  [](const MicrocodeFacts& a, const MicrocodeFacts& b) { return a.from < b.from; });
        return list;
    }

    Model flat(const SourceModel& from) {
        const auto ranges = [&](const std::vector<NumberRange>& list) -> std::span<const NumberRange> {
            return storage_.ranges.emplace_back(list);
        };
        return {vendor_mask({from.vendor}),
                from.family,
                ranges(from.models),
                ranges(from.steppings),
                keep(from.name),
                keep(from.microarchitecture),
                from.generation,
                facts(from.silicon),
                flat(from.microcode),
                keep_all(from.immune),
                keep_all(from.inferred),
                keep(from.source)};
    }

    SourceRulebook source_;
    RulebookStorage& storage_;
    std::map<std::string, FieldIndex> field_numbers_;
    std::map<std::string, VendorMask> vendor_bits_;
    std::map<std::string, VulnerabilityIndex> vulnerability_numbers_;
};

}  // namespace

void flatten(SourceRulebook source, std::string sha256, RulebookStorage& storage) {
    Flattener(std::move(source), storage).run(std::move(sha256));
}

}  // namespace poolcpuid::rulebook
