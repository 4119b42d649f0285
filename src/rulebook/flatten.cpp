#include <algorithm>
#include <map>
#include <set>
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
            vendor_bits_[vendor.id] = static_cast<VendorMask>(1U << vendor_bits_.size());
        }
        for (const SourceVulnerability& vulnerability : source_.vulnerabilities) {
            const auto number = static_cast<VulnerabilityIndex>(vulnerability_numbers_.size());
            vulnerability_numbers_.emplace(vulnerability.id, number);
        }
        Rulebook& view = storage_.view;
        view.version = keep(source_.version);
        view.sha256 = keep(std::move(sha256));
        view.vendors = all_of<Vendor>(source_.vendors);
        view.vulnerabilities = all_of<Vulnerability>(source_.vulnerabilities);
        view.hypervisors = all_of<HypervisorInterface>(source_.hypervisors);
        view.fields = all_of<Field>(source_.fields);
        view.dependencies = all_of<Dependency>(source_.dependencies);
        view.equality = all_of<EqualityGroup>(source_.equality);
        view.retpoline = all_of<RetpolineBits>(source_.retpoline);
        view.xsave_legacy_size = source_.xsave_legacy_size;
        view.xsave = all_of<XsaveComponent>(source_.xsave);
        view.models = all_of<Model>(source_.models);
        view.families = all_of<CpuFamily>(source_.families);
        view.levels = all_of<Level>(source_.levels);
        view.baselines = all_of<Baseline>(source_.baselines);
        view.sources = all_of<SourceKey>(source_.sources);
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

    Text keep(std::string text) { return storage_.keep(std::move(text)); }

    // The flat records of entries.
    template <typename Record, typename Entries>
    List<Record> all_of(const Entries& entries) {
        std::vector<Record> list;
        for (const auto& entry : entries) list.push_back(flat(entry));
        return storage_.keep(std::move(list));
    }

    Text flat(const std::string& text) { return keep(text); }
    List<Text> keep_all(const std::vector<std::string>& texts) { return all_of<Text>(texts); }

    FieldIndex index(const std::string& id) const { return id.empty() ? no_field : field_numbers_.at(id); }

    List<FieldIndex> indices(const std::vector<std::string>& ids) {
        std::vector<FieldIndex> list;
        for (const std::string& id : ids) list.push_back(index(id));
        return storage_.keep(std::move(list));
    }

    Rate flat(const SourceRate& from) { return {indices(from.product), index(from.per), from.unit == "kHz"}; }

    Vendor flat(const SourceVendor& from) { return {keep(from.id), keep(from.name), keep_all(from.strings)}; }

    ByHand flat(const SourceByHand& from) { return {keep(from.option), conditions(from.where)}; }

    Vulnerability flat(const SourceVulnerability& from) {
        return {keep(from.id), keep(from.name), vendor_mask(from.vendors), all_of<ByHand>(from.by_hand),
                keep(from.source)};
    }

    HypervisorInterface flat(const SourceHypervisor& from) {
        return {keep(from.id), keep(from.name), keep(from.signature), keep(from.interface), keep(from.source)};
    }

    HypervisorIndex hypervisor_index(const std::string& id) const {
        const auto at = std::find_if(source_.hypervisors.begin(), source_.hypervisors.end(),
                                     [&](const SourceHypervisor& entry) { return entry.id == id; });
        return id.empty() ? no_hypervisor : static_cast<HypervisorIndex>(at - source_.hypervisors.begin());
    }

    Dependency flat(const SourceDependency& from) {
        return {indices(from.prerequisites),
                indices(from.dependents),
                vendor_mask(from.vendors),
                from.where_had,
                keep(from.why),
                keep(from.source)};
    }

    EqualityGroup flat(const SourceEquality& from) {
        return {keep(from.id), indices(from.fields), indices(from.drop),
                from.of_model, keep(from.why),       keep(from.source)};
    }

    RetpolineBits flat(const SourceRetpoline& from) {
        return {index(from.rsba), index(from.rrsba), index(from.eibrs), keep(from.why), keep(from.source)};
    }

    Level flat(const SourceLevel& from) { return {keep(from.id), indices(from.features)}; }

    Baseline flat(const SourceBaseline& from) {
        std::set<FieldIndex> features;
        if (!from.like.empty()) features = baselines_.at(from.project + ":" + from.like);
        for (const std::string& id : from.features) features.insert(index(id));
        for (const std::string& id : from.without) features.erase(index(id));
        baselines_[from.name()] = features;
        return {keep(from.name()),
                keep(from.of),
                vendor_mask(from.vendors),
                keep(from.refused),
                storage_.keep(std::vector<FieldIndex>(features.begin(), features.end())),
                bounds_of(from)};
    }

    List<NumberBound> bounds_of(const SourceBaseline& from) {
        std::map<FieldIndex, std::uint32_t>& numbers = baseline_numbers_[from.name()];
        if (!from.like.empty()) numbers = baseline_numbers_.at(from.project + ":" + from.like);
        for (const auto& [id, most] : from.numbers) numbers[index(id)] = most;
        std::vector<NumberBound> bounds;
        for (const auto& [field, most] : numbers) bounds.push_back({field, most});
        return storage_.keep(std::move(bounds));
    }

    SourceKey flat(const std::pair<const std::string, std::string>& from) {
        return {keep(from.first), keep(from.second)};
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
        to.hypervisor = hypervisor_index(from.hypervisor);
        to.rule = parse_word(rule_words, from.rule).value();
        to.exposure = parse_word(exposure_words, from.exposure).value();
        to.impact = parse_word(impact_words, from.impact).value();
        to.mitigation = flat_mitigation(from.mitigation);
        to.required = from.required;
        to.emulated = from.emulated;
        to.by_microcode = from.by_microcode;
        to.brought_to = keep_all(from.brought_to);
        to.of_identity = from.of_identity;
        if (!from.zero_means.empty()) set_zero_means(from.zero_means, to);
        to.assured = from.assured;
        to.known_to = from.known_to.value_or(0);
        to.gate = index(from.gate);
        to.implied_by = term(from.implied_by);
        to.length_from = index(from.length_from);
        if (from.allowed_by) to.allowed_by = from.allowed_by->low;
        if (!from.covers.empty()) to.covers = flat_covers(from);
        if (!from.eased_by.empty()) to.eased_by = all_of<Easing>(from.eased_by);
        if (!from.hides.empty()) to.hides = indices(from.hides);
        if (!from.rates.empty()) to.rates = all_of<Rate>(from.rates);
        to.ask = keep(from.ask);
        if (!from.guard_immune.empty()) {
            to.guard = {conditions(from.guard_immune), keep_all(from.guard_model), conditions(from.guard_told_by),
                        conditions(from.guard_heeds), conditions(from.guard_in_vain)};
        }
        if (from.made) {
            const std::vector<std::string>& vendors = from.made->vendors.empty() ? from.vendors : from.made->vendors;
            to.made = {parse_word(maker_words, from.made->by).value(),
                       vendor_mask(vendors),
                       conditions(from.made->where),
                       keep_all(from.made->model),
                       conditions(from.made->unsure),
                       keep(from.made->source)};
        }
        if (from.missed) to.missed = {index(from.missed->unless), keep(from.missed->says)};
        if (from.derive) to.derive = flat(*from.derive);
        to.names = {keep(name_of(from, "vendor")),  keep(name_of(from, "linux")), keep(name_of(from, "qemu")),
                    keep(name_of(from, "libvirt")), keep(name_of(from, "xen")),   from.qemu_age};
        to.wider = keep(from.wider);
        to.why = keep(from.why);
        to.source = keep(from.source);
        return to;
    }

    // In the order of the list of vulnerabilities.
    List<VulnerabilityIndex> flat_mitigation(const std::vector<std::string>& ids) {
        std::vector<VulnerabilityIndex> list;
        for (const std::string& id : ids) list.push_back(vulnerability_numbers_.at(id));
        std::sort(list.begin(), list.end());
        return storage_.keep(std::move(list));
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
    List<Cover> flat_covers(const SourceField& from) {
        std::vector<Cover> covers;
        for (const auto& [bit, covered] : from.covers) {
            std::uint64_t mask = std::uint64_t{1} << covered;
            for (const Cover& lower : covers) {
                if (lower.bit == covered) mask |= lower.covered;
            }
            covers.push_back({bit, mask});
        }
        return storage_.keep(std::move(covers));
    }

    Easing flat(const SourceEasing& from) { return {index(from.field), parse_word(impact_words, from.impact).value()}; }

    // "rtm" is a field that must be set, "!rtm" one that must be clear, and nothing is no_field.
    GuardTerm term(const std::string& text) const {
        const bool negated = text.starts_with("!");
        return {index(negated ? text.substr(1) : text), negated};
    }

    List<List<GuardTerm>> conditions(const std::vector<std::vector<std::string>>& lists) {
        std::vector<List<GuardTerm>> all;
        for (const std::vector<std::string>& list : lists) {
            std::vector<GuardTerm> terms;
            for (const std::string& text : list) terms.push_back(term(text));
            all.push_back(storage_.keep(std::move(terms)));
        }
        return storage_.keep(std::move(all));
    }

    BitSource flat(const SourceBit& from) { return {from.bit, index(from.field)}; }
    Choice flat(const SourceChoice& from) { return {index(from.condition), from.value}; }

    Derive flat(const SourceDerive& from) {
        return {parse_word(derivation_words, from.how).value(),
                from.from,
                from.reg,
                index(from.condition),
                from.then_value,
                from.else_value,
                from.msr,
                from.default1,
                all_of<BitSource>(from.bits),
                all_of<Choice>(from.choices)};
    }

    XsaveLayout flat(const SourceLayout& from) {
        return {vendor_mask(from.vendors), from.size, from.offset, from.align64, keep(from.source)};
    }

    XsaveComponent flat(const SourceComponent& from) {
        return {keep(from.id),
                from.bit,
                parse_word(xsave_state_words, from.state).value(),
                indices(from.features),
                all_of<XsaveLayout>(from.layouts),
                together(from.id),
                keep(from.why),
                keep(from.source)};
    }

    // The bits of the components with which one stands or falls.
    std::uint64_t together(const std::string& id) const {
        std::uint64_t bits = 0;
        for (const std::vector<std::string>& list : source_.xsave_together) {
            if (std::find(list.begin(), list.end(), id) == list.end()) continue;
            for (const SourceComponent& component : source_.xsave) {
                const bool is_listed = std::find(list.begin(), list.end(), component.id) != list.end();
                if (is_listed) bits |= std::uint64_t{1} << component.bit;
            }
        }
        return bits;
    }

    SiliconFact flat(const std::pair<const std::string, std::uint32_t>& from) {
        return {index(from.first), from.second};
    }

    MicrocodeFacts flat(const SourceMicrocode& from) {
        MicrocodeFacts to;
        to.from = from.from.value_or(to.from);
        to.below = from.below.value_or(to.below);
        to.silicon = all_of<SiliconFact>(from.silicon);
        to.recalled = from.recalled;
        to.spares_guests = from.spares_guests;
        return to;
    }

    // In rising order of revisions.
    List<MicrocodeFacts> sorted(std::vector<SourceMicrocode> entries) {
        std::sort(entries.begin(), entries.end(), [](const SourceMicrocode& a, const SourceMicrocode& b) {
            return a.from.value_or(0) < b.from.value_or(0);
        });
        return all_of<MicrocodeFacts>(entries);
    }

    Model flat(const SourceModel& from) {
        return {vendor_mask({from.vendor}),
                from.family,
                storage_.keep(from.models),
                storage_.keep(from.steppings),
                keep(from.name),
                keep(from.microarchitecture),
                from.generation,
                all_of<SiliconFact>(from.silicon),
                sorted(from.microcode),
                keep_all(from.immune),
                keep_all(from.inferred),
                keep_all(from.reported),
                keep_all(from.unaware),
                keep_all(from.beyond_software),
                keep(from.source)};
    }

    CpuFamily flat(const SourceFamily& from) {
        return {vendor_mask({from.vendor}), from.family, keep_all(from.inferred), keep_all(from.unaware),
                keep(from.source)};
    }

    SourceRulebook source_;
    RulebookStorage& storage_;
    std::map<std::string, FieldIndex> field_numbers_;
    std::map<std::string, VendorMask> vendor_bits_;
    std::map<std::string, VulnerabilityIndex> vulnerability_numbers_;
    std::map<std::string, std::set<FieldIndex>> baselines_;                        // what each of those so far has
    std::map<std::string, std::map<FieldIndex, std::uint32_t>> baseline_numbers_;  // and of numbers
};

}  // namespace

void flatten(SourceRulebook source, std::string sha256, RulebookStorage& storage) {
    Flattener(std::move(source), storage).run(std::move(sha256));
}

}  // namespace poolcpuid::rulebook
