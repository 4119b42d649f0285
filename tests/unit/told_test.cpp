// Told one value, finds another: the one classification that render and verify have.
#include "compare/told.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

namespace poolcpuid::test::told_test {

using compare::Told;

const Field& field(const char* id) {
    const Rulebook& rulebook = builtin_rulebook();
    return rulebook[rulebook.find(id)];
}

TEST_CASE("what is seen promises more or less by the rule of its field", "[told]") {
    struct Case {
        const char* id;
        bool inverted;
        std::uint64_t policy;
        std::uint64_t seen;
        Telling telling;
    };
    const std::vector<Case> cases{
        {"avx2", false, 0, 1, Telling::more},           {"avx2", false, 1, 0, Telling::less},
        {"fs_gs_base_ns", true, 1, 0, Telling::more},  // the guest is not told of bad news
        {"fs_gs_base_ns", true, 0, 1, Telling::less},   {"md_clear", true, 1, 0, Telling::more},
        {"maxphyaddr", false, 46, 52, Telling::more},                                                   // a limit
        {"maxphyaddr", false, 46, 39, Telling::less},   {"monitor_max", false, 64, 32, Telling::more},  // an obligation
        {"monitor_max", false, 64, 128, Telling::less}, {"stepping", false, 1, 2, Telling::otherwise},
    };
    for (const Case& one : cases) {
        INFO(one.id << " " << one.policy << " -> " << one.seen);
        CHECK(compare::telling_of({&field(one.id), one.inverted, one.policy, one.seen}) == one.telling);
    }
}

TEST_CASE("a 0 is as strong as what it stands for, and not the weakest of limits", "[told]") {
    // GuestPhysAddrSize: 0 stands for PhysAddrSize (APM vol. 3, appendix E.4.7), which is not asked here.
    const Field& of_field = field("guestphys");
    CHECK(compare::telling_of({&of_field, false, 48, 0}) == Telling::unknown);
    CHECK(compare::telling_of({&of_field, false, 0, 48}) == Telling::unknown);
    CHECK(compare::telling_of({&of_field, false, 48, 52}) == Telling::more);
}

TEST_CASE("what nobody knows of is unknown, and bits without a field promise by being set", "[told]") {
    CHECK(compare::telling_of({&field("avx2"), false, 1, {}}) == Telling::unknown);
    CHECK(compare::telling_of({nullptr, false, 0, 4}) == Telling::more);
    CHECK(compare::telling_of({nullptr, false, 4, 0}) == Telling::less);
}

TEST_CASE("more than promised says what it may cost, and less says that nothing breaks", "[told]") {
    const Told avx2{&field("avx2"), false, 0, 1};
    CHECK(compare::meaning_of_more(avx2, Impact::crash) ==
          "The guest may use what not every host has; there it may crash.");
    for (const Impact impact : {Impact::crash, Impact::wrong_result, Impact::performance, Impact::cosmetic}) {
        CHECK(compare::meaning_of_less(avx2, impact) == "The guest does without what every host has.");
    }
}

}  // namespace poolcpuid::test::told_test
