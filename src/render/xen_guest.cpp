#include "render/xen_guest.hpp"

#include <algorithm>
#include <set>

#include "base/hex.hpp"
#include "poolcpuid/policy_registers.hpp"

namespace poolcpuid::render {

namespace {

constexpr unsigned word_bits = 32;

// Calls body with each bit of a set.
template <typename Body>
void for_each_bit(const Featureset& set, const Body& body) {
    for (std::size_t word = 0; word < set.size(); ++word) {
        for (unsigned number = 0; number < word_bits; ++number) {
            const XenBit bit{word, number};
            if (bit.is_in(set)) body(bit);
        }
    }
}

// Xen computes it from the features, as the rulebook does. So it does with leaf Dh.
bool follows_from_features(const Field& field) {
    switch (field.derive.how) {
        case Derivation::none:
        case Derivation::constant:
        case Derivation::max_leaf:
        case Derivation::max_subleaf: return false;
        default: return true;
    }
}

}  // namespace

XenGuest::XenGuest(const TargetInput& input, const XenData& data, OnSomeHosts on_some_hosts)
    : input_(input),
      data_(data),
      owned_(input.policy.owned),
      hosts_(input.rules, input.policy),
      view_(input.rules, input.policy) {
    features_ = promised_ = promised();
    end_leaves(on_some_hosts);
    drop_impossible();
    drop_on_some_hosts(on_some_hosts);
    add_said();
    close();
}

promises::RegisterPlace XenGuest::place_of_word(std::size_t word) const {
    return first_register(data_.words[word].place);
}

std::uint32_t XenGuest::owned(std::size_t word) const {
    const std::uint64_t mask = owned_.of(place_of_word(word));
    return static_cast<std::uint32_t>((mask & data_.words[word].place.mask()) >> data_.words[word].place.low);
}

bool XenGuest::shows_word(std::size_t word) const {
    const promises::RegisterPlace place = place_of_word(word);
    const PolicyRegisters guest(input_.policy);
    if (place.is_msr) return guest.msr(place.key.leaf).has_value();
    return guest.row(place.key) != nullptr && !is_above(place.key.leaf);
}

std::optional<XenBit> XenGuest::bit_of(const Field& field, std::uint32_t subleaf) const {
    for (std::size_t word = 0; word < data_.words.size(); ++word) {
        const DataPlace& place = data_.words[word].place;
        if (promises::place_of(field, subleaf) != place_of_word(word) || (field.mask() & ~place.mask()) != 0) continue;
        return XenBit{word, static_cast<unsigned>(field.low) - place.low};
    }
    return std::nullopt;
}

std::uint32_t XenGuest::asked(const promises::RegisterPlace& place, std::uint32_t value) const {
    for (std::size_t word = 0; word < data_.words.size(); ++word) {
        if (place_of_word(word) != place || place.is_msr) continue;
        return (value & ~(promised_[word] & ~features_[word])) | (features_[word] & ~promised_[word]);
    }
    for (const FixedBits& bits : highest_) {
        const bool is_it = bits.place.has_row(place.key) && bits.place.registers.front() == place.reg;
        if (is_it && !place.is_msr) return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, *bits.value));
    }
    return value;
}

const Field* XenGuest::field_at(const XenBit& bit) const {
    const promises::RegisterPlace place = place_of_word(bit.word);
    const std::uint64_t mask = std::uint64_t{bit.mask()} << data_.words[bit.word].place.low;
    for (const FieldIndex index : input_.rules.fields()) {
        const Field& field = input_.rules.rulebook()[index];
        if (promises::place_of(field, place.key.subleaf) == place && field.is_in_subleaf(place.key.subleaf) &&
            (field.mask() & mask) != 0) {
            return &field;
        }
    }
    return nullptr;
}

// The policy's words without the bits that others fill in, and without those that Xen copies from another word.
Featureset XenGuest::promised() const {
    Featureset words = data_.none();
    for (std::size_t word = 0; word < words.size(); ++word) {
        const std::uint64_t value = view_.seen_register(place_of_word(word));
        const DataPlace& place = data_.words[word].place;
        words[word] = static_cast<std::uint32_t>((value & place.mask()) >> place.low) & ~owned(word);
    }
    for (const FieldIndex index : input_.rules.fields()) {
        const Field& field = input_.rules.rulebook()[index];
        if (field.derive.how != Derivation::copy_bits) continue;
        for (std::size_t word = 0; word < words.size(); ++word) {
            if (promises::place_of(field, field.subleaf_first) != place_of_word(word)) continue;
            words[word] &= ~static_cast<std::uint32_t>(field.mask());
        }
    }
    return words;
}

