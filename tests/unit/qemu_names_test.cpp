// Which releases of QEMU take a name: the rulebook's fields and policy/targets/qemu.json say it.

#include "render/qemu_names.hpp"

#include <optional>

#include "poolcpuid/error.hpp"
#include "poolcpuid/load_rulebook.hpp"
#include "tests/catch.hpp"
#include "tests/unit/small_rulebook.hpp"

namespace poolcpuid::test::qemu_names_test {

using render::QemuData;
using render::QemuNames;

namespace {

// Names of the small rulebook: q-base since 9.0, q-addon since 11.0 and not in 9.2.
class Names {
public:
    explicit Names(std::optional<VmmVersion> release = std::nullopt) {
        if (release) facts_.emplace().version = *release;
        names_.emplace(loaded_.rulebook.view(), data_, facts_);
    }

    QemuNames* operator->() { return &*names_; }

private:
    LoadResult loaded_ = load_rulebook(small_rulebook());
    QemuData data_ = rulebook::qemu_data(builtin_rulebook());
    std::optional<QemuFacts> facts_;
    std::optional<QemuNames> names_;
};

}  // namespace

TEST_CASE("a release takes the names that it is known to have, and no other", "[render][qemu]") {
    struct Row {
        VmmVersion release;
        bool base;
        bool addon;
    };
    for (const Row& row :
         {Row{{7, 2}, false, false}, Row{{8, 2}, false, false}, Row{{9, 0}, true, false}, Row{{9, 2}, true, false},
          Row{{10, 0}, true, false}, Row{{10, 2}, true, false}, Row{{11, 0}, true, true}, Row{{12, 0}, true, true}}) {
        Names names(row.release);
        INFO(to_string(row.release));
        CHECK(names->takes("q-base") == row.base);
        CHECK(names->takes("q-addon") == row.addon);
        CHECK(names->takes("q-shared"));
        CHECK_FALSE(names->takes(""));
    }
}

TEST_CASE("a name is said to be missing only where that is known", "[render][qemu]") {
    const auto why_not = [](VmmVersion release, const char* name) { return Names(release)->why_not(name); };
    CHECK(why_not({8, 2}, "q-base") == "QEMU 8.2 has no name for it.");
    CHECK(why_not({9, 2}, "q-addon") == "QEMU 9.2 has no name for it.");
    CHECK(why_not({10, 0}, "q-addon") == "It is not known here whether QEMU 10.0 has a name for it: ask that QEMU.");
    CHECK(why_not({11, 0}, "") == "QEMU has no name for it.");
}

TEST_CASE("what some patch levels of a release drop is not taken of that release", "[render][qemu]") {
    const QemuData data = rulebook::qemu_data(builtin_rulebook());
    const auto names = [&](const std::optional<QemuFacts>& facts) {
        return QemuNames(builtin_rulebook(), data, facts);
    };
    for (const VmmVersion release : {VmmVersion{8, 2}, VmmVersion{9, 0}}) {
        std::optional<QemuFacts> facts(std::in_place);
        facts->version = release;
        CHECK(names(facts).knows("waitpkg") == Knows::perhaps);
        CHECK_THAT(names(facts).why_not("waitpkg"), Catch::Contains("8.2.0 to 8.2.4"));
        CHECK(names(facts).knows("avx2") == Knows::yes);
        facts->program = "/opt/qemu";  // asked, which says more
        facts->flags["waitpkg"] = false;
        CHECK(names(facts).knows("waitpkg") == Knows::yes);
    }
    for (const VmmVersion release : {VmmVersion{8, 1}, VmmVersion{9, 1}}) {
        std::optional<QemuFacts> facts(std::in_place);
        facts->version = release;
        CHECK(names(facts).knows("waitpkg") == Knows::yes);
    }
    CHECK(names(std::nullopt).knows("waitpkg") == Knows::yes);
    CHECK(render::notes_on_drops(data, {"avx2", "waitpkg"}).size() == 1);
    CHECK(render::notes_on_drops(data, {"avx2"}).empty());
}

TEST_CASE("for any release every name is taken, and the release that the newest of them needs is remembered",
          "[render][qemu]") {
    Names names;
    CHECK(names->takes("q-shared"));
    CHECK_FALSE(names->needed());
    CHECK(names->version() == "QEMU 7.2 or later, not asked");
    CHECK(names->takes("q-addon"));
    CHECK(names->takes("q-base"));
    CHECK(names->needed() == VmmVersion{11, 0});
    CHECK(names->version() == "QEMU 11.0 or later, not asked");
}

TEST_CASE("a release older than the names that are known is refused", "[render][qemu]") {
    CHECK_THROWS_AS(Names(VmmVersion{7, 1}), UsageError);
}

TEST_CASE("every name of QEMU in the rulebook has a release that is looked at", "[render][qemu]") {
    const QemuData data = rulebook::qemu_data(builtin_rulebook());
    for (const Field& field : builtin_rulebook().fields) {
        CAPTURE(field.id);
        CHECK(field.names.qemu.empty() == (field.names.qemu_age == NameAge{}));
        if (field.names.qemu.empty()) continue;
        CHECK(field.names.qemu_age.since >= data.oldest);
        if (field.names.qemu_age.absent) CHECK(*field.names.qemu_age.absent >= data.oldest);
    }
}

}  // namespace poolcpuid::test::qemu_names_test
