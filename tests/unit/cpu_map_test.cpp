// read_cpu_map: libvirt's directory of CPU models, here in files of a few lines.
#include "poolcpuid/error.hpp"
#include "poolcpuid/vmm_facts.hpp"
#include "tests/catch.hpp"
#include "tests/cli/support/temporary_directory.hpp"

namespace poolcpuid::test::cpu_map_test {

using Catch::Contains;

namespace {

const std::string plain_feature = "<feature name='fpu'><cpuid eax_in='0x00000001' edx='0x00000001'/></feature>";
const std::string plain_model = "<model name='Old'><feature name='fpu'/></model>";

// The map of what stands in its one file.
CpuMap map_of(const std::string& content) {
    const TemporaryDirectory dir;
    dir.write("index.xml", "<cpus><arch name='x86'><include filename='all.xml'/></arch></cpus>");
    dir.write("all.xml", "<cpus><vendor name='Intel' string='GenuineIntel'/>" + content + "</cpus>");
    return read_cpu_map(dir.path());
}

CpuMapFeature feature_of(const std::string& inner) {
    return map_of("<feature name='f'>" + inner + "</feature>" + plain_feature + plain_model).features.at("f");
}

CpuMapModel model_of(const std::string& inner) {
    return map_of(plain_feature + plain_model + "<model name='m'>" + inner + "</model>").models.at("m");
}

std::string groups(std::size_t depth) {
    std::string open;
    std::string close;
    for (std::size_t i = 0; i < depth; ++i) {
        open += "<group name='g'>";
        close += "</group>";
    }
    return "<cpus><arch name='x86'>" + open + "<include filename='all.xml'/>" + close + "</arch></cpus>";
}

CpuMap map_in_groups(std::size_t depth) {
    const TemporaryDirectory dir;
    dir.write("index.xml", groups(depth));
    dir.write("all.xml", "<cpus>" + plain_feature + plain_model + "</cpus>");
    return read_cpu_map(dir.path());
}

}  // namespace

TEST_CASE("a feature has its bits, of a leaf with and without subleaves and of both halves of an MSR", "[cpu_map]") {
    const CpuMapFeature leaf = feature_of("<cpuid eax_in='0x80000021' eax='0x00000002'/>");
    REQUIRE(leaf.bits.size() == 1);
    CHECK_FALSE(leaf.bits.front().is_msr);
    CHECK(leaf.bits.front().leaf == 0x80000021);
    CHECK(leaf.bits.front().subleaf == 0);
    CHECK(leaf.bits.front().reg == Register::eax);
    CHECK(leaf.bits.front().mask == 2);

    const CpuMapFeature subleaf = feature_of("<cpuid eax_in='0x07' ecx_in='0x02' edx='0x00000010'/>");
    REQUIRE(subleaf.bits.size() == 1);
    CHECK(subleaf.bits.front().subleaf == 2);
    CHECK(subleaf.bits.front().reg == Register::edx);

    const CpuMapFeature msr = feature_of("<msr index='0x10a' edx='0x40000000' eax='0x00000001'/>");
    REQUIRE(msr.bits.size() == 1);
    CHECK(msr.bits.front().is_msr);
    CHECK(msr.bits.front().leaf == 0x10A);
    CHECK(msr.bits.front().mask == 0x40000000'00000001);

    CHECK(feature_of("<cpuid eax_in='0x1' ecx='0x1' edx='0x2'/><cpuid eax_in='0x7' ebx='0x4'/>").bits.size() == 3);
    CHECK(feature_of("").bits.empty());
    CHECK(feature_of("<alias name='q' source='qemu'/><alias name='l' source='linux'/>").qemu_names ==
          std::vector<std::string>{"q"});
}

TEST_CASE("a model has what the one has that it builds on, and its own", "[cpu_map]") {
    const CpuMap map = map_of(plain_feature + "<feature name='a'/><feature name='b'/>" +
                              "<model name='Old'><decode host='on' guest='on'/><signature family='6' model='85'/>"
                              "<vendor name='Intel'/><feature name='fpu'/><feature name='b' removed='yes'/></model>"
                              "<model name='New'><decode host='on' guest='off'/><model name='Old'/>"
                              "<signature family='6' model='106'/><feature name='a' added='yes'/></model>");
    const CpuMapModel& old_model = map.models.at("Old");
    CHECK(old_model.features == std::set<std::string>{"fpu"});
    CHECK(old_model.removed == std::set<std::string>{"b"});
    CHECK(old_model.for_guests);
    const CpuMapModel& new_model = map.models.at("New");
    CHECK(new_model.vendor == "GenuineIntel");
    CHECK(new_model.features == std::set<std::string>{"a", "fpu"});
    CHECK(new_model.removed == std::set<std::string>{"b"});
    CHECK_FALSE(new_model.for_guests);
    REQUIRE(new_model.signatures.size() == 1);
    CHECK(new_model.signatures.front().model == 106);
}

TEST_CASE("a signature has its steppings: one, a range, several, or all where none is said", "[cpu_map]") {
    const auto steppings = [](const std::string& text) {
        return model_of("<signature family='6' model='85' stepping='" + text + "'/>").signatures.front().steppings;
    };
    CHECK(steppings("5-7") == 0x00E0);
    CHECK(steppings("4") == 0x0010);
    CHECK(steppings("0,10-11,15") == 0x8C01);
    CHECK(model_of("<signature family='6' model='85'/>").signatures.front().steppings == 0xFFFF);
    for (const char* wrong : {"x", "7-5", "16", "1-", "1,", "-1", "0-99999999999"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(steppings(wrong), InputError);
    }
}

TEST_CASE("a model whose ancestor, vendor or feature the map does not have is refused, not taken for less",
          "[cpu_map]") {
    CHECK_THROWS_WITH(model_of("<model name='None'/>"), Contains("all.xml") && Contains("\"None\""));
    CHECK_THROWS_WITH(model_of("<vendor name='None'/>"), Contains("\"None\""));
    CHECK_THROWS_WITH(model_of("<feature name='none'/>"), Contains("\"none\""));
    CHECK_THROWS_AS(model_of("<signature family='six' model='85'/>"), InputError);
    CHECK_THROWS_AS(model_of("<signature family='6'/>"), InputError);
    CHECK_THROWS_AS(feature_of("<cpuid eax_in='0x1' ecx='all'/>"), InputError);
    CHECK_THROWS_AS(feature_of("<cpuid eax_in='0x123456789' ecx='0x1'/>"), InputError);
    CHECK_THROWS_AS(map_of(plain_feature + plain_feature + plain_model), InputError);
    CHECK_THROWS_AS(map_of(plain_feature + plain_model + plain_model), InputError);
    CHECK_THROWS_AS(map_of(plain_feature), InputError);
    CHECK_THROWS_AS(map_of(plain_model), InputError);
}

TEST_CASE("groups may be nested, but not without end", "[cpu_map]") {
    for (const std::size_t depth : {0U, 1U, 4U, 8U}) CHECK(map_in_groups(depth).models.size() == 1);
    CHECK_THROWS_WITH(map_in_groups(9), Contains("index.xml") && Contains("groups"));
    CHECK_THROWS_AS(map_in_groups(100000), InputError);
}

TEST_CASE("the files of other architectures are not read, and none outside of the directory", "[cpu_map]") {
    const TemporaryDirectory dir;
    const std::string x86 = "<arch name='x86'><include filename='all.xml'/></arch>";
    dir.write("all.xml", "<cpus>" + plain_feature + plain_model + "</cpus>");
    dir.write("index.xml", "<cpus>" + x86 + "<arch name='arm'><include filename='missing.xml'/></arch></cpus>");
    CHECK(read_cpu_map(dir.path()).models.size() == 1);
    dir.write("index.xml", "<cpus>" + x86 + "<arch name='x86'><include filename='../all.xml'/></arch></cpus>");
    CHECK_THROWS_WITH(read_cpu_map(dir.path()), Contains("../all.xml"));
    dir.write("index.xml", "<cpus><arch name='x86'><include filename='missing.xml'/></arch></cpus>");
    CHECK_THROWS_WITH(read_cpu_map(dir.path()), Contains("missing.xml"));
}

TEST_CASE("a file is included once", "[cpu_map]") {
    const TemporaryDirectory dir;
    dir.write("all.xml", "<cpus>" + plain_feature + plain_model + "</cpus>");
    dir.write("vendors.xml", "<cpus><vendor name='Intel' string='GenuineIntel'/></cpus>");
    const std::string vendors = "<include filename='vendors.xml'/>";
    dir.write("index.xml",
              "<cpus><arch name='x86'>" + vendors + "<include filename='all.xml'/>" + vendors + "</arch></cpus>");
    CHECK_THROWS_WITH(read_cpu_map(dir.path()), Contains("index.xml") && Contains("\"vendors.xml\" twice"));
}

TEST_CASE("models that build on each other do not grow without end", "[cpu_map]") {
    std::string content = plain_feature;
    std::string all;
    for (int i = 0; i < 2000; ++i) {
        const std::string name = "name='f" + std::to_string(i) + "'/>";
        content += "<feature " + name;
        all += "<feature " + name;
    }
    const auto chain = [&](int length) {
        std::string models = "<model name='m0'>" + all + "</model>";
        for (int i = 1; i < length; ++i) {
            models += "<model name='m" + std::to_string(i) + "'><model name='m" + std::to_string(i - 1) + "'/></model>";
        }
        return content + models;
    };
    CHECK(map_of(chain(500)).models.size() == 500);
    CHECK_THROWS_WITH(map_of(chain(1000)), Contains("features in all"));
}

}  // namespace poolcpuid::test::cpu_map_test