void XenGuest::drop(const XenBit& bit, const std::string& why) {
    features_[bit.word] &= ~bit.mask();
    const promises::RegisterPlace place = place_of_word(bit.word);
    const std::uint64_t mask = std::uint64_t{bit.mask()} << data_.words[bit.word].place.low;
    // What Xen takes from the host whatever it is told, settle() looks at.
    const bool is_of_host = std::any_of(data_.fixed.begin(), data_.fixed.end(), [&](const FixedBits& bits) {
        return !bits.value && bits.place.has_row(place.key) && bits.place.registers.front() == place.reg &&
               bits.place.is_msr == place.is_msr && (bits.place.mask() & mask) != 0;
    });
    if (bit.is_in(promised_) && !is_of_host) view_.set(place, mask, 0, why);
}

// Why no guest, or none on some host, can have the bit: a sentence, or "" when nothing is against it.
std::string XenGuest::obstacle(const XenBit& bit, bool is_given) const {
    if (bit.is_in(data_.absent) && !is_given) return "No CPU of the vendor has it: Xen does not make it up.";
    if (!bit.is_in(data_.possible) && !is_given) {
        if (bit.is_in(data_.newer)) return "Xen gives it to guests from " + to_string(data_.newest) + " on.";
        return "Xen gives it to no HVM guest.";
    }
    for (const XenData::Hidden& rule : data_.hidden) {
        const FieldIndex index = input_.rules.rulebook().find(rule.field);
        if (!bit.is_in(rule.bits) || index == no_field) continue;
        const auto values = hosts_.of(input_.rules.rulebook()[index]);
        const bool is_hidden = std::any_of(rule.values.begin(), rule.values.end(),
                                           [&](std::uint64_t value) { return values.contains(value); });
        if (is_hidden) return "Xen hides it on such hosts.";
        if (values.contains(std::nullopt)) return "Xen hides it on some hosts, and it is not told whether on these.";
    }
    return {};
}

// Xen refuses more leaves than the host has (x86_cpu_policies_are_compatible), so the fewest of the hosts count where
// the toolstack says how many it asks for.
void XenGuest::end_leaves(OnSomeHosts on_some_hosts) {
    for (const rulebook::XenTarget::Highest& entry : data_.highest) {
        FixedBits bits = entry;
        bits.why = "The leaves of Xen's guests end at " + to_hex(*bits.value) + ".";
        const std::optional<std::uint64_t> fewest = fewest_of_hosts(first_register(bits.place));
        if (entry.up_to_host && on_some_hosts == OnSomeHosts::asked && fewest && *fewest < *bits.value) {
            bits.value = fewest;
            bits.why = "The leaves of a host end at " + to_hex(*fewest) + ", and Xen starts no guest there with more.";
        }
        highest_.push_back(std::move(bits));
    }
}

// The least that hosts of the pool are known to have in a register: those of the policy, and those that were given.
std::optional<std::uint64_t> XenGuest::fewest_of_hosts(const promises::RegisterPlace& place) const {
    std::set<std::uint64_t> known;
    for (const FieldIndex index : input_.rules.fields()) {
        const Field& field = input_.rules.rulebook()[index];
        if (promises::place_of(field, field.subleaf_first) == place) known.merge(hosts_.known(field));
    }
    for (const HostDump& host : input_.options.hosts) {
        const Registers* row = host.hardware ? host.first_table().find(place.key) : nullptr;
        if (row != nullptr) known.insert((*row)[place.reg]);
    }
    return known.empty() ? std::nullopt : std::optional(*known.begin());
}

void XenGuest::drop_impossible() {
    for_each_bit(promised_, [&](const XenBit& bit) {
        const bool comes_with = std::any_of(data_.with.begin(), data_.with.end(), [&](const XenData::With& rule) {
            return rule.bit.word == bit.word && rule.bit.number == bit.number && rule.other.is_in(promised_) &&
                   obstacle(rule.other, rule.other.is_in(data_.given)).empty();
        });
        const std::string why = obstacle(bit, bit.is_in(data_.given) || comes_with);
        if (!why.empty()) drop(bit, why);
    });
}

// True for a bit that not every host of the pool shows to Xen.
bool XenGuest::is_on_some_hosts(const XenBit& bit) const {
    const Field* field = field_at(bit);
    if (field == nullptr || !hosts_.are_contested(*field)) return false;
    const auto values = hosts_.of(*field);
    return values.size() > 1 || *values.begin() != std::uint64_t{1};
}

