// The lines of a dump: quick ways over them change nothing, and what a reader did not use is all told.
#include "dump/line_reader.hpp"

#include <string>
#include <vector>

#include "poolcpuid/read_hosts.hpp"
#include "tests/catch.hpp"
#include "tests/unit/host_samples.hpp"

namespace poolcpuid::test::line_reader_test {

using dump::LineReader;
using dump::Source;
using dump::UnusedLines;

// The rest of the lines, each with its number.
std::vector<std::string> rest_of(LineReader& lines) {
    std::vector<std::string> texts;
    while (lines.next()) texts.push_back(std::to_string(lines.number()) + " " + std::string(lines.text()));
    return texts;
}

TEST_CASE("a line that is expected is gone over where it stands whole and nothing continues it", "[line_reader]") {
    struct Row {
        std::string line;    // that is expected
        std::string behind;  // first line
        bool is_taken;
    };
    const auto row = GENERATE(values<Row>({
        {"row\n", "row\nB\n", true},
        {"row\r\n", "row\r\nB\n", true},
        {"row \n", "row \n#\n", true},
        {"> row\n", "> row\nB\n", true},
        {" \trow\n", " \trow\nB\n", true},
        {"row\n", "row\n", true},
        {"row\n", "row\n\n> eBay\n", true},
        {"row\n", "row", false},  // at the end it is read as others are
        {"row\n", "row\r\nB\n", false},
        {"row\n", "row \nB\n", false},
        {"row\n", "rowA\nB\n", false},       // a longer line
        {"row\n", "row\neax=0x1\n", false},  // a broken row
        {"row\n", "row\n\nedx=0x1\n", false},
        {"row\n", "row\n> edx=0x1\n", false},
    }));
    CAPTURE(row.line, row.behind);
    const std::string bytes = "first\n" + row.behind;
    LineReader lines({bytes, "f"});
    REQUIRE(lines.next());
    CHECK(lines.next_if(row.line) == row.is_taken);
    if (row.is_taken) {
        CHECK(lines.text() == "row");
        CHECK(lines.number() == 2);
        CHECK(lines.whole() == row.line);
    } else {
        CHECK(lines.text() == "first");
        CHECK(lines.whole() == "first\n");
    }
    // What follows is the same as for who did not ask.
    LineReader others({bytes, "f"});
    REQUIRE(others.next());
    if (row.is_taken) REQUIRE(others.next());
    CHECK(rest_of(lines) == rest_of(others));
}

TEST_CASE("the lines that a reader did not use are told, all where it went to the end", "[line_reader]") {
    const std::string bytes = "head\n\nrow 1\n> prose\nrow 2\r\ntail";
    UnusedLines unused;
    const Source source{bytes, "f", &unused};
    LineReader lines(source);
    while (lines.next_if("row 2\r\n") || lines.next()) {
        CHECK_FALSE(unused.is_all);
        if (lines.text() == "row 1") lines.use();
    }
    CHECK(unused.text == "head\n\nprose\ntail\n");
    CHECK(unused.is_all);
}

TEST_CASE("of lines that were joined and not used nobody can say what they are", "[line_reader]") {
    const std::string bytes = "0x0 0x0:\neax=0x1 ebx=0x2\n";
    UnusedLines unused;
    const Source source{bytes, "f", &unused};
    LineReader lines(source);
    REQUIRE(lines.next());
    CHECK(lines.is_joined());
    CHECK_FALSE(lines.next());
    CHECK_FALSE(unused.is_all);
}

TEST_CASE("a long dump has no row of another tool and none behind other text, wherever that stands", "[line_reader]") {
    const std::string path = std::string(POOLCPUID_SOURCE_DIR) + "/examples/formats/instlatx64.txt";
    std::string text = read_file(path);
    while (text.size() < 20000) text += "a line of prose\n";
    const std::string ours = "CPUID 00000007: 00000000-00000000-00000000-00000000";
    const std::string other = "   0x00000007 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000";
    CHECK_NOTHROW(read_host(text, "f.txt"));
    for (const std::string& line : {"node-1: " + ours, other}) {
        CAPTURE(line);
        CHECK_THROWS_AS(read_host(text + line + "\n", "f.txt"), InputError);
        CHECK_THROWS_AS(read_host(line + "\n" + text, "f.txt"), InputError);
    }
}

}  // namespace poolcpuid::test::line_reader_test
