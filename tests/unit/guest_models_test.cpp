// Linux's lists of CPUs stand once in policy/guests/linux.json, and what they are made of in the model table: where
// both speak of a CPU they say the same.

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "poolcpuid/rulebook.hpp"
#include "rulebook/guest_data.hpp"
#include "tests/catch.hpp"

namespace poolcpuid::test::guest_models_test {

namespace {

using rulebook::GuestCpus;
using rulebook::GuestData;
using rulebook::GuestTable;

class Lists {
public:
    Lists() : data_(rulebook::guest_data(builtin_rulebook()).front()), newest_(data_.kernels.back().release) {}

    bool has(std::string_view vendor, const Signature& signature, std::string_view tag) const {
        for (const GuestTable& table : data_.tables) {
            const auto row = std::find_if(table.rows.begin(), table.rows.end(), [&](const GuestCpus& cpus) {
                return cpus.releases.has(newest_) && cpus.has(vendor, signature);
            });
            if (row == table.rows.end()) continue;
            if (std::find(row->tags.begin(), row->tags.end(), tag) != row->tags.end()) return true;
        }
        return false;
    }

private:
    GuestData data_;
    VmmVersion newest_;
};

bool says(List<Text> immunities, std::string_view one) {
    return std::find(immunities.begin(), immunities.end(), one) != immunities.end();
}

// Calls body with every CPU of the model table: its vendor's id, its row, and one of its signatures.
void for_each_cpu(const std::function<void(std::string_view, const Model&, const Signature&)>& body) {
    const Rulebook& rulebook = builtin_rulebook();
    const NumberRange any{0, 15};
    for (const Model& model : rulebook.models) {
        for (std::size_t v = 0; v < rulebook.vendors.size(); ++v) {
            if (((model.vendors >> v) & 1U) == 0) continue;
            const std::vector<NumberRange> all{any};
            for (const NumberRange& models : model.models) {
                for (const NumberRange& steppings : model.steppings.empty() ? std::span(all) : model.steppings) {
                    for (const std::uint16_t number : {models.first, models.last}) {
                        for (const std::uint16_t stepping : {steppings.first, steppings.last}) {
                            body(rulebook.vendors[v].id, model, {model.family, number, stepping});
                        }
                    }
                }
            }
        }
    }
}

}  // namespace

TEST_CASE("what guests infer from family and model is the kernel's white list", "[audit][rulebook]") {
    const Lists lists;
    const std::vector<std::pair<std::string_view, std::string_view>> pairs{
        {"bhi", "no_bhi"},       {"eibrs_pbrsb", "no_eibrs_pbrsb"}, {"itlb_multihit", "no_itlb_multihit"},
        {"l1tf", "no_l1tf"},     {"meltdown", "no_meltdown"},       {"ssb", "no_ssb"},
        {"swapgs", "no_swapgs"}, {"spectre_v2", "no_spectre_v2"},
    };
    std::size_t count = 0;
    for_each_cpu([&](std::string_view vendor, const Model& model, const Signature& signature) {
        INFO(vendor << " " << signature.family << "/" << signature.model << "/" << signature.stepping << " "
                    << model.name);
        // What a vendor's CPUs all are is said of none of them.
        if (vendor == "amd" || vendor == "hygon") {
            CHECK(says(model.inferred, "ssb") == lists.has(vendor, signature, "no_ssb"));
            for (const char* id : {"tsa", "tsa_fill"}) {
                CHECK(says(model.unaware, id) == !lists.has(vendor, signature, "tsa_cpu"));
            }
            ++count;
            return;
        }
        // In order: no speculation at all, which says all of these but that of the iTLB.
        const bool in_order = lists.has(vendor, signature, "no_speculation");
        for (const auto& [immunity, tag] : pairs) {
            INFO(immunity);
            const bool listed = lists.has(vendor, signature, tag) || (in_order && immunity != "itlb_multihit");
            CHECK(says(model.inferred, immunity) == listed);
        }
        ++count;
    });
    CHECK(count > 200);
}

TEST_CASE("what a model is immune to is not on the kernel's black list", "[audit][rulebook]") {
    const Lists lists;
    for_each_cpu([&](std::string_view vendor, const Model& model, const Signature& signature) {
        INFO(vendor << " " << signature.family << "/" << signature.model << "/" << signature.stepping << " "
                    << model.name);
        // Those without the CPU's bug, whatever the bits; for Zen 6 the kernel makes them (amd.c tsa_init).
        CHECK_FALSE((says(model.immune, "rfds") && lists.has(vendor, signature, "rfds_cpu")));
        CHECK_FALSE((says(model.immune, "mmio") && lists.has(vendor, signature, "mmio_cpu")));
        CHECK_FALSE((says(model.immune, "tsa") && lists.has(vendor, signature, "tsa_cpu") &&
                     !lists.has(vendor, signature, "tsa_fill_cpu")));
        CHECK_FALSE((says(model.immune, "gds") && lists.has(vendor, signature, "gds_cpu")));
        CHECK_FALSE((says(model.immune, "its") && lists.has(vendor, signature, "its_cpu")));
        // And the other way: who is not on the list has not got it.
        if (vendor == "amd") CHECK((says(model.immune, "tsa") || lists.has(vendor, signature, "tsa_cpu")));
        // A guest that is of no model on the list does nothing about it.
        CHECK((says(model.inferred, "mmio") || says(model.immune, "mmio")) ==
              !lists.has(vendor, signature, "mmio_cpu"));
        if (vendor == "intel") {
            const bool draws =
                lists.has(vendor, signature, "srbds_cpu") || lists.has(vendor, signature, "mmio_sbds_cpu");
            CHECK(says(model.reported, "gather_data_sampling") == !lists.has(vendor, signature, "gds_cpu"));
            CHECK(says(model.reported, "srbds") == !draws);
        }
        if (vendor == "amd") CHECK(says(model.inferred, "retbleed") == !lists.has(vendor, signature, "retbleed_cpu"));
    });
}

// The audit takes it from the model table. By their cores: all of Golden Cove and Gracemont, and what came after.
TEST_CASE("the CPUs with a longer branch history are those of newer cores", "[audit][rulebook]") {
    const Lists lists;
    const std::vector<std::string_view> cores{
        "Golden Cove", "Raptor Cove", "Redwood Cove", "Lion Cove", "Cougar Cove", "Panther Cove",
        "Coyote Cove", "Gracemont",   "Crestmont",    "Skymont",   "Darkmont",    "Arctic Wolf",
    };
    std::size_t count = 0;
    for_each_cpu([&](std::string_view vendor, const Model& model, const Signature& signature) {
        INFO(vendor << " " << signature.family << "/" << signature.model << " " << model.name);
        const bool is_newer = vendor == "intel" && std::any_of(cores.begin(), cores.end(), [&](std::string_view core) {
                                  return std::string_view(model.microarchitecture).find(core) != std::string_view::npos;
                              });
        CHECK(says(model.beyond_software, "bhi") == is_newer);
        CHECK(lists.has(vendor, signature, "long_history") == is_newer);
        count += is_newer ? 1 : 0;
    });
    CHECK(count > 50);
}

}  // namespace poolcpuid::test::guest_models_test
