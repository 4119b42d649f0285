#include "promises/model_facts.hpp"

#include <cstdint>

namespace poolcpuid::promises {

namespace {

class ModelFacts {
public:
    ModelFacts(const VendorRules& rules, HostPromises& host)
        : rules_(rules), rulebook_(rules.rulebook()), host_(host) {}

    // What the silicon is known to do: a relaxed behaviour counts whatever a view shows, and its absence
    // settles only what the dump cannot say; a promise that the silicon cannot keep is gone. What depends on a
    // microcode that is not known is not known either, whatever a view shows: a kernel that withholds it goes by
    // the same revision.
    void apply_model() {
        host_.modelled.resize(host_.unknown.size());
        host_.by_microcode.resize(host_.unknown.size());
        for_each_silicon(
            [&](const Silicon& silicon) { silicon.for_each_fact([&](const SiliconFact& f) { apply(f); }); });
        for_each_silicon(
            [&](const Silicon& silicon) { silicon.for_each_open_fact([&](const SiliconFact& f) { leave_open(f); }); });
    }

    // What guests do not meet is for the hypervisor's view to tell: kernels that know of it take the field from guests
    // as from themselves, and older ones do not. A newer kernel does not bring it back, so it is not withheld.
    void leave_to_kernels() {
        for_each_silicon([&](const Silicon& silicon) {
            silicon.for_each_spared_fact(
                [&](const SiliconFact& fact) { leave_to_kernels(fact, silicon.microcode.has_value()); });
        });
    }

private:
    template <typename Body>
    void for_each_silicon(const Body& body) const {
        body(host_.silicon);
        for (const Silicon& silicon : host_.other_silicon) body(silicon);
    }

    void apply(const SiliconFact& fact) {
        const Field& field = rulebook_[fact.field];
        const auto word = rules_.find_word(fact.field, field.subleaf_first);
        if (!word) return;
        if (rules_.is_inverted(fact.field)) {
            widen_by(fact, field, *word);
        } else {
            take_away(field, *word);
        }
    }

    void leave_open(const SiliconFact& fact) {
        const Field& field = rulebook_[fact.field];
        const auto word = rules_.find_word(fact.field, field.subleaf_first);
        if (!word || field.rule == Rule::guarded) return;  // what scrubs is no promise of the bit
        const std::uint64_t bits =
            rules_.is_inverted(fact.field) ? (std::uint64_t{fact.value} << field.low) & field.mask() : field.mask();
        const std::uint64_t open = bits & host_.atoms.words[*word];
        host_.atoms.words[*word] &= ~open;
        host_.given[*word] &= ~bits;  // no hypervisor gives what the microcode may lack
        host_.unknown[*word] |= open;
        host_.by_microcode[*word] |= open;
    }

    void leave_to_kernels(const SiliconFact& fact, bool knows_microcode) {
        const Field& field = rulebook_[fact.field];
        const auto word = rules_.find_word(fact.field, field.subleaf_first);
        if (!word) return;
        if (host_.has_hypervisor_view) {
            if (knows_microcode) host_.withheld[*word] &= ~field.mask();
            return;
        }
        if (!knows_microcode) return leave_open(fact);
        const std::uint64_t open = field.mask() & host_.atoms.words[*word];
        host_.atoms.words[*word] &= ~open;
        host_.unknown[*word] |= open;
        host_.made[*word] |= open;
    }

    void widen_by(const SiliconFact& fact, const Field& field, std::size_t word) {
        const std::uint64_t bits = (std::uint64_t{fact.value} << field.low) & field.mask();
        std::uint64_t clear = field.mask() & ~bits & host_.unknown[word];
        for_each_silicon([&](const Silicon& silicon) {
            const auto value = silicon.settled_fact(fact.field);
            clear &= value ? ~(std::uint64_t{*value} << field.low) : 0;
        });
        const std::uint64_t widened = bits & (host_.atoms.words[word] | host_.unknown[word]);
        host_.atoms.words[word] = (host_.atoms.words[word] & ~bits) | clear;
        host_.unknown[word] &= ~(bits | clear);
        host_.modelled[word] |= widened | clear;
    }

    void take_away(const Field& field, std::size_t word) {
        host_.modelled[word] |= field.mask() & (host_.atoms.words[word] | host_.unknown[word]);
        host_.withheld[word] &= ~field.mask();
        host_.atoms.words[word] &= ~field.mask();
        host_.unknown[word] &= ~field.mask();
    }

    const VendorRules& rules_;
    const Rulebook& rulebook_;
    HostPromises& host_;
};

}  // namespace

void apply_model(const VendorRules& rules, HostPromises& host) { ModelFacts(rules, host).apply_model(); }

void leave_to_kernels(const VendorRules& rules, HostPromises& host) { ModelFacts(rules, host).leave_to_kernels(); }

}  // namespace poolcpuid::promises