// A bit that hosts differ in, and that is in the policy nevertheless, is an announcement; or a word is read only with
// another bit, which the policy has where hosts do not. Where it is not told whether they do, every host is as the
// policy in what the bit itself promises: to ask is right on all of them, or refused.
void XenGuest::drop_on_some_hosts(OnSomeHosts on_some_hosts) {
    for_each_bit(Featureset(features_), [&](const XenBit& bit) {
        if (bit.is_in(data_.given)) return;
        const auto& read_with = data_.read_with[bit.word];
        const bool is_own = is_on_some_hosts(bit);
        if (!is_own && !(read_with && is_on_some_hosts(*read_with))) return;
        if (on_some_hosts == OnSomeHosts::lost && (is_own || hosts_.is_told(*field_at(*read_with)))) {
            drop(bit, hosts_.are_untold()
                          ? "Xen gives it only on hosts that have it, and the policy does not say that all have."
                          : "Xen gives it only on hosts that have it, and not every host of the pool has.");
        } else {
            view_.forget(place_of_word(bit.word), std::uint64_t{bit.mask()} << data_.words[bit.word].place.low,
                         "Xen clears it on a host that does not have it.");
        }
    });
}

void XenGuest::add_said() {
    for (const XenData::Said& entry : data_.said) {
        features_[entry.bit.word] |= entry.bit.mask();
    }
}

// Xen's own dependencies: sanitise_featureset.
void XenGuest::close() {
    for (bool changed = true; changed;) {
        changed = false;
        for (const XenData::Need& need : data_.needs) {
            if (need.prerequisite.bit.is_in(features_)) continue;
            for_each_bit(Featureset(features_), [&](const XenBit& bit) {
                if (!bit.is_in(need.dependents)) return;
                drop(bit, "Xen gives it only with " + need.prerequisite.name + ".");
                changed = true;
            });
        }
    }
    for (const XenData::Said& entry : data_.said) {
        const bool is_new = entry.bit.is_in(features_) && !entry.bit.is_in(promised_);
        if (!is_new || (owned(entry.bit.word) & entry.bit.mask()) != 0) continue;
        const std::uint64_t mask = std::uint64_t{entry.bit.mask()} << data_.words[entry.bit.word].place.low;
        view_.set(place_of_word(entry.bit.word), mask, mask, entry.why, GuestView::Kind::description);
    }
}

bool XenGuest::is_above(std::uint32_t leaf) const {
    return std::none_of(highest_.begin(), highest_.end(), [&](const FixedBits& bits) {
        return range_of(leaf) == range_of(bits.place.leaf_first) && leaf <= *bits.value;
    });
}

// True for a field that Xen sets by itself, or that no guest has.
bool XenGuest::is_fixed(const Field& field, std::uint32_t subleaf) const {
    if (field.is_msr) return false;
    if (is_above(field.leaf)) return true;
    return std::any_of(data_.fixed.begin(), data_.fixed.end(), [&](const FixedBits& bits) {
        return bits.value && bits.place.covers(field, subleaf) && view_.holds(bits, GuestView::Of::guest);
    });
}

void XenGuest::leave_to_host(const std::function<bool(const Field&, std::uint32_t)>& is_said, const std::string& why) {
    for (const FieldIndex index : input_.rules.fields()) {
        const Field& field = input_.rules.rulebook()[index];
        const bool is_xsave = !field.is_msr && field.leaf == input_.rules.xsave_leaf();
        // Xen's guests have Xen's own there, or what its configuration asks for.
        const bool is_of_hypervisor =
            range_of(field.leaf) == hypervisor_range && view_.promised(field, field.subleaf_first) == 0;
        if (is_xsave || (!field.is_msr && is_of_hypervisor) || follows_from_features(field)) continue;
        if (!(field.is_msr || hosts_.are_contested(field))) continue;
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            // An MSR that the policy does not offer is not there; of a row that it lacks, the first says enough.
            const bool is_absent =
                view_.promised(field, subleaf) == 0 && (field.is_msr || subleaf != field.subleaf_first);
            if (is_absent || is_said(field, subleaf) || is_fixed(field, subleaf)) continue;
            view_.forget(field, subleaf, why);
            forgotten_.push_back({promises::place_of(field, subleaf), field.mask()});
        }
    }
}

void XenGuest::leave_words_of_msrs_to_host(const std::string& why) {
    for (std::size_t word = 0; word < data_.words.size(); ++word) {
        const DataPlace& place = data_.words[word].place;
        if (!place.is_msr || !shows_word(word)) continue;
        const std::uint32_t bits = data_.possible[word] | data_.given[word];
        view_.forget(place_of_word(word), std::uint64_t{bits} << place.low, why);
    }
}

