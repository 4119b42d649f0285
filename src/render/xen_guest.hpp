// What an HVM guest of Xen sees of a policy, however the toolstack is told: the features that Xen can give it
// (calculate_hvm_max_policy), and the registers that Xen sets by itself (recalculate_cpuid_policy).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "promises/owned_bits.hpp"
#include "render/guest_view.hpp"
#include "render/host_values.hpp"
#include "render/targets.hpp"
#include "render/xen_data.hpp"

namespace poolcpuid::render {

// What becomes of a bit of the policy that Xen gives only on some hosts of the pool.
enum class OnSomeHosts : std::uint8_t {
    lost,   // it is not asked for: no guest sees it
    asked,  // it is asked for: what a guest sees depends on where it runs
};

class XenGuest {
public:
    // Both must outlive the guest.
    XenGuest(const TargetInput& input, const XenData& data, OnSomeHosts on_some_hosts);

    // The policy's features that are asked for, and those that every guest has.
    const Featureset& features() const noexcept { return features_; }

    // Bits of a word that the VMM or the guest fills in.
    std::uint32_t owned(std::size_t word) const;

    // True when the policy has a row or MSR with the word, and the guest can have it.
    bool shows_word(std::size_t word) const;

    // The bit of the featureset that is the field, or nothing.
    std::optional<XenBit> bit_of(const Field& field, std::uint32_t subleaf) const;

    // A register of the policy with the features as they are asked for, and no leaf above the guest's highest.
    std::uint32_t asked(const promises::RegisterPlace& place, std::uint32_t value) const;

    // What is told of the hosts' values.
    const HostValues& hosts() const noexcept { return hosts_; }

    // True for a leaf that no guest of Xen has: above its highest, or of a range of which Xen has none.
    bool is_above(std::uint32_t leaf) const;

    // Values that Xen takes from the host on which the guest starts: every field that is not said and that is not
    // alike on all hosts.
    void leave_to_host(const std::function<bool(const Field&, std::uint32_t subleaf)>& is_said, const std::string& why);

    // The same for the features of MSRs, which Xen shows as far as it gives them to guests.
    void leave_words_of_msrs_to_host(const std::string& why);

    // What Xen sets by itself, and what follows from all that.
    void settle();

    GuestView& view() noexcept { return view_; }

private:
    promises::RegisterPlace place_of_word(std::size_t word) const;
    std::string obstacle(const XenBit& bit, bool is_given) const;
    const Field* field_at(const XenBit& bit) const;
    bool is_on_some_hosts(const XenBit& bit) const;
    bool is_contested(const DataPlace& place) const;
    bool is_fixed(const Field& field, std::uint32_t subleaf) const;
    Featureset promised() const;
    void drop(const XenBit& bit, const std::string& why);
    void end_leaves(OnSomeHosts on_some_hosts);
    std::optional<std::uint64_t> fewest_of_hosts(const promises::RegisterPlace& place) const;
    void drop_impossible();
    void drop_on_some_hosts(OnSomeHosts on_some_hosts);
    void add_said();
    void close();
    void copy_bits();
    void set_highest();

    const TargetInput& input_;
    const XenData& data_;
    promises::OwnedBits owned_;
    HostValues hosts_;
    GuestView view_;
    std::vector<FixedBits> highest_;  // Xen's, or of less where it starts no guest with more, and why
    std::vector<std::pair<promises::RegisterPlace, std::uint64_t>> forgotten_;  // bits that leave_to_host left
    Featureset promised_;
    Featureset features_;
};

// What is to be known of the features that are asked for, whichever the toolstack: a sentence or two each.
// refused: what happens on a Xen that does not know a bit, a sentence.
std::vector<std::string> xen_notes(const TargetInput& input, const XenData& data, const XenGuest& guest,
                                   const std::string& refused);

// The fields that Xen cannot give on a host that lacks them, as a list; "" for none.
std::string not_given(const TargetInput& input, const std::vector<StartUp>& hidden);

}  // namespace poolcpuid::render
