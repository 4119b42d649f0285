// What Xen gives to HVM guests: targets/xen.json of a rulebook for one vendor and one release.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "poolcpuid/vmm_version.hpp"
#include "render/target_data.hpp"

namespace poolcpuid::render {

// The values of XenData::words, in their order: a featureset as Xen has it.
using Featureset = std::vector<std::uint32_t>;

// One bit of a featureset.
struct XenBit {
    std::size_t word = 0;
    unsigned number = 0;

    std::uint32_t mask() const noexcept { return std::uint32_t{1} << number; }
    bool is_in(const Featureset& set) const { return (set[word] & mask()) != 0; }
};

// A bit and Xen's name for it.
struct XenFeature {
    std::string name;
    XenBit bit;
};

class XenData {
public:
    // release: nothing for the newest that is known; one that is newer than that is taken for it. Throws
    // UsageError for a release that is older than any that is known.
    XenData(const Rulebook& rulebook, std::string_view vendor, const std::optional<VmmVersion>& release);

    VmmVersion release;  // whose features these are
    VmmVersion newest;   // that is known
    VmmVersion oldest;
    std::vector<FeatureWord> words;
    std::vector<std::optional<XenBit>> read_with;  // for each word, the bit without which Xen does not read it
    std::vector<XenFeature> features;  // those that some HVM guest of the release can have, in the order of the words

    Featureset possible;  // what an HVM guest can have where the host has it
    Featureset defaults;  // those of them that a guest has without being asked for
    Featureset newer;     // what one can have so in the newest release alone
    Featureset given;     // what any HVM guest can have on any host of the vendor
    Featureset absent;    // what no CPU of the vendor has: other VMMs make it up, Xen does not

    // A bit that a guest can have wherever it can have another one.
    struct With {
        XenBit bit;
        XenBit other;
    };
    std::vector<With> with;

    // Bits that Xen takes away without a prerequisite.
    struct Need {
        XenFeature prerequisite;
        Featureset dependents;
    };
    std::vector<Need> needs;

    // Bits that Xen hides on hosts where a field has one of these values.
    struct Hidden {
        Featureset bits;
        std::string field;
        std::vector<std::uint64_t> values;
    };
    std::vector<Hidden> hidden;

    // Bits that are set for every guest, whatever the policy says.
    struct Said {
        XenBit bit;
        std::string why;  // a sentence
    };
    std::vector<Said> said;

    std::vector<FixedBits> fixed;                       // of the vendor
    std::vector<rulebook::XenTarget::Highest> highest;  // of the vendor: the last leaf of a range that a guest has
    std::vector<DataPlace> computed;                    // registers that the toolstack or Xen computes for each guest
    std::vector<std::uint32_t> leaves;                  // with subleaves, as Xen sees it
    std::vector<std::pair<std::string, DataPlace>> numbers;  // what libxl has a number for
    DataPlace signature;                                     // what libxl has family, model and stepping for

    // What libxl calls a feature.
    std::string libxl_name(const XenFeature& feature) const;

    // The featureset with no bit.
    Featureset none() const { return Featureset(words.size(), 0); }

private:
    std::vector<std::pair<std::string, std::string>> libxl_names_;  // Xen's name, and libxl's where it is another
};

}  // namespace poolcpuid::render