void XenGuest::set_highest() {
    for (const FixedBits& bits : highest_) {
        for (const FieldIndex index : input_.rules.fields()) {
            const Field& field = input_.rules.rulebook()[index];
            const bool is_it = field.derive.how == Derivation::max_leaf && field.leaf == bits.place.leaf_first;
            if (!is_it || view_.promised(field, field.subleaf_first) < *bits.value) continue;
            view_.set(field, field.subleaf_first, *bits.value, bits.why);
        }
    }
}

// The host's value is known where all hosts have the same.
bool XenGuest::is_contested(const DataPlace& place) const {
    const auto fields = input_.rules.fields();
    return std::any_of(fields.begin(), fields.end(), [&](FieldIndex index) {
        const Field& field = input_.rules.rulebook()[index];
        return field.is_msr == place.is_msr && field.leaf == place.leaf_first && field.reg == place.registers.front() &&
               (field.mask() & place.mask()) != 0 && hosts_.are_contested(field);
    });
}

void XenGuest::copy_bits() {
    for (const FieldIndex index : input_.rules.fields()) {
        const Field& field = input_.rules.rulebook()[index];
        if (field.derive.how != Derivation::copy_bits) continue;
        const promises::RegisterPlace from{false, field.derive.from, field.derive.reg};
        const std::string why = "Xen copies it from leaf " + to_hex(from.key.leaf) + ".";
        const bool is_unknown = std::any_of(forgotten_.begin(), forgotten_.end(), [&](const auto& entry) {
            return entry.first == from && (entry.second & field.mask()) != 0;
        });
        const std::uint64_t value = (view_.seen_register(from) & field.mask()) >> field.low;
        if (is_unknown) {
            view_.forget(field, field.subleaf_first, why);
        } else if (value != view_.promised(field, field.subleaf_first)) {
            view_.set(field, field.subleaf_first, value, why);
        }
    }
}

void XenGuest::settle() {
    copy_bits();
    for (const FixedBits& bits : data_.fixed) {
        const bool is_known = bits.value || is_contested(bits.place);
        if (is_known && view_.holds(bits, GuestView::Of::guest)) view_.apply(bits);
    }
    set_highest();
    view_.settle();
}

std::vector<std::string> xen_notes(const TargetInput& input, const XenData& data, const XenGuest& guest,
                                   const std::string& refused) {
    std::vector<std::string> notes;
    std::string newer;
    for (const XenFeature& feature : data.features) {
        if (!feature.bit.is_in(guest.features()) || !feature.bit.is_in(data.newer)) continue;
        newer += (newer.empty() ? "" : ", ") + feature.name;
    }
    if (!newer.empty()) {
        notes.push_back("Xen gives guests " + newer + " from " + to_string(data.newest) + " on. " + refused +
                        " --xen " + to_string(data.oldest) + " leaves out what " + to_string(data.oldest) +
                        " does not give.");
    }
    if (guest.hosts().are_untold()) {
        notes.push_back(
            "A lean policy, or one of another rulebook, does not say in what its hosts differ: what it leaves open "
            "counts as different. A policy of today's rulebook without --lean may ask Xen for more.");
    }
    const std::vector<HostClass>& hosts = input.policy.hosts;
    const bool is_of_vmm = std::any_of(hosts.begin(), hosts.end(), [](const HostClass& entry) {
        return std::find(entry.views.begin(), entry.views.end(), "hypervisor") != entry.views.end();
    });
    if (is_of_vmm) {
        notes.push_back(
            "Some hosts were dumped as a hypervisor shows them. KVM emulates features that Xen takes from the CPU "
            "(TSC deadline timer, UMIP): dump hosts of a Xen pool without it.");
    }
    return notes;
}

std::string not_given(const TargetInput& input, const std::vector<StartUp>& hidden) {
    const XenData data(input.rules.rulebook(), input.vendor, input.options.xen);
    const XenGuest guest(input, data, OnSomeHosts::lost);
    std::string list;
    for (const StartUp& entry : hidden) {
        const FieldIndex index = input.rules.rulebook().find(entry.field);
        if (index == no_field) continue;
        const Field& field = input.rules.rulebook()[index];
        const auto bit = guest.bit_of(field, field.subleaf_first);
        if (bit && bit->is_in(data.given)) continue;
        list += (list.empty() ? "" : ", ") + entry.field;
    }
    return list;
}

}  // namespace poolcpuid::render
